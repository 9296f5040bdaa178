// The contracts' rules, one function an intent; the order of the checks is the contracts' own.
#include "common/protocol/transition.hpp"

#include "common/crypto/keccak256.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace covenant::protocol {
namespace {

constexpr Uint128 kMaxAmount = Uint128{1} << 96;

TransitionResult refused(Verdict verdict) {
    return {.verdict = verdict, .events = {}};
}

template <typename... Bodies>
TransitionResult done(Bodies&&... bodies) {
    TransitionResult out;
    (out.events.emplace_back(std::forward<Bodies>(bodies)), ...);
    return out;
}

bool valid_terms(const RunTerms& terms) {
    const TimingSpec& t = terms.timing;
    const auto apart = [&](std::uint32_t first, std::uint32_t last) {
        return std::uint64_t{last} >= std::uint64_t{first} + std::uint64_t{2} * t.block_seconds;
    };
    return t.commit_seconds != 0 && t.block_seconds != 0 &&
           apart(t.commit_seconds, t.key_seconds) && apart(t.key_seconds, t.beacon_seconds) &&
           apart(t.beacon_seconds, t.inclusion_seconds) && t.inclusion_seconds < t.round_seconds &&
           t.inclusion_seconds < t.opening_seconds &&
           apart(t.opening_seconds, t.score_commit_seconds) &&
           t.score_commit_seconds < t.score_reveal_seconds && t.jail_rounds >= 2 &&
           terms.segments != 0 && terms.audit_rate_ppm != 0 && terms.audit_rate_ppm <= 1000000 &&
           terms.minimum_stake != Amount{} &&
           std::uint32_t{terms.miner_share_bps} + terms.validator_share_bps <= 10000 &&
           !terms.genesis_root.is_zero() && !terms.dataset_root.is_zero();
}

class Rules {
  public:
    Rules(const RunState& state, const TransitionContext& context)
        : state_(state), context_(context) {}

    TransitionResult operator()(const RegisterHotkey& intent) const;
    TransitionResult operator()(const AddStake& intent) const;
    TransitionResult operator()(const CreateRun& intent) const;
    TransitionResult operator()(const PostCommitment& intent) const;
    TransitionResult operator()(const ShowKeys& intent) const;
    TransitionResult operator()(const ProveBeacon& intent) const;
    TransitionResult operator()(const VoteInclusion& intent) const;
    TransitionResult operator()(const VoteParameters& intent) const;
    TransitionResult operator()(const JailValidator& intent) const;
    TransitionResult operator()(const ReturnFromJail& intent) const;
    TransitionResult operator()(const CommitScores& intent) const;
    TransitionResult operator()(const RevealScores& intent) const;
    TransitionResult operator()(const SettleRound& intent) const;
    TransitionResult operator()(const ClaimEmission& intent) const;

  private:
    [[nodiscard]] bool known(const RunId& run) const {
        return state_.spec.has_value() && run == state_.run;
    }
    [[nodiscard]] RoundTimes times(Round round) const {
        return round_times(state_.spec->timing, round);
    }
    // [from, to)
    [[nodiscard]] bool now_in(ChainTime from, ChainTime to) const {
        return context_.now >= from && context_.now < to;
    }
    [[nodiscard]] const RoundRecord& record(Round round) const {
        static const RoundRecord empty;
        const RoundRecord* found = state_.record(round);
        return found == nullptr ? empty : *found;
    }
    // The sender, if it is a validator's hotkey.
    [[nodiscard]] const Neuron* validator() const {
        const Neuron* sender = state_.roster.find(context_.sender);
        return sender != nullptr && sender->role == Role::kValidator ? sender : nullptr;
    }
    // Not before the reveals have closed, nor eight rounds after (R9.1).
    [[nodiscard]] bool settlement_due(Round round) const {
        const ChainTime opens = times(round).score_reveal;
        const std::uint64_t span = kSettleRounds * state_.spec->timing.round_seconds;
        return context_.now >= opens && context_.now.value - opens.value < span;
    }
    // The stake that the validator's vote carries in the round; zero outside its electorate.
    [[nodiscard]] Amount voting_stake(Round round, Uid validator) const;

