// Files that are read. A path may come from anybody, so what it names is looked at before anything
// can wait on it: only a regular file is opened. A FIFO would hold a reader for ever, a device may
// never end, and opening some devices has an effect.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/descriptor.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace covenant {

// What a path names, from the mode that stat gives: "a regular file", "a folder", "a FIFO", ...
std::string_view kind_of_file(unsigned mode);

// A regular file, open for reading. Symbolic links are followed.
class RegularFile {
  public:
    // kNotFound; kPermission; kIo: the path names no regular file, or the system's reason.
    static Result<RegularFile> open(const std::filesystem::path& path);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] int descriptor() const { return file_.get(); }
    // In bytes, when it was opened.
    [[nodiscard]] std::uint64_t size() const { return size_; }
    // Fills `out` from `offset`. kIo: also when the file ends before that.
    Status read(std::uint64_t offset, MutableByteView out) const;

  private:
    RegularFile(std::filesystem::path path, Descriptor file, std::uint64_t size)
        : path_(std::move(path)), file_(std::move(file)), size_(size) {}
    std::filesystem::path path_;
    Descriptor file_;
    std::uint64_t size_ = 0;
};

// The whole file. Errors of RegularFile::open; kRejected when it has more than max_bytes.
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes);
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes);

// For a path that a library is about to open or create by itself (SQLite, a log): kIo when it names
// anything but a regular file. Nothing there is fine.
Status require_regular_or_absent(const std::filesystem::path& path);

}  // namespace covenant
