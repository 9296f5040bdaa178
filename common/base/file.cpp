#include "common/base/file.hpp"

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant {
namespace {

constexpr std::string_view kTemporaryPrefix = ".writing-";
constexpr std::size_t kIoStep = std::size_t{64} << 20;  // one write or read call at most

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    void reset(int fd = -1) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

  private:
    int fd_;
};

tl::unexpected<Error> system_failure(std::string_view what, const std::filesystem::path& path,
                                     int error) {
    std::string text =
        std::string(what) + " " + path.string() + ": " + std::generic_category().message(error);
    if (error == ENOSPC || error == EDQUOT) {
        text += ": the disk is full; free space and try again";
    } else if (error == EFBIG) {
        text += ": the file size limit of this process or file system is too low";
    }
    switch (error) {
        case ENOENT:
            return fail(Errc::kNotFound, std::move(text));
        case EACCES:
        case EPERM:
        case EROFS:
            return fail(Errc::kPermission, std::move(text));
        default:
            return fail(Errc::kIo, std::move(text));
    }
}

// Removes the temporary file unless it was renamed away.
class Temporary {
  public:
    explicit Temporary(std::filesystem::path path) : path_(std::move(path)) {}
    ~Temporary() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    void keep() { path_.clear(); }

  private:
    std::filesystem::path path_;
};

std::filesystem::path temporary_name(const std::filesystem::path& folder) {
    static std::atomic<std::uint64_t> counter{0};
    return folder / (std::string(kTemporaryPrefix) + std::to_string(::getpid()) + "-" +
                     std::to_string(counter.fetch_add(1)));
}

// A new temporary file under this process's lock. A cleaner may remove it between creation and
// locking: then the link count is 0 and another one is made.
Result<std::filesystem::path> open_temporary(const std::filesystem::path& folder, mode_t mode,
                                             Descriptor& out) {
    for (int attempt = 0; attempt < 1000; ++attempt) {
        std::filesystem::path path = temporary_name(folder);
        out.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (!out.valid()) {
            if (errno == EEXIST) continue;  // a dead process had this id
            return system_failure("create temporary file", path, errno);
        }
        struct stat info {};
        if (::flock(out.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(out.get(), &info) == 0 &&
            info.st_nlink == 1) {
            return path;
        }
        ::unlink(path.c_str());
    }
    return fail(Errc::kIo, "create temporary file in " + folder.string() +
                               ": no free name; remove the files .writing-* there");
}

Status write_all(int fd, ByteView bytes, const std::filesystem::path& path) {
    if (!bytes.empty() && ::fallocate(fd, 0, 0, static_cast<off_t>(bytes.size())) != 0 &&
        errno != EOPNOTSUPP && errno != ENOSYS && errno != EINTR) {
        return system_failure("reserve " + std::to_string(bytes.size()) + " bytes for", path,
                              errno);
    }
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), std::min(bytes.size(), kIoStep));
        if (written < 0) {
            if (errno == EINTR) continue;
            return system_failure("write", path, errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    while (::fdatasync(fd) != 0) {
        if (errno != EINTR) return system_failure("sync", path, errno);
    }
    return {};
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return system_failure("open", path, errno);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return system_failure("inspect", path, errno);
    if (!S_ISREG(info.st_mode)) {
        return fail(Errc::kIo, "read " + path.string() + ": not a regular file");
    }
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (size > max_bytes) {
        return fail(Errc::kRejected, "read " + path.string() + ": it has " + std::to_string(size) +
                                         " bytes, at most " + std::to_string(max_bytes) +
                                         " are allowed");
    }
    Bytes out(static_cast<std::size_t>(size));
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got =
            ::read(file.get(), out.data() + done, std::min(out.size() - done, kIoStep));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_failure("read", path, errno);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    out.resize(done);
    return out;
}

Status write_file_durably(const std::filesystem::path& path, ByteView bytes, const FileWrite& how) {
    const std::filesystem::path folder =
        path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    Descriptor file(-1);
    COVENANT_TRY(const std::filesystem::path name,
                 open_temporary(how.temporary_folder.empty() ? folder : how.temporary_folder,
                                static_cast<mode_t>(how.mode), file));
    Temporary temporary(name);
    COVENANT_CHECK(write_all(file.get(), bytes, path));
    if (how.replace) {
        if (::rename(name.c_str(), path.c_str()) != 0) return system_failure("name", path, errno);
        temporary.keep();
    } else if (::link(name.c_str(), path.c_str()) != 0) {
        if (errno == EEXIST) {
            return fail(Errc::kAlreadyExists, "create " + path.string() + ": it exists already");
        }
        return system_failure("name", path, errno);
    }
    return sync_folder(folder);
}

Status create_folders_durably(const std::filesystem::path& folder) {
    if (folder.empty()) return {};
    std::error_code error;
    if (std::filesystem::is_directory(folder, error)) return {};
    const std::filesystem::path parent = folder.parent_path();
    if (!parent.empty() && parent != folder) COVENANT_CHECK(create_folders_durably(parent));
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
        return system_failure("create folder", folder, errno);
    }
    if (!std::filesystem::is_directory(folder, error)) {
        return fail(Errc::kIo, "create folder " + folder.string() +
                                   ": something else has this name; choose another folder");
    }
    return sync_folder(parent.empty() ? std::filesystem::path(".") : parent);
}

Status sync_folder(const std::filesystem::path& folder) {
    const Descriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!handle.valid()) return system_failure("open folder", folder, errno);
    while (::fsync(handle.get()) != 0) {
        if (errno == EINVAL) return {};  // this file system has nothing to sync for folders
        if (errno != EINTR) return system_failure("sync folder", folder, errno);
    }
    return {};
}

Status remove_stale_temporaries(const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::directory_iterator entries(folder, error);
    if (error) return system_failure("list folder", folder, error.value());
    for (const std::filesystem::directory_iterator end; entries != end; entries.increment(error)) {
        if (error) break;
        const std::filesystem::path& path = entries->path();
        if (!path.filename().string().starts_with(kTemporaryPrefix)) continue;
        const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        if (!file.valid()) continue;  // finished or removed meanwhile
        if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
    }
    if (error) return system_failure("list folder", folder, error.value());
    return {};
}

}  // namespace covenant
