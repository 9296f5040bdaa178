// What a miner's duties share: the node, the way to the chain and to the background, and what is in
// flight for each round.
#pragma once

#include "chain/participant/role.hpp"
#include "common/execution/round_executor.hpp"
#include "common/protocol/not_counted.hpp"
#include "miner/stages/package.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace covenant::miner {

struct MinerOptions {
    const execution::Conduct& conduct = execution::honest();
    std::uint64_t safety_margin_seconds = 1;  // a round is not started later than T1 minus this
};

// A trained round, not signed yet; or why there is none in this round.
struct Trained {
    std::optional<Package> package;
    float mean_loss = 0.0F;
    std::string sits_out;
};

// Of one round under one beacon. All of it can be made again.
struct RoundWork {
    Hash256 rho;
    participant::Errand<Trained> training;
    std::optional<protocol::ChainTime> seen_at;  // the first look at it
    std::optional<protocol::ChainTime> training_since;
    std::shared_ptr<std::atomic<std::uint32_t>> steps_done;
    std::stop_source give_up{std::nostopstate};  // ends the training
    Hash256 sigma;                               // that the openings are drawn by
    participant::Errand<bool> openings;
    participant::Errand<void> promise;  // whether a commitment of an earlier life can be kept
    bool left_out = false;              // after the last round
    bool sits_out = false;              // said
    bool lost = false;                  // its key or its states are gone; said
    std::optional<protocol::NotCountedBecause> why_not;  // said
};

struct Desk {
    const participant::Node& node;
    participant::Background& background;
    participant::Submitter& submitter;
    MinerOptions options;
};

using RoundMoment = std::shared_ptr<const participant::RoundMoment>;
// Nothing when the round asks nothing of this kind. Desk and work outlive the duty.
using DutyMaker = std::optional<participant::Duty> (*)(Desk& desk, RoundWork& work,
                                                       const RoundMoment& at);

}  // namespace covenant::miner
