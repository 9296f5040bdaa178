#include "common/model_files/output.hpp"

#include "common/base/assert.hpp"
#include "common/base/file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant::model_files {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::size_t kWriteStep = std::size_t{64} << 20;
constexpr std::string_view kPrefix = ".writing-";

tl::unexpected<Error> system_failure(std::string_view what, const fs::path& path, int error) {
    std::string text =
        std::string(what) + " " + path.string() + ": " + std::generic_category().message(error);
    if (error == ENOSPC || error == EDQUOT) text += ": free space and try again";
    Errc code = Errc::kIo;
    if (error == ENOENT) code = Errc::kNotFound;
    if (error == EACCES || error == EPERM || error == EROFS) code = Errc::kPermission;
    if (error == EEXIST || error == ENOTEMPTY) code = Errc::kAlreadyExists;
    return fail(code, std::move(text));
}

fs::path parent_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// "dir/name/" means "dir/name".
fs::path without_slash(const fs::path& path) {
    return path.has_filename() || !path.has_parent_path() ? path : path.parent_path();
}

Status taken(const fs::path& path) {
    return fail(Errc::kAlreadyExists,
                path.string() + " exists already: choose another name, or replace it with --force");
}

// Only files directly in it: nothing of ours makes folders there.
void remove_folder(const fs::path& folder) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        ::unlink(entries->path().c_str());
    }
    ::rmdir(folder.c_str());
}

// What dead writers of this name left.
void remove_stale(const fs::path& path) {
    const std::string start = std::string(kPrefix) + path.filename().string() + ".";
    std::error_code error;
    fs::directory_iterator entries(parent_of(path), error);
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        const std::string name = entries->path().filename().string();
        if (!name.starts_with(start) || name.size() != start.size() + 6) continue;
        const int fd = ::open(entries->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0) continue;
        struct stat info {};
        if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && ::fstat(fd, &info) == 0) {
            if (S_ISDIR(info.st_mode)) remove_folder(entries->path());
            if (S_ISREG(info.st_mode)) ::unlink(entries->path().c_str());
        }
        ::close(fd);
    }
}

std::string temporary_pattern(const fs::path& path) {
    return (parent_of(path) / (std::string(kPrefix) + path.filename().string() + ".XXXXXX"))
        .string();
}

Status check_name(const fs::path& path) {
    const std::string name = path.filename().string();
    if (!name.empty() && name != "." && name != "..") return {};
    return fail(Errc::kInvalidArgument, "'" + path.string() + "' names no file or folder");
}

}  // namespace

Result<OutputFile> OutputFile::create(const fs::path& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return system_failure("create", path, errno);
    return OutputFile(path, fd);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)),
      written_(other.written_) {}

OutputFile::~OutputFile() {
    if (fd_ >= 0) ::close(fd_);
}

Status OutputFile::flush(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t got = ::write(fd_, bytes.data(), std::min(bytes.size(), kWriteStep));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_failure("write", path_, errno);
        bytes = bytes.subspan(static_cast<std::size_t>(got));
        written_ += static_cast<std::uint64_t>(got);
    }
    return {};
}

Status OutputFile::write(ByteView bytes) {
    if (buffer_.size() + bytes.size() > kBufferBytes) {
        COVENANT_CHECK(flush(buffer_));
        buffer_.clear();
    }
    if (bytes.size() >= kBufferBytes) return flush(bytes);
    append(buffer_, bytes);
    return {};
}

Status OutputFile::finish() {
    COVENANT_CHECK(flush(buffer_));
    buffer_.clear();
    while (::fdatasync(fd_) != 0) {
        if (errno != EINTR) return system_failure("sync", path_, errno);
    }
    ::close(std::exchange(fd_, -1));
    return {};
}

