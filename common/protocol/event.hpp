// What the chain says happened. A ledger turns blocks into these; transition.hpp folds them into a
// RunState. The same fold serves a real EVM chain and the in-process simulator.
#pragma once

#include "common/protocol/commitment.hpp"
#include "common/protocol/emission.hpp"
#include "common/protocol/roster.hpp"
#include "common/protocol/run_spec.hpp"

#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace covenant::protocol {

struct HotkeyRegistered {
    Uid uid;
    Address coldkey;
    Address hotkey;
    Role role = Role::kNone;
    PublicKey network_key;
};
struct StakeChanged {
    Uid uid;
    Amount total;
};
struct RunCreated {
    RunId run;
    RunTerms terms;
    Bytes spec;
};
struct ArtifactCommitted {
    SignedCommitment commitment;
};
struct BeaconProven {
    RunId run;
    BeaconSlot slot;
    BlockNumber block;
    Hash256 prevrandao;
    Hash256 sigma;
};
struct InclusionVoted {
    RunId run;
    Round round;
    Uid validator;
    UidSet uids;
    Amount stake;
};
struct ParametersVoted {
    RunId run;
    Round round;
    Uid validator;
    Hash256 root;
    std::uint32_t loss_bits = 0;
    Amount stake;
};
struct ParametersAccepted {
    RunId run;
    Round round;
    Hash256 root;
    std::uint32_t loss_bits = 0;
};
struct ScoresCommitted {
    RunId run;
    Round round;
    Uid validator;
    Hash256 hash;
};
struct ScoresRevealed {
    RunId run;
    Round round;
    RevealedScores scores;
};
struct MinerFailed {
    RunId run;
    Round round;
    Uid uid;
    Amount fail_stake;
    Amount pass_stake;
};
struct Credited {
    RunId run;
    Round round;
    Uid uid;
    Amount amount;
};
struct RoundSettled {
    RunId run;
    Round round;
    Amount miners;
    Amount validators;
    Amount treasury;
};
struct Claimed {
    Uid uid;
    Address to;
    Amount amount;
};

using EventBody =
    std::variant<HotkeyRegistered, StakeChanged, RunCreated, ArtifactCommitted, BeaconProven,
                 InclusionVoted, ParametersVoted, ParametersAccepted, ScoresCommitted,
                 ScoresRevealed, MinerFailed, Credited, RoundSettled, Claimed>;

struct Event {
    BlockNumber block;
    ChainTime time;           // the block's timestamp
    std::uint32_t index = 0;  // log index in the block
    Hash256 transaction;
    EventBody body;
};

// snake_case name of the body's kind: "artifact_committed".
std::string_view event_name(const EventBody& body);

}  // namespace covenant::protocol
