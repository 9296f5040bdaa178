// A small network of the sample run, driven through transition() and apply() as a ledger would.
#pragma once

#include "common/base/assert.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/crypto/sha256.hpp"
#include "common/protocol/transition.hpp"
#include "tools/vectors/samples.hpp"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::protocol {

using vectors::bits_of;
using vectors::filled_address;
using vectors::filled_hash;
using vectors::sample_spec;

// Miners at uids 0.., validators behind them. Everybody is registered and staked long before round
// 0.
class Network {
  public:
    static constexpr SigningDomain domain() { return {.chain_id = 31337, .round_manager = {}}; }

    explicit Network(std::size_t miners = 3,
                     std::vector<std::uint64_t> validator_stakes = {100, 100, 100},
                     const RunSpec& spec = sample_spec())
        : spec_(spec), miners_(miners), validators_(validator_stakes.size()) {
        state_.run = run_id(encode_run_spec(spec));
        at(1000);
        for (std::size_t i = 0; i < miners_ + validators_; ++i) {
            keys_.push_back(make_key(i));
            const bool miner = i < miners_;
            do_ok(RegisterHotkey{.coldkey = filled_address(static_cast<std::uint8_t>(200 + i)),
                                 .hotkey = keys_[i].address(),
                                 .role = miner ? Role::kMiner : Role::kValidator,
                                 .network_key = {}});
            const Uint128 stake =
                miner ? 10 * kOneToken : validator_stakes[i - miners_] * kOneToken;
            if (stake > 0) do_ok(AddStake{.uid = uid(i), .amount = Amount{stake}});
        }
        do_ok(CreateRun{.spec = encode_run_spec(spec), .terms = terms_of(spec)});
        EXPECT_EQ(prove(0), Verdict::kAccept);
    }

    static crypto::SecretKey make_key(std::size_t index) {
        const Bytes scalar(32, static_cast<std::uint8_t>(1 + index));
        return std::move(*crypto::SecretKey::from_bytes(scalar));
    }
    static Uid uid(std::size_t value) { return Uid(static_cast<std::uint16_t>(value)); }
    [[nodiscard]] Uid validator(std::size_t index) const { return uid(miners_ + index); }

    [[nodiscard]] const RunState& state() const { return state_; }
    RunState& mutable_state() { return state_; }
    // All that was folded, in order.
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    [[nodiscard]] const RunSpec& spec() const { return spec_; }
    [[nodiscard]] RoundTimes times(std::uint64_t round) const {
        return round_times(spec_.timing, Round(round));
    }

    void at(ChainTime time) { now_ = time; }
    void at(std::uint64_t time) { now_ = ChainTime(time); }
    [[nodiscard]] ChainTime now() const { return now_; }

    [[nodiscard]] TransitionContext context(const Address& sender = {}) const {
        return {.sender = sender,
                .now = now_,
                .domain = domain(),
                .score_ledger = filled_address(0x5b),
                .beacon_block = {}};
    }
    [[nodiscard]] Address hotkey(Uid who) const { return keys_.at(who.value).address(); }

    // The verdict; an accepted intent's events are folded.
    Verdict run(const Intent& intent, const TransitionContext& with) {
        const TransitionResult result = transition(state_, intent, with);
        EXPECT_EQ(result.verdict == Verdict::kAccept, !result.events.empty());
        for (const EventBody& body : result.events) {
            events_.push_back(Event{.block = BlockNumber(now_.value),
                                    .time = now_,
                                    .index = 0,
                                    .transaction = {},
                                    .body = body});
            apply(state_, events_.back());
        }
        return result.verdict;
    }
    Verdict run(const Intent& intent) { return run(intent, context()); }
    Verdict run_as(Uid sender, const Intent& intent) {
        return run(intent, context(hotkey(sender)));
    }
    void do_ok(const Intent& intent) {
        EXPECT_EQ(run(intent), Verdict::kAccept) << intent_name(intent);
    }

    // Proves the slot by a block exactly at its target, and leaves the clock there.
    Verdict prove(std::uint64_t slot) {
        at(beacon_target(spec_.timing, BeaconSlot(slot)));
        TransitionContext with = context();
        with.beacon_block =
            BlockInfo{.number = BlockNumber(slot),
                      .time = now_,
                      .parent_time = ChainTime(now_.value - 1),
                      .prevrandao = filled_hash(static_cast<std::uint8_t>(slot + 1))};
        return run(ProveBeacon{.run = state_.run, .slot = BeaconSlot(slot)}, with);
    }