Result<NewFile> NewFile::create(const fs::path& path, bool replace) {
    COVENANT_CHECK(check_name(path));
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (fs::exists(status)) {
        if (!replace) COVENANT_CHECK(taken(path));
        if (fs::is_directory(status)) {
            return fail(Errc::kAlreadyExists, path.string() + " is a folder: choose another name");
        }
    }
    remove_stale(path);
    std::string pattern = temporary_pattern(path);
    const int fd = ::mkostemp(pattern.data(), O_CLOEXEC);
    if (fd < 0) return system_failure("create a file beside", path, errno);
    NewFile out;
    out.path_ = path;
    out.temporary_ = pattern;
    out.replace_ = replace;
    out.file_ = std::unique_ptr<OutputFile>(new OutputFile(pattern, fd));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::fchmod(fd, 0644) != 0) {
        return system_failure("prepare", pattern, errno);
    }
    return out;
}

NewFile::~NewFile() {
    if (file_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

Status NewFile::publish() {
    COVENANT_CHECK(file_->finish());
    if (replace_) {
        if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
            return system_failure("name", path_, errno);
        }
        temporary_.clear();
    } else if (::link(temporary_.c_str(), path_.c_str()) != 0) {
        if (errno == EEXIST) return taken(path_);
        return system_failure("name", path_, errno);
    }
    return sync_folder(parent_of(path_));
}

Result<NewFolder> NewFolder::create(const fs::path& wanted, bool replace,
                                    bool (*ours)(std::string_view)) {
    const fs::path path = without_slash(wanted);
    COVENANT_CHECK(check_name(path));
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (fs::exists(status)) {
        if (!replace) COVENANT_CHECK(taken(path));
        if (!fs::is_directory(status)) {
            return fail(Errc::kAlreadyExists, path.string() + " is no folder: choose another name");
        }
        fs::directory_iterator entries(path, error);
        for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
            const std::string name = entries->path().filename().string();
            if (!ours(name) || !fs::is_regular_file(entries->symlink_status())) {
                return fail(Errc::kAlreadyExists,
                            path.string() + " holds '" + name +
                                "', which no export writes: it is not replaced; choose another "
                                "folder");
            }
        }
        if (error) return system_failure("list", path, error.value());
    }
    remove_stale(path);
    std::string pattern = temporary_pattern(path);
    if (::mkdtemp(pattern.data()) == nullptr) {
        return system_failure("create a folder beside", path, errno);
    }
    NewFolder out;
    out.path_ = path;
    out.temporary_ = pattern;
    out.replace_ = replace;
    out.ours_ = ours;
    out.lock_ = ::open(pattern.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out.lock_ < 0 || ::flock(out.lock_, LOCK_EX | LOCK_NB) != 0 ||
        ::fchmod(out.lock_, 0755) != 0) {
        return system_failure("prepare", pattern, errno);
    }
    return out;
}

NewFolder::NewFolder(NewFolder&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      lock_(std::exchange(other.lock_, -1)),
      replace_(other.replace_),
      ours_(other.ours_) {}

NewFolder::~NewFolder() {
    if (!temporary_.empty()) remove_folder(temporary_);
    if (lock_ >= 0) ::close(lock_);
}

Result<OutputFile> NewFolder::file(std::string_view name) const {
    COVENANT_ASSERT(ours_(name), "an export writes names of its own");
    return OutputFile::create(temporary_ / name);
}

Status NewFolder::add(std::string_view name, ByteView bytes) const {
    COVENANT_TRY(OutputFile out, file(name));
    COVENANT_CHECK(out.write(bytes));
    return out.finish();
}

Status NewFolder::publish() {
    COVENANT_CHECK(sync_folder(temporary_));
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) {
        temporary_.clear();
        return sync_folder(parent_of(path_));
    }
    // Some file systems know no flags; a plain rename onto a folder that holds something fails too.
    if (errno == EINVAL && ::rename(temporary_.c_str(), path_.c_str()) == 0) {
        temporary_.clear();
        return sync_folder(parent_of(path_));
    }
    if (errno != EEXIST && errno != ENOTEMPTY) return system_failure("name", path_, errno);
    if (!replace_) return taken(path_);
    // The old folder takes the temporary name and goes with it.
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0) {
        return system_failure("replace", path_, errno);
    }
    return sync_folder(parent_of(path_));
}

}  // namespace covenant::model_files