    const RunState& state_;
    const TransitionContext& context_;
};

Amount Rules::voting_stake(Round round, Uid validator) const {
    for (const ValidatorStake& voter : electorate(state_, round)) {
        if (voter.uid == validator) return voter.stake;
    }
    return {};
}

TransitionResult Rules::operator()(const RegisterHotkey& intent) const {
    if (intent.role != Role::kMiner && intent.role != Role::kValidator) {
        return refused(Verdict::kMalformed);
    }
    if (intent.hotkey.is_zero()) return refused(Verdict::kBadSignature);
    if (state_.roster.find(intent.hotkey) != nullptr) return refused(Verdict::kDuplicate);
    const auto& neurons = state_.roster.neurons;
    const auto validators = std::count_if(neurons.begin(), neurons.end(), [](const auto& item) {
        return item.second.role == Role::kValidator;
    });
    if (neurons.size() >= kMaxUids || (intent.role == Role::kValidator &&
                                       static_cast<std::size_t>(validators) >= kMaxValidators)) {
        return refused(Verdict::kRosterFull);
    }
    return done(HotkeyRegistered{.uid = Uid(static_cast<std::uint16_t>(neurons.size())),
                                 .coldkey = intent.coldkey,
                                 .hotkey = intent.hotkey,
                                 .role = intent.role,
                                 .network_key = intent.network_key});
}

TransitionResult Rules::operator()(const AddStake& intent) const {
    const Neuron* neuron = state_.roster.find(intent.uid);
    if (neuron == nullptr) return refused(Verdict::kUnknownUid);
    const Amount before = neuron->stake.empty() ? Amount{} : neuron->stake.back().total;
    if (intent.amount == Amount{} || intent.amount.units >= kMaxAmount - before.units) {
        return refused(Verdict::kMalformed);
    }
    return done(StakeChanged{.uid = intent.uid, .total = before + intent.amount});
}

TransitionResult Rules::operator()(const CreateRun& intent) const {
    if (intent.spec.empty() || intent.spec.size() > kMaxRunSpecBytes) {
        return refused(Verdict::kMalformed);
    }
    const RunId run = run_id(intent.spec);
    // Until a RunCreated of this run was folded, its verdict is still the initial one.
    if (run == state_.run && state_.spec_verdict != Verdict::kUnknownRun) {
        return refused(Verdict::kDuplicate);
    }
    if (!valid_terms(intent.terms)) return refused(Verdict::kSpecInvalid);
    if (beacon_target(intent.terms.timing, BeaconSlot(0)) <= context_.now) {
        return refused(Verdict::kWrongPhase);
    }
    return done(RunCreated{.run = run, .terms = intent.terms, .spec = intent.spec});
}

TransitionResult Rules::operator()(const PostCommitment& intent) const {
    const Commitment& c = intent.commitment.commitment;
    if (!known(c.run)) return refused(Verdict::kUnknownRun);
    const RoundTimes t = times(c.round);
    if (!now_in(t.t0, t.t1) || c.round.value > state_.spec->timing.last_round) {
        return refused(Verdict::kWrongPhase);
    }
    if (c.segments != state_.spec->segments()) return refused(Verdict::kMalformed);
    const auto expected_rho = rho(state_, c.round);
    if (!expected_rho) return refused(Verdict::kNotReady);
    if (c.rho != *expected_rho) return refused(Verdict::kWrongBeacon);
    if (c.base_root != base_root(state_, c.round)) return refused(Verdict::kWrongBase);
    const Neuron* miner = state_.roster.find(c.uid);
    if (miner == nullptr || miner->role != Role::kMiner || miner->registered_at > t.snapshot) {
        return refused(Verdict::kNotMiner);
    }
    if (record(c.round).commitments.contains(c.uid)) return refused(Verdict::kDuplicate);
    if (const Verdict verdict =
            verify_commitment(intent.commitment, context_.domain, miner->hotkey);
        verdict != Verdict::kAccept) {
        return refused(verdict);
    }
    return done(ArtifactCommitted{.commitment = intent.commitment});
}

TransitionResult Rules::operator()(const ShowKeys& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const RoundTimes t = times(intent.round);
    if (!now_in(t.t1, t.keys)) return refused(Verdict::kWrongPhase);
    if (intent.keys.size() > kMaxUids) return refused(Verdict::kMalformed);
    const RoundRecord& round = record(intent.round);
    KeysShown shown{.run = intent.run, .round = intent.round, .keys = {}};
    UidSet known = {};
    for (const ShownKey& one : intent.keys) {
        const auto commitment = round.commitments.find(one.uid);
        if (commitment == round.commitments.end() || round.keys.contains(one.uid) ||
            known[one.uid.value] ||
            crypto::sha256(one.key.view()) !=
                commitment->second.signed_commitment.commitment.key_hash) {
            continue;
        }
        known.set(one.uid.value);
        shown.keys.push_back(one);
    }
    return shown.keys.empty() ? refused(Verdict::kDuplicate) : done(std::move(shown));
}

TransitionResult Rules::operator()(const ProveBeacon& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const ChainTime target = beacon_target(state_.spec->timing, intent.slot);
    const ChainTime deadline = beacon_deadline(state_.spec->timing, intent.slot);
    if (!now_in(target, deadline)) return refused(Verdict::kWrongPhase);
    if (state_.beacons.contains(intent.slot)) return refused(Verdict::kDuplicate);
    const auto& block = context_.beacon_block;
    if (!block || block->time < target || block->parent_time >= target) {
        return refused(Verdict::kBadBeaconProof);
    }
    return done(BeaconProven{.run = intent.run,
                             .slot = intent.slot,
                             .block = block->number,
                             .prevrandao = block->prevrandao,
                             .sigma = beacon_sigma(block->prevrandao, intent.slot)});
}

TransitionResult Rules::operator()(const VoteInclusion& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const RoundTimes t = times(intent.round);
    if (!now_in(t.beacon, t.t2)) return refused(Verdict::kWrongPhase);
    const Neuron* sender = validator();
    if (sender == nullptr) return refused(Verdict::kNotValidator);
    const RoundRecord& round = record(intent.round);
    if (round.inclusion_votes.contains(sender->uid)) return refused(Verdict::kDuplicate);
    UidSet keyed;
    for (const auto& [uid, key] : round.keys)
        keyed.set(uid.value);
    if (((intent.uids | intent.suspects) & ~keyed).any()) return refused(Verdict::kNotMiner);
    const Amount stake = voting_stake(intent.round, sender->uid);
    if (stake == Amount{}) return refused(Verdict::kNotValidator);
    return done(InclusionVoted{.run = intent.run,
                               .round = intent.round,
                               .validator = sender->uid,
                               .uids = intent.uids,
                               .suspects = intent.suspects,
                               .stake = stake});
}

TransitionResult Rules::operator()(const VoteParameters& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const RoundTimes t = times(intent.round);
    if (!now_in(t.t2, t.t3)) return refused(Verdict::kWrongPhase);
    if (intent.root.is_zero()) return refused(Verdict::kMalformed);
    if (!state_.beacons.contains(beacon_slot_of(intent.round))) {
        return refused(Verdict::kNotReady);
    }
    const Neuron* sender = validator();
    if (sender == nullptr) return refused(Verdict::kNotValidator);
    const RoundRecord& round = record(intent.round);
    if (round.parameters_votes.contains(sender->uid)) return refused(Verdict::kDuplicate);
    const Amount stake = voting_stake(intent.round, sender->uid);
    if (stake == Amount{}) return refused(Verdict::kNotValidator);

    TransitionResult out = done(ParametersVoted{.run = intent.run,
                                                .round = intent.round,
                                                .validator = sender->uid,
                                                .root = intent.root,
                                                .loss_bits = intent.loss_bits,
                                                .stake = stake});
    Uint128 agreeing = stake.units;
    for (const auto& [uid, vote] : round.parameters_votes) {
        if (vote.root == intent.root && vote.loss_bits == intent.loss_bits) {
            agreeing += voting_stake(intent.round, uid).units;
        }
    }
    if (!round.accepted && is_quorum(agreeing, total_stake(electorate(state_, intent.round)),
                                     total_stake(seated(state_, intent.round)))) {
        out.events.emplace_back(ParametersAccepted{.run = intent.run,
                                                   .round = intent.round,
                                                   .root = intent.root,
                                                   .loss_bits = intent.loss_bits});
    }
    return out;
}

TransitionResult Rules::operator()(const JailValidator& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const auto held = state_.jail.find(intent.uid);
    if (held != state_.jail.end() && !held->second.changes.empty() &&
        (held->second.changes.back().jailed || held->second.changes.back().since > context_.now)) {
        return refused(Verdict::kDuplicate);
    }
    const std::size_t missed = missed_rounds(state_, intent.uid, context_.now);
    if (missed < kMissesToJail) return refused(Verdict::kNotReady);
    return done(
        Jailed{.run = intent.run, .uid = intent.uid, .missed = static_cast<std::uint32_t>(missed)});
}

TransitionResult Rules::operator()(const ReturnFromJail& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const Neuron* sender = validator();
    if (sender == nullptr) return refused(Verdict::kNotValidator);
    const auto held = state_.jail.find(sender->uid);
    if (held == state_.jail.end() || held->second.changes.empty()) {
        return refused(Verdict::kNotReady);
    }
    const JailRecord& record = held->second;
    if (!record.changes.back().jailed) {
        return refused(record.changes.back().since > context_.now ? Verdict::kDuplicate
                                                                  : Verdict::kNotReady);
    }
    // Two snapshots, then four, eight, ...
    const TimingSpec& timing = state_.spec->timing;
    const std::uint64_t doublings = std::min<std::uint64_t>(record.times, 32);
    const std::uint64_t rounds =
        std::min<std::uint64_t>(timing.jail_rounds, std::uint64_t{1} << doublings);
    return done(Returned{.run = intent.run,
                         .uid = sender->uid,
                         .free_at = ChainTime(context_.now.value + rounds * timing.round_seconds)});
}

TransitionResult Rules::operator()(const CommitScores& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const RoundTimes t = times(intent.round);
    if (!now_in(t.beacon, t.score_commit)) return refused(Verdict::kWrongPhase);
    if (intent.hash.is_zero()) return refused(Verdict::kMalformed);
    const Neuron* sender = validator();
    if (sender == nullptr) return refused(Verdict::kNotValidator);
    if (record(intent.round).score_commitments.contains(sender->uid)) {
        return refused(Verdict::kDuplicate);
    }
    if (sender->stake_at(t.t0) == Amount{}) return refused(Verdict::kNotValidator);
    return done(ScoresCommitted{
        .run = intent.run, .round = intent.round, .validator = sender->uid, .hash = intent.hash});
}

TransitionResult Rules::operator()(const RevealScores& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const RoundTimes t = times(intent.round);
    if (!now_in(t.score_commit, t.score_reveal)) return refused(Verdict::kWrongPhase);
    const Neuron* sender = state_.roster.find(context_.sender);
    if (sender == nullptr) return refused(Verdict::kUnknownUid);
    const RoundRecord& round = record(intent.round);
    const auto promised = round.score_commitments.find(sender->uid);
    if (promised == round.score_commitments.end()) return refused(Verdict::kNotReady);
    if (round.reveals.contains(sender->uid)) return refused(Verdict::kDuplicate);
    if (score_commitment(context_.domain, context_.score_ledger, intent.run, intent.round,
                         sender->uid, intent.weights, intent.findings,
                         intent.salt) != promised->second) {
        return refused(Verdict::kRevealMismatch);
    }
    const bool valid_findings =
        std::all_of(intent.findings.begin(), intent.findings.end(), [](const Finding& finding) {
            return finding.uid.value < kMaxUids &&
                   (finding.verdict == kFindingPass || finding.verdict == kFindingFail);
        });
    if (intent.weights.size() > kMaxUids || intent.findings.size() > kMaxFindings ||
        !valid_findings) {
        return refused(Verdict::kMalformed);
    }
    return done(ScoresRevealed{.run = intent.run,
                               .round = intent.round,
                               .scores = {.validator = sender->uid,
                                          .stake = sender->stake_at(t.t0),
                                          .weights = intent.weights,
                                          .findings = intent.findings}});
}

TransitionResult Rules::operator()(const SettleRound& intent) const {
    if (!known(intent.run)) return refused(Verdict::kUnknownRun);
    const RoundRecord& round = record(intent.round);
    if (round.settled) return refused(Verdict::kDuplicate);
    if (!settlement_due(intent.round)) return refused(Verdict::kWrongPhase);
    if (!round.accepted || !state_.beacons.contains(beacon_slot_of(intent.round))) {
        return refused(Verdict::kNotReady);
    }
    const SettlementInput input = settlement_input(state_, intent.round);
    if (!revealed_quorum(input.electorate)) return refused(Verdict::kNotReady);
    const Settlement settlement = settle(input);

    TransitionResult out;
    for (const auto& [uid, stake] : failures(state_, intent.round)) {
        out.events.emplace_back(MinerFailed{.run = intent.run,
                                            .round = intent.round,
                                            .uid = uid,
                                            .fail_stake = stake.fail,
                                            .pass_stake = stake.pass});
    }
    for (const bool miners : {true, false}) {
        for (const auto& [uid, amount] : settlement.credits) {
            if (input.committed[uid.value] != miners) continue;
            out.events.emplace_back(
                Credited{.run = intent.run, .round = intent.round, .uid = uid, .amount = amount});
        }
    }
    out.events.emplace_back(RoundSettled{.run = intent.run,
                                         .round = intent.round,
                                         .miners = settlement.miners,
                                         .validators = settlement.validators,
                                         .treasury = settlement.treasury});
    return out;
}

TransitionResult Rules::operator()(const ClaimEmission& intent) const {
    const Neuron* neuron = state_.roster.find(intent.uid);
    if (neuron == nullptr) return refused(Verdict::kUnknownUid);
    const Amount amount = claimable(state_, intent.uid);
    if (amount == Amount{}) return refused(Verdict::kNotReady);
    return done(Claimed{.uid = intent.uid, .to = neuron->coldkey, .amount = amount});
}

// ---- Solidity's abi.encode: words of 32 bytes, big-endian

void word(Bytes& out, std::uint64_t value) {
    std::array<std::uint8_t, 32> bytes{};
    store_be(value, bytes.data() + 24);
    append(out, bytes);
}
void word(Bytes& out, const Hash256& value) {
    append(out, value.view());
}
void word(Bytes& out, const Address& value) {
    out.insert(out.end(), 12, 0);
    append(out, value.view());
}

}  // namespace

