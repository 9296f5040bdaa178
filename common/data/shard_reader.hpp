// Reads one shard file through a memory map. The header is treated as hostile; the tokens are
// checked against a root by whoever knows it (WindowReader).
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/merkle.hpp"
#include "common/data/shard_format.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace covenant::data {

class ShardReader {
  public:
    // kNotFound, kIo, kMalformed.
    static Result<ShardReader> open(const std::filesystem::path& path, std::uint32_t number);

    ShardReader(ShardReader&& other) noexcept;
    ShardReader& operator=(ShardReader&& other) noexcept;
    ShardReader(const ShardReader&) = delete;
    ShardReader& operator=(const ShardReader&) = delete;
    ~ShardReader();

    [[nodiscard]] const ShardShape& shape() const { return header_.shape; }
    [[nodiscard]] std::uint32_t number() const { return number_; }

    // Token bytes of a window as they stand in the file. index < shape().windows.
    [[nodiscard]] ByteView window_bytes(std::uint32_t index) const;
    [[nodiscard]] std::vector<Token> window(std::uint32_t index) const;
    [[nodiscard]] Hash256 leaf(std::uint32_t index) const;
    // All leaves, in order: reads the whole file.
    [[nodiscard]] std::vector<Hash256> leaves() const;
    [[nodiscard]] Hash256 root() const { return crypto::merkle_root(leaves()); }
    // Siblings from the leaf of one window up to the shard's root.
    [[nodiscard]] crypto::MerkleProof proof(std::uint32_t index) const;

  private:
    ShardReader() = default;
    void close();
    const std::uint8_t* map_ = nullptr;
    std::size_t map_bytes_ = 0;
    std::uint32_t number_ = 0;
    ShardHeader header_;
};

}  // namespace covenant::data
