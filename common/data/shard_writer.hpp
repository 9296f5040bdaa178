// Writes one shard file (shard_format.hpp), window by window.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/data/shard_format.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace covenant::data {

struct ShardSummary {
    std::uint32_t number = 0;  // with kHeldoutShardBit for a held-out shard
    std::uint32_t windows = 0;
    Hash256 root;  // Merkle root over the window leaves
    bool operator==(const ShardSummary&) const = default;
};

class ShardWriter {
  public:
    // token_bytes: 2 or 4; window_tokens: 2..kMaxWindowTokens.
    ShardWriter(std::filesystem::path path, std::uint32_t number, std::uint32_t window_tokens,
                std::uint32_t token_bytes);

    // kInvalidArgument: not window_tokens ids, an id that does not fit, or the shard is full.
    Status append(std::span<const Token> window);
    [[nodiscard]] std::uint32_t windows() const {
        return static_cast<std::uint32_t>(leaves_.size());
    }
    // Writes the file durably under its name. kInvalidArgument when no window was appended.
    Result<ShardSummary> finish();

  private:
    std::filesystem::path path_;
    std::uint32_t number_;
    ShardShape shape_;
    Bytes bytes_;  // header space, then the windows
    std::vector<Hash256> leaves_;
};

}  // namespace covenant::data