    [[nodiscard]] Commitment commitment(std::uint64_t round, Uid miner) const {
        return {.run = state_.run,
                .round = Round(round),
                .uid = miner,
                .rho = rho(state_, Round(round)).value_or(Hash256{}),
                .base_root = base_root(state_, Round(round)),
                .root = filled_hash(static_cast<std::uint8_t>(16 * round + miner.value + 1)),
                .ciphertext_hash = filled_hash(0xc1),
                .size = 1000,
                .key_hash = crypto::sha256(key_of(round, miner).view()),
                .segments = static_cast<std::uint16_t>(spec_.segments())};
    }
    [[nodiscard]] static crypto::StreamKey key_of(std::uint64_t round, Uid miner) {
        return crypto::StreamKey::from(
            filled_hash(static_cast<std::uint8_t>(7 * round + 31 * miner.value + 5)).view());
    }
    // Of these miners, in one message.
    Verdict show_keys(std::uint64_t round, std::initializer_list<std::size_t> miners) {
        ShownKeys keys;
        for (const std::size_t m : miners)
            keys.push_back({.uid = uid(m), .key = key_of(round, uid(m))});
        return run(ShowKeys{.run = state_.run, .round = Round(round), .keys = keys});
    }
    [[nodiscard]] PostCommitment signed_by(Uid signer, const Commitment& value) const {
        return {.commitment = {
                    .commitment = value,
                    .signature =
                        keys_.at(signer.value).sign(commitment_digest(value, domain())).encode()}};
    }
    Verdict commit(std::uint64_t round, Uid miner) {
        return run(signed_by(miner, commitment(round, miner)));
    }
    Verdict vote(std::uint64_t round, Uid sender, const UidSet& uids, const UidSet& suspects = {}) {
        return run_as(
            sender,
            VoteInclusion{
                .run = state_.run, .round = Round(round), .uids = uids, .suspects = suspects});
    }
    Verdict vote_parameters(std::uint64_t round, Uid sender, const Hash256& root,
                            std::uint32_t loss = 0x40900000) {
        return run_as(
            sender, VoteParameters{
                        .run = state_.run, .round = Round(round), .root = root, .loss_bits = loss});
    }
    [[nodiscard]] static UidSet set(std::initializer_list<std::size_t> uids) {
        UidSet out;
        for (const std::size_t u : uids)
            out.set(u);
        return out;
    }
    [[nodiscard]] static Hash256 root_after(std::uint64_t round) {
        return filled_hash(static_cast<std::uint8_t>(0xd0 + round));
    }

    // A whole round: the miners commit and show their keys, every validator votes for them and for
    // root_after(round).
    void play(std::uint64_t round, std::initializer_list<std::size_t> miners, bool accept = true) {
        at(times(round).t0);
        for (const std::size_t m : miners)
            EXPECT_EQ(commit(round, uid(m)), Verdict::kAccept);
        at(times(round).t1);
        if (miners.size() > 0) {
            EXPECT_EQ(show_keys(round, miners), Verdict::kAccept);
        }
        EXPECT_EQ(prove(round + 1), Verdict::kAccept);
        for (std::size_t v = 0; v < validators_; ++v) {
            EXPECT_EQ(vote(round, validator(v), set(miners)), Verdict::kAccept);
        }
        at(times(round).t2);
        for (std::size_t v = 0; accept && v < validators_; ++v) {
            EXPECT_EQ(vote_parameters(round, validator(v), root_after(round)), Verdict::kAccept);
        }
    }

    // Commits at once; the reveal comes with reveal_scores.
    [[nodiscard]] RevealScores scores(std::uint64_t round, std::vector<std::uint16_t> weights,
                                      std::vector<Finding> findings = {}) const {
        return {.run = state_.run,
                .round = Round(round),
                .weights = std::move(weights),
                .findings = std::move(findings),
                .salt = filled_hash(0x99)};
    }
    Verdict commit_scores(Uid sender, const RevealScores& reveal) {
        const Hash256 hash =
            score_commitment(domain(), filled_address(0x5b), reveal.run, reveal.round, sender,
                             reveal.weights, reveal.findings, reveal.salt);
        return run_as(sender, CommitScores{.run = reveal.run, .round = reveal.round, .hash = hash});
    }

    // Every validator commits these scores and reveals them.
    void score(std::uint64_t round, const std::vector<std::uint16_t>& weights,
               const std::vector<Finding>& findings = {}) {
        const RevealScores reveal = scores(round, weights, findings);
        at(times(round).t2);
        for (std::size_t v = 0; v < validators_; ++v) {
            EXPECT_EQ(commit_scores(validator(v), reveal), Verdict::kAccept);
        }
        at(times(round).score_commit);
        for (std::size_t v = 0; v < validators_; ++v) {
            EXPECT_EQ(run_as(validator(v), reveal), Verdict::kAccept);
        }
    }

  private:
    RunSpec spec_;
    std::size_t miners_;
    std::size_t validators_;
    RunState state_;
    std::vector<Event> events_;
    ChainTime now_;
    std::vector<crypto::SecretKey> keys_;
};

inline Finding fail_of(Uid miner, std::uint16_t segment = 2) {
    return {.uid = miner,
            .verdict = kFindingFail,
            .segment = Segment(segment),
            .evidence = filled_hash(0xee)};
}
inline Finding pass_of(Uid miner) {
    return {.uid = miner, .verdict = kFindingPass, .segment = Segment(0), .evidence = {}};
}

}  // namespace covenant::protocol
