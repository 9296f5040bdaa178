// What the chain says happened. A ledger turns blocks into these; run_state.hpp folds them into a
// RunState. The same fold serves a real EVM chain and the in-process simulator.
//
// Each kind names itself, the contract that emits it and its fields, once and in the order of the
// contract's event. Names, logs, topics, JSON and keys are visitors over that list, so that a new
// kind is a struct here, an alternative of EventBody and an overload in the fold. A visitor has:
//   topic(name, field)       an indexed argument
//   data(name, field)        any other argument
//   loss(bits)               a mean loss in nats, the bits of a binary32, named loss_bits
//   skipped_topic(value)     an argument of the contract's that nothing here needs: never read, and
//   skipped(value)           written as the value given
#pragma once

#include "common/protocol/commitment.hpp"
#include "common/protocol/emission.hpp"
#include "common/protocol/roster.hpp"
#include "common/protocol/run_spec.hpp"

#include <cstdint>
#include <string_view>
#include <variant>

namespace covenant::protocol {

// Who emits an event, or takes an intent.
enum class Contract : std::uint8_t {
    kRegistry,
    kRunRegistry,
    kRoundManager,
    kScoreLedger,
    kEmissions
};

struct HotkeyRegistered {
    static constexpr std::string_view kName = "hotkey_registered";
    static constexpr std::string_view kEmittedAs = "HotkeyRegistered";
    static constexpr Contract kContract = Contract::kRegistry;
    Uid uid;
    Address coldkey;
    Address hotkey;
    Role role = Role::kNone;
    PublicKey network_key;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("uid", e.uid);
        out.topic("coldkey", e.coldkey);
        out.topic("hotkey", e.hotkey);
        out.data("role", e.role);
        out.data("network_key", e.network_key);
    }
};

// The contracts say the same with UnstakeRequested, which chain/abi reads as this kind.
struct StakeChanged {
    static constexpr std::string_view kName = "stake_changed";
    static constexpr std::string_view kEmittedAs = "StakeAdded";
    static constexpr Contract kContract = Contract::kRegistry;
    Uid uid;
    Amount total;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("uid", e.uid);
        out.skipped_topic(Address{});  // who paid
        out.skipped(e.total);          // how much was added
        out.data("total", e.total);
    }
};

struct RunCreated {
    static constexpr std::string_view kName = "run_created";
    static constexpr std::string_view kEmittedAs = "RunCreated";
    static constexpr Contract kContract = Contract::kRunRegistry;
    RunId run;
    RunTerms terms;
    Bytes spec;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.skipped_topic(Address{});  // who created it
        out.data("terms", e.terms);
        out.data("spec", e.spec);
    }
};

struct ArtifactCommitted {
    static constexpr std::string_view kName = "artifact_committed";
    static constexpr std::string_view kEmittedAs = "ArtifactCommitted";
    static constexpr Contract kContract = Contract::kRoundManager;
    SignedCommitment commitment;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.commitment.commitment.run);
        out.topic("round", e.commitment.commitment.round);
        out.topic("uid", e.commitment.commitment.uid);
        out.data("commitment", e.commitment);  // run, round and uid again, the same
    }
};

// Keys of committed artifacts; each opens the one whose commitment names its hash.
struct KeysShown {
    static constexpr std::string_view kName = "keys_shown";
    static constexpr std::string_view kEmittedAs = "KeysShown";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Round round;
    ShownKeys keys;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.data("keys", e.keys);
    }
};

struct BeaconProven {
    static constexpr std::string_view kName = "beacon_proven";
    static constexpr std::string_view kEmittedAs = "BeaconProven";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    BeaconSlot slot;
    BlockNumber block;
    Hash256 prevrandao;
    Hash256 sigma;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("slot", e.slot);
        out.data("block", e.block);
        out.data("prevrandao", e.prevrandao);
        out.data("sigma", e.sigma);
    }
};

struct InclusionVoted {
    static constexpr std::string_view kName = "inclusion_voted";
    static constexpr std::string_view kEmittedAs = "InclusionVoted";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Round round;
    Uid validator;
    UidSet uids;      // included: held, served, and good
    UidSet suspects;  // to be audited with certainty
    Amount stake;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.topic("validator", e.validator);
        out.data("uids", e.uids);
        out.data("suspects", e.suspects);
        out.data("stake", e.stake);
    }
};

