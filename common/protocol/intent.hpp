// What a node asks the chain to do. Each kind lists its fields once; canonical bytes, fingerprints
// and calldata are visitors over the list (data and loss, as in event.hpp). A kind that is the call
// of one contract function with these fields as arguments names the function; the others are
// translated by the ledger.
#pragma once

#include "common/protocol/event.hpp"

#include <string_view>
#include <variant>
#include <vector>

namespace covenant::protocol {

// The ledger adds the hotkey's consent and checks it.
struct RegisterHotkey {
    static constexpr std::string_view kName = "register_hotkey";
    Address coldkey;
    Address hotkey;
    Role role = Role::kNone;
    PublicKey network_key;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("coldkey", i.coldkey);
        out.data("hotkey", i.hotkey);
        out.data("role", i.role);
        out.data("network_key", i.network_key);
    }
};

struct AddStake {
    static constexpr std::string_view kName = "add_stake";
    static constexpr std::string_view kFunction = "addStake";
    static constexpr Contract kContract = Contract::kRegistry;
    Uid uid;
    Amount amount;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("uid", i.uid);
        out.data("amount", i.amount);
    }
};

struct CreateRun {
    static constexpr std::string_view kName = "create_run";
    static constexpr std::string_view kFunction = "createRun";
    static constexpr Contract kContract = Contract::kRunRegistry;
    Bytes spec;
    RunTerms terms;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("spec", i.spec);
        out.data("terms", i.terms);
    }
};

struct PostCommitment {
    static constexpr std::string_view kName = "post_commitment";
    static constexpr std::string_view kFunction = "commitArtifact";
    static constexpr Contract kContract = Contract::kRoundManager;
    SignedCommitment commitment;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("commitment", i.commitment);
    }
};

// Anybody's keys of a round; what is bad or known is skipped.
struct ShowKeys {
    static constexpr std::string_view kName = "show_keys";
    static constexpr std::string_view kFunction = "showKeys";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Round round;
    ShownKeys keys;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
        out.data("round", i.round);
        out.data("keys", i.keys);
    }
};

// The ledger adds the headers that prove it.
struct ProveBeacon {
    static constexpr std::string_view kName = "prove_beacon";
    RunId run;
    BeaconSlot slot;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
        out.data("slot", i.slot);
    }
};

struct VoteInclusion {
    static constexpr std::string_view kName = "vote_inclusion";
    static constexpr std::string_view kFunction = "voteInclusion";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Round round;
    UidSet uids;
    UidSet suspects;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
        out.data("round", i.round);
        out.data("uids", i.uids);
        out.data("suspects", i.suspects);
    }
};

struct VoteParameters {
    static constexpr std::string_view kName = "vote_parameters";
    static constexpr std::string_view kFunction = "voteParameters";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Round round;
    Hash256 root;
    std::uint32_t loss_bits = 0;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
        out.data("round", i.round);
        out.data("root", i.root);
        out.loss(i.loss_bits);
    }
};

// Of a validator that missed too many duties, by anybody.
struct JailValidator {
    static constexpr std::string_view kName = "jail_validator";
    static constexpr std::string_view kFunction = "jail";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;
    Uid uid;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
        out.data("uid", i.uid);
    }
};

// By the jailed hotkey itself.
struct ReturnFromJail {
    static constexpr std::string_view kName = "return_from_jail";
    static constexpr std::string_view kFunction = "returnFromJail";
    static constexpr Contract kContract = Contract::kRoundManager;
    RunId run;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
    }
};

struct CommitScores {
    static constexpr std::string_view kName = "commit_scores";
    static constexpr std::string_view kFunction = "commitScores";
    static constexpr Contract kContract = Contract::kScoreLedger;
    RunId run;
    Round round;
    Hash256 hash;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
        out.data("round", i.round);
        out.data("hash", i.hash);
    }
};

struct RevealScores {
    static constexpr std::string_view kName = "reveal_scores";
    static constexpr std::string_view kFunction = "revealScores";
    static constexpr Contract kContract = Contract::kScoreLedger;
    RunId run;
    Round round;
    std::vector<std::uint16_t> weights;
    std::vector<Finding> findings;
    Hash256 salt;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
        out.data("round", i.round);
        out.data("weights", i.weights);
        out.data("findings", i.findings);
        out.data("salt", i.salt);
    }
};

// The ledger adds how many uids one transaction settles.
struct SettleRound {
    static constexpr std::string_view kName = "settle_round";
    RunId run;
    Round round;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("run", i.run);
        out.data("round", i.round);
    }
};

struct ClaimEmission {
    static constexpr std::string_view kName = "claim_emission";
    static constexpr std::string_view kFunction = "claim";
    static constexpr Contract kContract = Contract::kEmissions;
    Uid uid;

    template <typename Self, typename Fields>
    static void fields(Self& i, Fields& out) {
        out.data("uid", i.uid);
    }
};

using Intent = std::variant<RegisterHotkey, AddStake, CreateRun, PostCommitment, ShowKeys,
                            ProveBeacon, VoteInclusion, VoteParameters, JailValidator,
                            ReturnFromJail, CommitScores, RevealScores, SettleRound, ClaimEmission>;

// snake_case name of the kind: "vote_inclusion".
inline std::string_view intent_name(const Intent& intent) {
    return std::visit([](const auto& one) { return one.kName; }, intent);
}

}  // namespace covenant::protocol
