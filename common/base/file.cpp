#include "common/base/file.hpp"

#include "common/base/system_failure.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

namespace covenant {
namespace {

constexpr std::size_t kReadStep = std::size_t{64} << 20;  // one call at most

tl::unexpected<Error> not_regular(std::string_view action, const std::filesystem::path& path,
                                  unsigned mode) {
    return fail(Errc::kIo, std::string(action) + " " + path.string() + ": it is " +
                               std::string(kind_of_file(mode)) + ", not a regular file");
}

}  // namespace

std::string_view kind_of_file(unsigned mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return "a regular file";
        case S_IFDIR:
            return "a folder";
        case S_IFLNK:
            return "a symbolic link";
        case S_IFIFO:
            return "a FIFO";
        case S_IFSOCK:
            return "a socket";
        default:
            return "a device";
    }
}

Result<RegularFile> RegularFile::open(const std::filesystem::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return system_failure("open", path, errno);
    if (!S_ISREG(info.st_mode)) return not_regular("open", path, info.st_mode);
    // Something else may have taken the name since: O_NONBLOCK does not wait even then.
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file.valid()) return system_failure("open", path, errno);
    if (::fstat(file.get(), &info) != 0) return system_failure("inspect", path, errno);
    if (!S_ISREG(info.st_mode)) return not_regular("open", path, info.st_mode);
    return RegularFile(path, std::move(file), static_cast<std::uint64_t>(info.st_size));
}

Status RegularFile::read(std::uint64_t offset, MutableByteView out) const {
    while (!out.empty()) {
        const ssize_t got = ::pread(file_.get(), out.data(), std::min(out.size(), kReadStep),
                                    static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_failure("read", path_, errno);
        if (got == 0) {
            return fail(Errc::kIo, "read " + path_.string() + ": it became shorter meanwhile");
        }
        out = out.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
    return {};
}

Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
    COVENANT_TRY(const RegularFile file, RegularFile::open(path));
    if (file.size() > max_bytes) {
        return fail(Errc::kRejected, "read " + path.string() + ": it has " +
                                         std::to_string(file.size()) + " bytes, at most " +
                                         std::to_string(max_bytes) + " are allowed");
    }
    Bytes out(static_cast<std::size_t>(file.size()));
    COVENANT_CHECK(file.read(0, out));
    return out;
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
    COVENANT_TRY(const Bytes bytes, read_file(path, max_bytes));
    return std::string(as_text(bytes));
}

Status require_regular_or_absent(const std::filesystem::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        return system_failure("inspect", path, errno);
    }
    if (!S_ISREG(info.st_mode)) return not_regular("open", path, info.st_mode);
    return {};
}

}  // namespace covenant
