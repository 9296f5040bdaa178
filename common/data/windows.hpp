// The run's windows of tokens, as whoever trains or checks training asks for them, wherever they
// come from.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/data/token.hpp"
#include "common/protocol/ids.hpp"

#include <span>
#include <vector>

namespace covenant::data {

// Thread-safe. Errors: kInvalidArgument: there is no such window; kCorrupt: what is here is not the
// run's.
class Windows {
  public:
    virtual ~Windows() = default;

    // Windows one after another, (T + 1) * indices.size() tokens: a step's input to the engine.
    [[nodiscard]] virtual Result<std::vector<Token>> windows(
        std::span<const protocol::WindowIndex> indices) const = 0;
    [[nodiscard]] virtual Result<std::vector<Token>> heldout_windows(
        std::span<const protocol::WindowIndex> indices) const = 0;
    // Merkle root over the leaves of assignable windows in training order:
    // SegmentRecord.window_root. Zero for none.
    [[nodiscard]] virtual Result<Hash256> window_root(
        std::span<const protocol::WindowIndex> indices) const = 0;

  protected:
    Windows() = default;
    Windows(Windows&&) = default;
    Windows& operator=(Windows&&) = default;
};

}  // namespace covenant::data