struct ParametersVoted {
    static constexpr std::string_view kName = "parameters_voted";
    static constexpr std::string_view kEmittedAs = "ParametersVoted";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Round round;
    Uid validator;
    Hash256 root;
    std::uint32_t loss_bits = 0;
    Amount stake;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.topic("validator", e.validator);
        out.data("root", e.root);
        out.loss(e.loss_bits);
        out.data("stake", e.stake);
    }
};

struct ParametersAccepted {
    static constexpr std::string_view kName = "parameters_accepted";
    static constexpr std::string_view kEmittedAs = "ParametersAccepted";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Round round;
    Hash256 root;
    std::uint32_t loss_bits = 0;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.data("root", e.root);
        out.loss(e.loss_bits);
    }
};

// A validator that kept missing its duties has no say until it asks for it again.
struct Jailed {
    static constexpr std::string_view kName = "jailed";
    static constexpr std::string_view kEmittedAs = "Jailed";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Uid uid;
    std::uint32_t missed = 0;  // of the last rounds that count

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("uid", e.uid);
        out.data("missed", e.missed);
    }
};

struct Returned {
    static constexpr std::string_view kName = "returned";
    static constexpr std::string_view kEmittedAs = "Returned";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Uid uid;
    ChainTime free_at;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("uid", e.uid);
        out.data("free_at", e.free_at);
    }
};

struct ScoresCommitted {
    static constexpr std::string_view kName = "scores_committed";
    static constexpr std::string_view kEmittedAs = "ScoresCommitted";
    static constexpr Contract kContract = Contract::kScoreLedger;
    RunId run;
    Round round;
    Uid validator;
    Hash256 hash;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.topic("validator", e.validator);
        out.data("hash", e.hash);
    }
};

struct ScoresRevealed {
    static constexpr std::string_view kName = "scores_revealed";
    static constexpr std::string_view kEmittedAs = "ScoresRevealed";
    static constexpr Contract kContract = Contract::kScoreLedger;
    RunId run;
    Round round;
    RevealedScores scores;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.topic("validator", e.scores.validator);
        out.data("weights", e.scores.weights);
        out.data("findings", e.scores.findings);
        out.data("stake", e.scores.stake);
    }
};

struct MinerFailed {
    static constexpr std::string_view kName = "miner_failed";
    static constexpr std::string_view kEmittedAs = "MinerFailed";
    static constexpr Contract kContract = Contract::kEmissions;
    RunId run;
    Round round;
    Uid uid;
    Amount fail_stake;
    Amount pass_stake;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.topic("uid", e.uid);
        out.data("fail_stake", e.fail_stake);
        out.data("pass_stake", e.pass_stake);
    }
};

struct Credited {
    static constexpr std::string_view kName = "credited";
    static constexpr std::string_view kEmittedAs = "Credited";
    static constexpr Contract kContract = Contract::kEmissions;
    RunId run;
    Round round;
    Uid uid;
    Amount amount;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.topic("uid", e.uid);
        out.data("amount", e.amount);
    }
};

struct RoundSettled {
    static constexpr std::string_view kName = "round_settled";
    static constexpr std::string_view kEmittedAs = "RoundSettled";
    static constexpr Contract kContract = Contract::kEmissions;
    RunId run;
    Round round;
    Amount miners;
    Amount validators;
    Amount treasury;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("run", e.run);
        out.topic("round", e.round);
        out.data("miners", e.miners);
        out.data("validators", e.validators);
        out.data("treasury", e.treasury);
    }
};

struct Claimed {
    static constexpr std::string_view kName = "claimed";
    static constexpr std::string_view kEmittedAs = "Claimed";
    static constexpr Contract kContract = Contract::kEmissions;
    Uid uid;
    Address to;
    Amount amount;

    template <typename Self, typename Fields>
    static void fields(Self& e, Fields& out) {
        out.topic("uid", e.uid);
        out.topic("to", e.to);
        out.data("amount", e.amount);
    }
};

using EventBody = std::variant<HotkeyRegistered, StakeChanged, RunCreated, ArtifactCommitted,
                               KeysShown, BeaconProven, InclusionVoted, ParametersVoted,
                               ParametersAccepted, Jailed, Returned, ScoresCommitted,
                               ScoresRevealed, MinerFailed, Credited, RoundSettled, Claimed>;

struct Event {
    BlockNumber block;
    ChainTime time;           // the block's timestamp
    std::uint32_t index = 0;  // log index in the block
    Hash256 transaction;
    EventBody body;
};

// snake_case name of the body's kind: "artifact_committed".
inline std::string_view event_name(const EventBody& body) {
    return std::visit([](const auto& event) { return event.kName; }, body);
}

}  // namespace covenant::protocol
