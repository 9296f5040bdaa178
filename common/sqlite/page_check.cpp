#include "common/sqlite/page_check.hpp"

#include "common/base/bytes.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>

#include <sqlite3.h>

namespace covenant::sqlite {
namespace {

using Page = std::array<std::uint8_t, kPageBytes>;
using Check = std::array<std::uint8_t, kPageCheckBytes>;

constexpr int kHeaderBytes = 100;
constexpr std::size_t kChecked = kPageBytes - kPageCheckBytes;

Check check_of(sqlite3_int64 offset, const std::uint8_t* page) {
    std::array<std::uint8_t, 8> number{};
    store_le(static_cast<std::uint64_t>(offset) / kPageBytes, number.data());
    crypto::Sha256 hash = crypto::Sha256::tagged("sqlite-page");
    hash.update(number).update({page, kChecked});
    const Hash256 digest = hash.finish();
    Check out;
    std::copy_n(digest.bytes.begin(), out.size(), out.begin());
    return out;
}

// The file object is the system VFS's own, with two of its methods replaced; what they need stands
// behind it.
struct Extra {
    sqlite3_io_methods methods;
    const sqlite3_io_methods* original;
};

sqlite3_vfs& system_vfs() {
    static sqlite3_vfs* const found = sqlite3_vfs_find(nullptr);
    return *found;
}

int extra_offset() {
    constexpr int kAlign = alignof(std::max_align_t);
    return (system_vfs().szOsFile + kAlign - 1) / kAlign * kAlign;
}

Extra& extra(sqlite3_file* file) {
    return *reinterpret_cast<Extra*>(reinterpret_cast<char*>(file) + extra_offset());
}

int read_page(sqlite3_file* file, std::uint8_t* page, sqlite3_int64 offset) {
    const int code = extra(file).original->xRead(file, page, kPageBytes, offset);
    if (code != SQLITE_OK) return code;  // behind the end of the file: SQLite knows what to do
    const Check check = check_of(offset, page);
    return std::memcmp(check.data(), page + kChecked, check.size()) == 0 ? SQLITE_OK
                                                                         : SQLITE_IOERR_DATA;
}

int read(sqlite3_file* file, void* out, int bytes, sqlite3_int64 offset) {
    if (bytes == kPageBytes && offset % kPageBytes == 0) {
        return read_page(file, static_cast<std::uint8_t*>(out), offset);
    }
    // The header is looked at without a lock, so a checkpoint may just be writing that page. SQLite
    // reads the page whole, and under a lock, before it takes anything from the file.
    if (offset + bytes <= kHeaderBytes) {
        return extra(file).original->xRead(file, out, bytes, offset);
    }
    return SQLITE_IOERR_DATA;  // pages of another size: the header is damaged
}

int write(sqlite3_file* file, const void* in, int bytes, sqlite3_int64 offset) {
    const auto* original = extra(file).original;
    if (bytes != kPageBytes || offset % kPageBytes != 0) {
        return original->xWrite(file, in, bytes, offset);
    }
    Page page;
    std::memcpy(page.data(), in, page.size());
    const Check check = check_of(offset, page.data());
    std::copy(check.begin(), check.end(), page.begin() + kChecked);
    return original->xWrite(file, page.data(), bytes, offset);
}

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    const int code = system_vfs().xOpen(&system_vfs(), name, file, flags, out_flags);
    if (code != SQLITE_OK || file->pMethods == nullptr || (flags & SQLITE_OPEN_MAIN_DB) == 0) {
        return code;
    }
    auto* const more = new (&extra(file)) Extra{*file->pMethods, file->pMethods};
    more->methods.iVersion = std::min(more->methods.iVersion, 2);  // 3 reads through a mapping
    more->methods.xRead = read;
    more->methods.xWrite = write;
    file->pMethods = &more->methods;
    return SQLITE_OK;
}

}  // namespace

const char* checked_vfs() {
    static sqlite3_vfs vfs = [] {
        sqlite3_vfs out = system_vfs();
        out.szOsFile = extra_offset() + static_cast<int>(sizeof(Extra));
        out.zName = "covenant-checked";
        out.pNext = nullptr;
        out.xOpen = open;
        return out;
    }();
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    return registered == SQLITE_OK ? vfs.zName : "covenant-checked (not registered)";
}

}  // namespace covenant::sqlite
