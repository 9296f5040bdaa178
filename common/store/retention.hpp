// Which objects may be dropped. Pure; the caller erases what it names.
#pragma once

#include "common/base/bytes.hpp"
#include "common/protocol/ids.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::store {

struct DatedObject {
    Hash256 object;
    protocol::Round round;  // the round that the object belongs to
    bool pinned = false;    // evidence of a finding, a checkpoint: kept for ever
};

class RetentionPolicy {
  public:
    // Objects of the last keep_rounds rounds are kept: of round r as long as the current round is
    // at most r + keep_rounds. Must cover the challenge window of the run.
    explicit RetentionPolicy(std::uint64_t keep_rounds) : keep_rounds_(keep_rounds) {}

    [[nodiscard]] bool expired(protocol::Round of, protocol::Round now) const {
        return now.value > of.value && now.value - of.value > keep_rounds_;
    }
    // Objects that no pin and no unexpired round needs, each once, ascending. An object that
    // several rounds use goes with the last of them.
    [[nodiscard]] std::vector<Hash256> droppable(std::span<const DatedObject> objects,
                                                 protocol::Round now) const;

  private:
    std::uint64_t keep_rounds_;
};

}  // namespace covenant::store
