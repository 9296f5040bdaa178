#include "common/base/new_folder.hpp"

#include "common/base/assert.hpp"
#include "common/base/file.hpp"
#include "common/base/system_failure.hpp"
#include "common/base/temporary.hpp"

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>

namespace covenant {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> taken(const fs::path& path) {
    return fail(Errc::kAlreadyExists, path.string() + " exists already: choose another name");
}

// A folder may be replaced when it holds nothing but files that a writer of this kind makes.
Status require_replaceable(const fs::path& path, bool (*ours)(std::string_view)) {
    std::error_code error;
    fs::directory_iterator entries(path, error);
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        const std::string name = entries->path().filename().string();
        if (!ours(name) || !fs::is_regular_file(entries->symlink_status())) {
            return fail(Errc::kAlreadyExists,
                        path.string() + " holds '" + name +
                            "', which does not belong there: it is not replaced; choose "
                            "another folder");
        }
    }
    if (error) return system_failure("list", path, error.value());
    return {};
}

Status require_free_name(const fs::path& path, Overwrite overwrite,
                         bool (*ours)(std::string_view)) {
    COVENANT_CHECK(detail::check_name(path));
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        return system_failure("create", path, errno);
    }
    if (overwrite == Overwrite::kNo) return taken(path);
    if (S_ISDIR(info.st_mode)) return require_replaceable(path, ours);
    return fail(Errc::kAlreadyExists, path.string() + " is " +
                                          std::string(kind_of_file(info.st_mode)) +
                                          ", no folder: choose another name");
}

}  // namespace

Result<NewFolder> NewFolder::create(const fs::path& wanted, Overwrite overwrite,
                                    bool (*ours)(std::string_view)) {
    // "dir/name/" means "dir/name".
    const bool slash = !wanted.has_filename() && wanted.has_parent_path();
    const fs::path path = slash ? wanted.parent_path() : wanted;
    COVENANT_CHECK(require_free_name(path, overwrite, ours));
    const fs::path parent = detail::parent_of(path);
    detail::remove_unlocked(
        parent, [&](const std::string& name) { return detail::is_temporary_of(path, name); });
    for (;;) {
        fs::path temporary = parent / detail::temporary_name(path);
        if (::mkdir(temporary.c_str(), 0755) != 0) {
            if (errno == EEXIST) continue;  // a process of this number died here
            return system_failure("create", path, errno);
        }
        Descriptor lock(::open(temporary.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!lock.valid() && errno != ENOENT) return system_failure("create", path, errno);
        // A cleaner may have removed it between creation and lock: then it is made again.
        if (!lock.valid() || !detail::lock_entry(lock)) continue;
        return NewFolder(path, std::move(temporary), overwrite, ours, std::move(lock));
    }
}

NewFolder::NewFolder(NewFolder&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      overwrite_(other.overwrite_),
      ours_(other.ours_),
      lock_(std::move(other.lock_)) {}

NewFolder::~NewFolder() {
    if (!temporary_.empty()) detail::remove_flat_folder(temporary_);
}

Result<NewFile> NewFolder::file(std::string_view name) const {
    COVENANT_ASSERT(ours_(name), "a folder is given the names that it may hold");
    return NewFile::create(temporary_ / name, {});
}

Status NewFolder::add(std::string_view name, ByteView bytes) const {
    COVENANT_TRY(NewFile out, file(name));
    COVENANT_CHECK(out.write(bytes));
    return out.publish();
}

Status NewFolder::publish() {
    COVENANT_CHECK(sync_folder(temporary_));
    int error = 0;
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
        error = errno;
    }
    // Some file systems know no flags. A plain rename replaces an empty folder, nothing else.
    if (error == EINVAL || error == ENOSYS) {
        error = ::rename(temporary_.c_str(), path_.c_str()) == 0 ? 0 : errno;
    }
    if (error == 0) {
        temporary_.clear();
        return sync_folder(detail::parent_of(path_));
    }
    if (error != EEXIST && error != ENOTEMPTY) return system_failure("create", path_, error);
    if (overwrite_ == Overwrite::kNo) return taken(path_);
    COVENANT_CHECK(require_free_name(path_, overwrite_, ours_));
    // The old folder takes the temporary name and goes with it.
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0) {
        return system_failure("replace", path_, errno);
    }
    return sync_folder(detail::parent_of(path_));
}

}  // namespace covenant
