// Files and folders that appear whole under their name or not at all. What is being written stands
// beside it as `.writing-<name>.<random>`, locked, and is removed when the writer gives up; what a
// killed writer left is removed by the next writer of the same name.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::model_files {

// A file that is written from the front, through a buffer. Removed by its owner, not here.
class OutputFile {
  public:
    // kAlreadyExists, kPermission, kIo.
    static Result<OutputFile> create(const std::filesystem::path& path);
    OutputFile(OutputFile&& other) noexcept;
    OutputFile& operator=(OutputFile&&) = delete;
    ~OutputFile();

    Status write(ByteView bytes);
    Status write(std::string_view text) { return write(as_bytes(text)); }
    [[nodiscard]] std::uint64_t position() const { return written_ + buffer_.size(); }
    // Everything on the disk; the last call.
    Status finish();

  private:
    friend class NewFile;
    OutputFile(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
    Status flush(ByteView bytes);
    std::filesystem::path path_;
    int fd_ = -1;
    Bytes buffer_;
    std::uint64_t written_ = 0;
};

// A file under `path` once publish() has returned without an error.
class NewFile {
  public:
    // kAlreadyExists: the name is taken and `replace` is false, or a folder has it.
    static Result<NewFile> create(const std::filesystem::path& path, bool replace);
    NewFile(NewFile&&) noexcept = default;
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile();

    [[nodiscard]] OutputFile& file() { return *file_; }
    Status publish();

  private:
    NewFile() = default;
    std::filesystem::path path_;
    std::filesystem::path temporary_;
    bool replace_ = false;
    std::unique_ptr<OutputFile> file_;
};

// A folder of files, likewise.
class NewFolder {
  public:
    // `ours` tells which names such a folder may hold: with `replace`, a folder that holds any
    // other is not replaced (kAlreadyExists).
    static Result<NewFolder> create(const std::filesystem::path& path, bool replace,
                                    bool (*ours)(std::string_view name));
    NewFolder(NewFolder&& other) noexcept;
    NewFolder& operator=(NewFolder&&) = delete;
    ~NewFolder();

    // `name` is a plain file name.
    Result<OutputFile> file(std::string_view name) const;
    Status add(std::string_view name, ByteView bytes) const;
    Status publish();

  private:
    NewFolder() = default;
    std::filesystem::path path_;
    std::filesystem::path temporary_;
    int lock_ = -1;
    bool replace_ = false;
    bool (*ours_)(std::string_view name) = nullptr;
};

}  // namespace covenant::model_files
