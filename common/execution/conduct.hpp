// How a miner goes about a round: what it trains on, what it records, what it sends. The default
// follows the rules and is all that release programs have; whoever departs from them overrides the
// part where he does (tests/adversary).
#pragma once

#include "common/engine/compressor.hpp"
#include "common/execution/segment_executor.hpp"

#include <vector>

namespace covenant::execution {

// Without state of its own, so that one serves any number of rounds and threads.
class Conduct {
  public:
    virtual ~Conduct() = default;

    // `tokens` are the windows assigned to the step (in the round, from 0), one after another; the
    // step trains on the whole windows that are left in it. An error ends the round.
    virtual Status train_on(const SegmentJob& job, std::uint32_t step_in_round,
                            std::vector<data::Token>& tokens) const;

    // Takes `state` from boundary s, whose record is `before`, to boundary s + 1 and returns what
    // the miner says of it. Errors are those of execute_segment().
    virtual Result<protocol::SegmentRecord> record(engine::Engine& engine,
                                                   engine::TrainState& state, const SegmentJob& job,
                                                   const protocol::SegmentRecord& before) const;

    // What the round's training gave, compressed, before it is committed to.
    virtual void send(engine::Compressed& compressed) const;
};

// By the rules; lives as long as the program.
const Conduct& honest();

}  // namespace covenant::execution
