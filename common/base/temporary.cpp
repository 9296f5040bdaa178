#include "common/base/temporary.hpp"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".writing-";
constexpr std::size_t kNameBytes = 200;  // of 255: the rest is for what surrounds it

std::string stem_for(const fs::path& path) {
    return std::string(kPrefix) + path.filename().string().substr(0, kNameBytes) + ".";
}

}  // namespace

fs::path parent_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

Status check_name(const fs::path& path) {
    const std::string name = path.filename().string();
    if (!name.empty() && name != "." && name != "..") return {};
    return fail(Errc::kInvalidArgument, "'" + path.string() + "' names no file or folder");
}

std::string temporary_name(const fs::path& path) {
    static std::atomic<std::uint64_t> counter{0};
    return stem_for(path) + std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1));
}

bool is_temporary_of(const fs::path& path, const std::string& name) {
    const std::string stem = stem_for(path);
    if (!name.starts_with(stem)) return false;
    const std::string_view rest = std::string_view(name).substr(stem.size());
    return std::count(rest.begin(), rest.end(), '-') == 1 &&
           std::all_of(rest.begin(), rest.end(),
                       [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

void remove_flat_folder(const fs::path& folder) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        ::unlink(entries->path().c_str());
    }
    ::rmdir(folder.c_str());
}

void remove_unlocked(const fs::path& folder,
                     const std::function<bool(const std::string&)>& chosen) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        if (!chosen(entries->path().filename().string())) continue;
        const Descriptor entry(
            ::open(entries->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        struct stat info {};
        if (!entry.valid() || ::fstat(entry.get(), &info) != 0) continue;
        if (::flock(entry.get(), LOCK_EX | LOCK_NB) != 0) continue;
        if (S_ISDIR(info.st_mode)) remove_flat_folder(entries->path());
        if (S_ISREG(info.st_mode)) ::unlink(entries->path().c_str());
    }
}

bool lock_entry(const Descriptor& entry) {
    // A file system without locks has no cleaner that could take one either.
    if (::flock(entry.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
    struct stat info {};
    return ::fstat(entry.get(), &info) == 0 && info.st_nlink > 0;
}

int rename_if_free(const fs::path& from, const fs::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // This file system has no such rename (NFS). A second name is refused when the name is taken.
    if (::link(from.c_str(), to.c_str()) == 0) {
        ::unlink(from.c_str());
        return 0;
    }
    const bool linkless =
        errno == EPERM || errno == ENOSYS || errno == EOPNOTSUPP || errno == EMLINK;
    if (!linkless) return errno;
    // It has no second names either (FAT, some FUSE): an empty file takes the name, then the whole
    // one replaces it. A reader between the two sees the empty file.
    const Descriptor place(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!place.valid()) return errno;
    if (::rename(from.c_str(), to.c_str()) == 0) return 0;
    const int error = errno;
    ::unlink(to.c_str());
    return error;
}

}  // namespace covenant::detail
