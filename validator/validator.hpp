// A validator as a sequence of idempotent stages, like the miner. Several rounds are in flight at
// once: while round r is collected and voted on, the audits of r - 1 are scored and the scores of r
// - 2 settled.
#pragma once

#include "chain/ledger.hpp"
#include "chain/participant/node.hpp"
#include "validator/stages/audit.hpp"
#include "validator/stages/screen.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace covenant::validator {

enum class Activity : std::uint8_t {
    kWaiting,
    kBeacon,      // proof sent
    kVoted,       // on inclusion
    kAgreed,      // on the next parameters
    kCheckpoint,  // published
    kAudited,     // one duty done
    kScored,      // ballot committed
    kRevealed,
    kSettled,
};

struct TickReport {
    Activity activity = Activity::kWaiting;
    protocol::Round round;
    std::string note;
};

struct ValidatorOptions {
    std::uint64_t vote_margin_seconds = 2;  // votes leave this long before their deadline
};

class Validator {
  public:
    // The node outlives the validator.
    explicit Validator(const participant::Node& node, ValidatorOptions options = {})
        : node_(node), options_(options) {}

    // One look at the chain (after ledger.sync()) and at most one stage, the most urgent one that
    // is due.
    Result<TickReport> tick(const chain::Head& head);
    // Rounds after this one are left to others.
    void set_last_round(std::optional<protocol::Round> round) { last_round_ = round; }
    // True when the last round is settled on chain, or had nothing to settle.
    [[nodiscard]] bool finished(const chain::Head& head) const;

  private:
    // What is known of a round that is not settled yet; all of it can be fetched or computed again.
    struct Work {
        Collected collected;
        std::optional<std::vector<Screened>> screened;
        std::map<protocol::Uid, AuditResult> audits;
        std::optional<std::string>
            disagreement;  // why this node cannot vote on the next parameters; said once
    };
    struct Moment {
        std::shared_ptr<const protocol::RunState> state;
        protocol::RoundView view;
        protocol::ChainTime now;
    };
    using Step = Result<std::optional<TickReport>>;

    Step prove_beacon(const protocol::RunState& state, protocol::BeaconSlot slot,
                      protocol::ChainTime now);
    Step urgent(const Moment& moment);   // votes: their windows are short
    Step patient(const Moment& moment);  // audits, scores, settlement
    Step abstain(protocol::Round round, Work& work, Error error);
    Step vote_inclusion(const Moment& moment, Work& work);
    Step vote_parameters(const Moment& moment, Work& work);
    Step checkpoint(const Moment& moment);
    Step audit_next(const Moment& moment, Work& work, bool& all_done);
    Step commit_scores(const Moment& moment, Work& work);
    Step reveal(const Moment& moment);
    Step settle(const Moment& moment);

    Result<const std::vector<Screened>*> screened(const Moment& moment, Work& work);
    // The key to send an intent under now; nothing while it is on its way, done, or refused too
    // often. What a contract refused is tried again after a turn: the node that estimated it may
    // not have seen the block that it waits for. A refusal is logged once.
    Result<std::optional<std::string>> next_key(const std::string& intent, protocol::ChainTime now);
    // Validators take turns, two seconds apart, with what only one of them has to do.
    [[nodiscard]] std::uint64_t turn_seconds(
        std::span<const protocol::ValidatorStake> electorate) const;

    const participant::Node& node_;
    ValidatorOptions options_;
    std::map<protocol::Round, Work> work_;
    std::map<std::string, protocol::ChainTime> refused_;  // keys, and when that was first seen
    std::optional<protocol::Round> last_round_;
    std::optional<protocol::Round> pruned_;
};

}  // namespace covenant::validator