TransitionResult transition(const RunState& state, const Intent& intent,
                            const TransitionContext& context) {
    return std::visit(Rules(state, context), intent);
}

Hash256 score_commitment(const SigningDomain& domain, const Address& score_ledger, const RunId& run,
                         Round round, Uid validator, std::span<const std::uint16_t> weights,
                         std::span<const Finding> findings, const Hash256& salt) {
    constexpr std::uint64_t kHeadBytes = 8 * 32;
    Bytes out;
    out.reserve(kHeadBytes + 32 * (2 + weights.size() + 4 * findings.size()));
    word(out, domain.chain_id);
    word(out, score_ledger);
    word(out, run);
    word(out, round.value);
    word(out, std::uint64_t{validator.value});
    word(out, kHeadBytes);
    word(out, kHeadBytes + 32 * (1 + weights.size()));
    word(out, salt);
    word(out, std::uint64_t{weights.size()});
    for (const std::uint16_t weight : weights)
        word(out, std::uint64_t{weight});
    word(out, std::uint64_t{findings.size()});
    for (const Finding& finding : findings) {
        word(out, std::uint64_t{finding.uid.value});
        word(out, std::uint64_t{finding.verdict});
        word(out, std::uint64_t{finding.segment.value});
        word(out, finding.evidence);
    }
    return crypto::keccak256(out);
}

}  // namespace covenant::protocol
