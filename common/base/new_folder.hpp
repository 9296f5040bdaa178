// A folder of files that appears whole under its name or not at all, as durable_file.hpp says of a
// file.
#pragma once

#include "common/base/durable_file.hpp"

#include <filesystem>
#include <string_view>

namespace covenant {

class NewFolder {
  public:
    // `ours` tells which names such a folder may hold: with Overwrite::kYes, a folder that holds
    // any other is not replaced (kAlreadyExists). Else errors of NewFile::create.
    static Result<NewFolder> create(const std::filesystem::path& path, Overwrite overwrite,
                                    bool (*ours)(std::string_view name));
    NewFolder(NewFolder&& other) noexcept;
    NewFolder& operator=(NewFolder&&) = delete;
    ~NewFolder();

    // Where its files are until then, for writers that take a path.
    [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }
    // A file in it; `name` is one of `ours`.
    [[nodiscard]] Result<NewFile> file(std::string_view name) const;
    [[nodiscard]] Status add(std::string_view name, ByteView bytes) const;
    // The last call: gives the folder its name, when all its files are published.
    Status publish();

  private:
    NewFolder(std::filesystem::path path, std::filesystem::path temporary, Overwrite overwrite,
              bool (*ours)(std::string_view name), Descriptor lock)
        : path_(std::move(path)),
          temporary_(std::move(temporary)),
          overwrite_(overwrite),
          ours_(ours),
          lock_(std::move(lock)) {}
    std::filesystem::path path_;
    std::filesystem::path temporary_;  // empty once it has its name
    Overwrite overwrite_;
    bool (*ours_)(std::string_view name);
    Descriptor lock_;
};

}  // namespace covenant
