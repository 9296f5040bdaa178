// Bytes that are read at any offset: a file, or memory in tests. Nothing is held that was not asked
// for.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>

namespace covenant::model_files {

class Input {
  public:
    Input() = default;
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;
    virtual ~Input() = default;

    [[nodiscard]] virtual std::uint64_t size() const = 0;
    // Fills `out`. kMalformed: [offset, offset + out.size()) is not within size(); kIo.
    [[nodiscard]] virtual Status read(std::uint64_t offset, MutableByteView out) const = 0;
};

// A regular file; its size is taken when it is opened. kNotFound, kPermission, kIo.
Result<std::unique_ptr<Input>> open_input(const std::filesystem::path& path);
// `bytes` outlives the input.
std::unique_ptr<Input> memory_input(ByteView bytes);

}  // namespace covenant::model_files
