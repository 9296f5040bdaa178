// Files that are written: a file appears whole under its name or not at all, also after a power
// loss. The bytes go to a temporary file beside it, `.writing-<name>.<pid>-<number>`, which is
// synced, renamed and made durable in its folder. The temporary file is locked while its writer
// lives; what a killed writer left is removed by the next writer of the same name.
//
// Only a regular file is ever replaced: a symbolic link, a device, a FIFO or a folder that has the
// name is refused, whatever the caller asks for. Errors name the file; a full disk leaves nothing
// behind and says what to do.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/descriptor.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <utility>

namespace covenant {

enum class Overwrite : std::uint8_t { kNo, kYes };

// Who may read a new file or enter a new folder. The umask takes away from kPublic; nothing adds to
// kPrivate.
enum class Access : std::uint8_t {
    kPublic,   // 0644, folders 0755
    kPrivate,  // 0600, folders 0700: keys, plaintext, what tells what an operator does
};

struct FileWrite {
    // kNo: kAlreadyExists when the name is taken, also by a racing process.
    Overwrite overwrite = Overwrite::kNo;
    Access access = Access::kPublic;
    // Where the temporary file stands; empty: beside the file. Must be on the same file system. Its
    // owner clears it with remove_stale_temporaries.
    std::filesystem::path temporary_folder = {};
};

// A file that is written from the front, through a buffer of 1 MiB.
class NewFile {
  public:
    // kInvalidArgument: the path names no file. kAlreadyExists: the name is taken and may not be
    // replaced, or something else than a regular file has it. kNotFound: no such folder.
    // kPermission; kIo.
    static Result<NewFile> create(const std::filesystem::path& path, const FileWrite& how);
    NewFile(NewFile&& other) noexcept;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile();

    // Takes disk space for `bytes` more, so that a disk too full fails now. kIo.
    Status reserve(std::uint64_t bytes);
    Status write(ByteView bytes);
    Status write(std::string_view text) { return write(as_bytes(text)); }
    [[nodiscard]] std::uint64_t position() const { return written_ + buffer_.size(); }
    // The last call: gives the file its name. kAlreadyExists as create; kIo.
    Status publish();

  private:
    NewFile(std::filesystem::path path, std::filesystem::path temporary, Overwrite overwrite,
            Descriptor file)
        : path_(std::move(path)),
          temporary_(std::move(temporary)),
          overwrite_(overwrite),
          file_(std::move(file)) {}
    Status flush(ByteView bytes);
    std::filesystem::path path_;
    std::filesystem::path temporary_;  // empty once it has its name
    Overwrite overwrite_;
    Descriptor file_;
    Bytes buffer_;
    std::uint64_t written_ = 0;
};

// A NewFile of these bytes, published. Errors of both.
Status write_file_durably(const std::filesystem::path& path, ByteView bytes,
                          const FileWrite& how = {});

// kAlreadyExists when the name is taken by something that a write with this policy would not
// replace: to be asked before long work. The write itself checks again.
Status require_writable_name(const std::filesystem::path& path, Overwrite overwrite);

// Creates the folder and its missing parents, each made durable in its parent. kPermission; kIo.
Status create_folders_durably(const std::filesystem::path& folder, Access access = Access::kPublic);

// fsync of a folder: names created, renamed or removed in it survive a power loss.
Status sync_folder(const std::filesystem::path& folder);

// Removes temporary files of writers that died. Files whose writer still runs (it holds a lock on
// them, in whichever process) stay. Looks at this one folder.
Status remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace covenant
