#include "common/base/durable_file.hpp"

#include "common/base/file.hpp"
#include "common/base/system_failure.hpp"
#include "common/base/temporary.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kWriteStep = std::size_t{64} << 20;  // one call at most
constexpr int kAttempts = 1000;

tl::unexpected<Error> taken(const fs::path& path) {
    return fail(Errc::kAlreadyExists, path.string() + " exists already: choose another name");
}

// A new temporary file under this process's lock. A cleaner may remove it between creation and
// locking, or a dead process of the same number may have left one: then another name is tried.
Result<std::pair<fs::path, Descriptor>> open_temporary(const fs::path& path, const FileWrite& how) {
    const fs::path folder =
        how.temporary_folder.empty() ? detail::parent_of(path) : how.temporary_folder;
    const mode_t mode = how.access == Access::kPrivate ? 0600 : 0644;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        fs::path name = folder / detail::temporary_name(path);
        Descriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
        if (file.valid() && detail::lock_entry(file)) {
            return std::pair(std::move(name), std::move(file));
        }
        if (!file.valid() && errno != EEXIST) return system_failure("create", path, errno);
    }
    return fail(Errc::kIo, "create " + path.string() +
                               ": no free name for a temporary file; remove the files .writing-* "
                               "in " +
                               folder.string());
}

}  // namespace

Status require_writable_name(const fs::path& path, Overwrite overwrite) {
    COVENANT_CHECK(detail::check_name(path));
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        return system_failure("create", path, errno);
    }
    if (overwrite == Overwrite::kNo) return taken(path);
    if (S_ISREG(info.st_mode)) return {};
    return fail(Errc::kAlreadyExists, path.string() + " is " +
                                          std::string(kind_of_file(info.st_mode)) +
                                          ", not a regular file, and is not replaced: choose "
                                          "another name");
}

Result<NewFile> NewFile::create(const fs::path& path, const FileWrite& how) {
    COVENANT_CHECK(require_writable_name(path, how.overwrite));
    if (how.temporary_folder.empty()) {
        detail::remove_unlocked(detail::parent_of(path), [&](const std::string& name) {
            return detail::is_temporary_of(path, name);
        });
    }
    COVENANT_TRY(auto temporary, open_temporary(path, how));
    return NewFile(path, std::move(temporary.first), how.overwrite, std::move(temporary.second));
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      overwrite_(other.overwrite_),
      file_(std::move(other.file_)),
      buffer_(std::move(other.buffer_)),
      written_(other.written_) {}

NewFile::~NewFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status NewFile::reserve(std::uint64_t bytes) {
    if (bytes == 0 || ::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(position()),
                                  static_cast<off_t>(bytes)) == 0) {
        return {};
    }
    // Not every file system can, and an interrupted reservation is none: the writes will tell.
    if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR) return {};
    return system_failure("reserve " + std::to_string(bytes) + " bytes for", path_, errno);
}

Status NewFile::flush(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::write(file_.get(), bytes.data(), std::min(bytes.size(), kWriteStep));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_failure("write", path_, errno);
        bytes = bytes.subspan(static_cast<std::size_t>(got));
        written_ += static_cast<std::uint64_t>(got);
    }
    return {};
}

Status NewFile::write(ByteView bytes) {
    if (buffer_.size() + bytes.size() > kBufferBytes) {
        COVENANT_CHECK(flush(buffer_));
        buffer_.clear();
    }
    if (bytes.size() >= kBufferBytes) return flush(bytes);
    append(buffer_, bytes);
    return {};
}

Status NewFile::publish() {
    COVENANT_CHECK(flush(buffer_));
    buffer_.clear();
    while (::fdatasync(file_.get()) != 0) {
        if (errno != EINTR) return system_failure("sync", path_, errno);
    }
    // The lock is held until the file has its name, so no cleaner takes it for a dead writer's.
    if (overwrite_ == Overwrite::kYes) {
        COVENANT_CHECK(require_writable_name(path_, overwrite_));
        if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
            return system_failure("replace", path_, errno);
        }
    } else if (const int error = detail::rename_if_free(temporary_, path_); error != 0) {
        return error == EEXIST ? taken(path_) : system_failure("create", path_, error);
    }
    temporary_.clear();
    file_.reset();
    return sync_folder(detail::parent_of(path_));
}

Status write_file_durably(const fs::path& path, ByteView bytes, const FileWrite& how) {
    COVENANT_TRY(NewFile file, NewFile::create(path, how));
    COVENANT_CHECK(file.reserve(bytes.size()));
    COVENANT_CHECK(file.write(bytes));
    return file.publish();
}

Status create_folders_durably(const fs::path& folder, Access access) {
    if (folder.empty()) return {};
    std::error_code error;
    if (fs::is_directory(folder, error)) return {};
    const fs::path parent = folder.parent_path();
    if (!parent.empty() && parent != folder) {
        COVENANT_CHECK(create_folders_durably(parent, access));
    }
    if (::mkdir(folder.c_str(), access == Access::kPrivate ? 0700 : 0755) != 0 && errno != EEXIST) {
        // A parent that is there and yet not found: this file system makes no folders.
        Error failure = system_failure("create folder", folder, errno).value();
        if (failure.code == Errc::kNotFound) failure.code = Errc::kIo;
        return fail(std::move(failure));
    }
    if (!fs::is_directory(folder, error)) {
        return fail(Errc::kIo, "create folder " + folder.string() +
                                   ": something else has this name; choose another folder");
    }
    return sync_folder(parent.empty() ? fs::path(".") : parent);
}

Status sync_folder(const fs::path& folder) {
    const Descriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!handle.valid()) return system_failure("open folder", folder, errno);
    while (::fsync(handle.get()) != 0) {
        if (errno == EINVAL) return {};  // this file system has nothing to sync for folders
        if (errno != EINTR) return system_failure("sync folder", folder, errno);
    }
    return {};
}

Status remove_stale_temporaries(const fs::path& folder) {
    std::error_code error;
    const fs::directory_iterator readable(folder, error);
    if (error) return system_failure("list folder", folder, error.value());
    detail::remove_unlocked(folder,
                            [](const std::string& name) { return name.starts_with(".writing-"); });
    return {};
}

}  // namespace covenant
