#include "common/model_files/input.hpp"

#include "common/base/file.hpp"

#include <cstring>
#include <string>

namespace covenant::model_files {
namespace {

Status within(std::uint64_t offset, std::size_t length, std::uint64_t size) {
    if (offset <= size && length <= size - offset) return {};
    return fail(Errc::kMalformed, "bytes " + std::to_string(offset) + " to " +
                                      std::to_string(offset) + " + " + std::to_string(length) +
                                      " are not within the file's " + std::to_string(size));
}

class FileInput final : public Input {
  public:
    explicit FileInput(RegularFile file) : file_(std::move(file)) {}
    std::uint64_t size() const override { return file_.size(); }
    Status read(std::uint64_t offset, MutableByteView out) const override {
        COVENANT_CHECK(within(offset, out.size(), file_.size()));
        return file_.read(offset, out);
    }

  private:
    RegularFile file_;
};

class MemoryInput final : public Input {
  public:
    explicit MemoryInput(ByteView bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Status read(std::uint64_t offset, MutableByteView out) const override {
        COVENANT_CHECK(within(offset, out.size(), bytes_.size()));
        if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
        return {};
    }

  private:
    ByteView bytes_;
};

}  // namespace

Result<std::unique_ptr<Input>> open_input(const std::filesystem::path& path) {
    COVENANT_TRY(RegularFile file, RegularFile::open(path));
    return std::make_unique<FileInput>(std::move(file));
}

std::unique_ptr<Input> memory_input(ByteView bytes) {
    return std::make_unique<MemoryInput>(bytes);
}

}  // namespace covenant::model_files
