// Durable files. A file appears whole under its name or not at all: bytes go to a temporary file,
// fallocate, write, fdatasync, then rename (or link) and fsync of the folder. A full disk leaves
// nothing behind. Errors name the path and the system's reason; ENOSPC, EDQUOT and EFBIG are kIo
// with what to do about it.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <filesystem>

namespace covenant {

struct FileWrite {
    // false: never replaces; kAlreadyExists when the name is taken, also by a racing process.
    bool replace = true;
    unsigned mode = 0644;
    // Where the temporary file stands; empty: beside the file. Must be on the same file system.
    std::filesystem::path temporary_folder;
};

// kNotFound; kIo; kRejected when the file has more than max_bytes.
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

Status write_file_durably(const std::filesystem::path& path, ByteView bytes,
                          const FileWrite& how = {});

// Creates the folder and its missing parents, each made durable in its parent.
Status create_folders_durably(const std::filesystem::path& folder);

// fsync of a folder: names created, renamed or removed in it survive a power loss.
Status sync_folder(const std::filesystem::path& folder);

// Removes temporary files of writers that died. Files whose writer still runs (it holds a lock on
// them, in whichever process) stay. Looks at this one folder.
Status remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace covenant
