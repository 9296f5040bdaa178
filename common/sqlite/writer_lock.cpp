#include "common/sqlite/writer_lock.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace covenant::sqlite {
namespace {

constexpr auto kPause = Millis(20);

}  // namespace

Result<WriterLock> WriterLock::acquire(const std::string& path, Clock& clock,
                                       const std::stop_token& stop) {
    const std::string name = path + "-lock";
    // O_NONBLOCK: the name may be a FIFO's.
    WriterLock lock(
        ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    while (lock.file_ < 0 || ::flock(lock.file_, LOCK_EX | LOCK_NB) != 0) {
        if (lock.file_ < 0 || (errno != EWOULDBLOCK && errno != EINTR)) {
            return fail(errno == EACCES ? Errc::kPermission : Errc::kIo,
                        "lock " + name + ": " + std::generic_category().message(errno));
        }
        if (!clock.sleep_for(kPause, stop)) {
            return fail(Errc::kInterrupted, "stopped while another process writes " + path);
        }
    }
    return lock;
}

WriterLock::WriterLock(WriterLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

WriterLock::~WriterLock() {
    if (file_ >= 0) ::close(file_);
}

}  // namespace covenant::sqlite
