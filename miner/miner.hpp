// A miner as a sequence of idempotent stages. tick() looks at the chain's state and does the next
// thing that is due; what it did is journalled, so a process killed anywhere resumes where it was
// and never commits twice.
#pragma once

#include "chain/ledger.hpp"
#include "chain/participant/node.hpp"
#include "common/execution/round_executor.hpp"
#include "common/protocol/transition.hpp"

#include <optional>
#include <string>

namespace covenant::miner {

enum class Activity : std::uint8_t {
    kWaiting,    // for the chain: nothing is due
    kCommitted,  // trained a round and submitted its commitment
    kPublished,  // key or openings
    kSkipped,    // a round in which this miner cannot take part; note says why
};

struct TickReport {
    Activity activity = Activity::kWaiting;
    protocol::Round round;
    std::string note;
};

struct MinerOptions {
    execution::Cheat cheat = execution::Cheat::kNone;
    std::uint64_t safety_margin_seconds = 1;  // a round is not started later than T1 minus this
};

class Miner {
  public:
    // The node outlives the miner.
    explicit Miner(const participant::Node& node, MinerOptions options = {})
        : node_(node), options_(options) {}

    // One look at the chain (after ledger.sync()) and at most one stage. kInterrupted when asked to
    // stop in a stage.
    Result<TickReport> tick(const chain::Head& head);
    // Rounds after this one are not started.
    void set_last_round(std::optional<protocol::Round> round) { last_round_ = round; }
    // True when the last round is over for this miner: committed rounds are published and past T2.
    [[nodiscard]] bool finished(const chain::Head& head) const;

  private:
    Result<std::optional<TickReport>> train(const protocol::RunState& state, protocol::Round round,
                                            protocol::ChainTime now);
    Result<std::optional<TickReport>> publish(const protocol::RunState& state,
                                              protocol::Round round, protocol::ChainTime now);
    Status prune(const protocol::RunState& state, protocol::Round round);

    const participant::Node& node_;
    MinerOptions options_;
    std::optional<protocol::Round> last_round_;
    std::optional<protocol::Round> skipped_;  // said once a round
    std::optional<protocol::Round> pruned_;
};

}  // namespace covenant::miner
