// What a validator's duties share: the node, the way to the chain and to the background. What is
// known of a round stands in round_work.hpp.
#pragma once

#include "chain/participant/role.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covenant::validator {

struct ValidatorOptions {
    std::uint64_t vote_margin_seconds = 2;  // votes leave this long before their deadline
};

struct RoundWork;  // validator/round_work.hpp
struct Screened;

struct Desk {
    const participant::Node& node;
    participant::Background& background;
    participant::Submitter& submitter;
    ValidatorOptions options;
};

using RoundMoment = std::shared_ptr<const participant::RoundMoment>;
// Nothing when the round asks nothing of this kind. Desk and work outlive the duty.
using DutyMaker = std::optional<participant::Duty> (*)(Desk& desk, RoundWork& work,
                                                       const RoundMoment& at);

// Rounds before the current one that are looked after.
inline constexpr std::uint64_t kRoundsInFlight = 3;

// ---- what several duties need

// Of a round of which nothing is known yet.
std::shared_ptr<RoundWork> make_round_work();

// From when on a round is not looked after any more.
protocol::ChainTime end_of_flight(const Desk& desk, protocol::Round round);

// A commitment's key was shown: there is something to judge.
bool anybody_opened(const protocol::RoundView& view);
// This validator is in the round's electorate; the contracts refuse others' votes.
bool has_a_say(const Desk& desk, const protocol::RoundView& view);
// Validators take turns with what only one of them has to do: the largest stake first, two seconds
// apart, and all of them within a quarter of the window, so that small idle ones delay nothing.
std::uint64_t turn_seconds(const Desk& desk, std::span<const protocol::ValidatorStake> electorate,
                           std::uint64_t window_seconds);
// Fetches what is opened and not here. True when nothing is missing any more.
Result<bool> keep_collecting(const Desk& desk, RoundWork& work, const RoundMoment& at);
// What screening found, from the journal or from the engine. Null while it is worked on, or after
// this node has said that it abstains.
Result<const std::vector<Screened>*> keep_screening(const Desk& desk, RoundWork& work,
                                                    const RoundMoment& at);
// True when nothing that is drawn for this validator is left to audit.
bool audits_done(const Desk& desk, const RoundWork& work, const RoundMoment& at);
// Without the round's parameters nothing can be judged: a node abstains rather than accuses, and
// looks again. Any other error is the duty's (participant::Setbacks).
participant::Step abstain(RoundWork& work, protocol::Round round, Error error);

}  // namespace covenant::validator
