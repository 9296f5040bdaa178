#include "common/base/safe_math.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/output.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace covenant::node {
namespace {

class Fd {
  public:
    explicit Fd(int fd) : fd_(fd) {}
    ~Fd() {
        if (fd_ >= 0) ::close(fd_);
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    [[nodiscard]] int get() const { return fd_; }
    // The close that can report a late write error.
    int close() {
        const int fd = fd_;
        fd_ = -1;
        return ::close(fd);
    }

  private:
    int fd_;
};

tl::unexpected<Error> system_failure(std::string_view action, const std::filesystem::path& path,
                                     int error, std::size_t wanted = 0) {
    Errc code = Errc::kIo;
    std::string why = std::generic_category().message(error);
    if (error == ENOENT) code = Errc::kNotFound;
    if (error == EACCES || error == EPERM || error == EROFS) code = Errc::kPermission;
    if (error == EEXIST) code = Errc::kAlreadyExists;
    if (error == ENOSPC || error == EDQUOT) {
        why = fmt::format("the disk is full: {} needed; free some space and try again",
                          human_bytes(wanted));
    }
    return fail(code, fmt::format("{} {}: {}", action, path.string(), why));
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (file.get() < 0) return system_failure("open", path, errno);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return system_failure("stat", path, errno);
    if (!S_ISREG(info.st_mode)) {
        return fail(Errc::kIo, fmt::format("read {}: not a regular file", path.string()));
    }
    const auto too_large = [&] {
        return fail(Errc::kCorrupt,
                    fmt::format("read {}: larger than the {} bytes such a file may have",
                                path.string(), max_bytes));
    };
    if (static_cast<std::uint64_t>(info.st_size) > max_bytes) return too_large();
    Bytes out(static_cast<std::size_t>(info.st_size));
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t count = ::read(file.get(), out.data() + done, out.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_failure("read", path, errno);
        if (count == 0) break;  // it was cut while we read
        done += static_cast<std::size_t>(count);
    }
    out.resize(done);
    return out;
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
    COVENANT_TRY(const Bytes bytes, read_file(path, max_bytes));
    return std::string(as_text(bytes));
}

Status write_file_atomic(const std::filesystem::path& path, ByteView data, Overwrite overwrite,
                         std::uint32_t mode) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    std::string temporary = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
    Fd file(::mkostemp(temporary.data(), O_CLOEXEC));
    if (file.get() < 0) return system_failure("create a file in", folder, errno, data.size());
    const auto abandon = [&](std::string_view action) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return system_failure(action, path, error, data.size());
    };
    if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0) return abandon("set the mode of");
    std::size_t done = 0;
    while (done < data.size()) {
        const ssize_t count = ::write(file.get(), data.data() + done, data.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return abandon("write");
        done += static_cast<std::size_t>(count);
    }
    if (::fsync(file.get()) != 0) return abandon("flush");
    if (file.close() != 0) return abandon("close");
    if (overwrite == Overwrite::kNo) {
        // link fails where rename would replace.
        if (::link(temporary.c_str(), path.c_str()) != 0) return abandon("create");
        ::unlink(temporary.c_str());
    } else if (::rename(temporary.c_str(), path.c_str()) != 0) {
        return abandon("replace");
    }
    const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0)
        return system_failure("flush", folder, errno);
    return {};
}

Status require_free_space(const std::filesystem::path& path, std::uint64_t bytes) {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0)
        return system_failure("look at the disk of", path, errno);
    const Uint128 free = Uint128{info.f_bavail} * info.f_frsize;
    if (free >= bytes) return {};
    return fail(Errc::kIo,
                fmt::format("{}: {} free, {} needed; free some space or choose another --datadir",
                            path.string(), human_bytes(static_cast<std::uint64_t>(free)),
                            human_bytes(bytes)));
}

}  // namespace covenant::node
