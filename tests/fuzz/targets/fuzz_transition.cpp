// A sequence of intents by anybody at any time: refusals emit nothing, and what is accepted keeps
// the state sound. Input: four bytes an intent (kind, who, what, seconds that pass).
#include "common/base/assert.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/crypto/sha256.hpp"
#include "common/protocol/round_view.hpp"
#include "common/protocol/transition.hpp"
#include "tools/vectors/samples.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace {

using namespace covenant;
using namespace covenant::protocol;

constexpr std::size_t kHotkeys = 6;  // uids 0..2 mine, 3..5 validate
constexpr std::size_t kMaxIntents = 200;

const std::vector<crypto::SecretKey>& keys() {
    static const std::vector<crypto::SecretKey> all = [] {
        std::vector<crypto::SecretKey> out;
        for (std::size_t i = 0; i < kHotkeys; ++i) {
            out.push_back(std::move(
                *crypto::SecretKey::from_bytes(Bytes(32, static_cast<std::uint8_t>(1 + i)))));
        }
        return out;
    }();
    return all;
}

class Machine {
  public:
    Machine() {
        const RunSpec spec = vectors::sample_spec();
        state_.run = run_id(encode_run_spec(spec));
        now_ = 1000;
        for (std::size_t i = 0; i < kHotkeys; ++i) {
            perform(RegisterHotkey{.coldkey = {},
                                   .hotkey = keys()[i].address(),
                                   .role = i < 3 ? Role::kMiner : Role::kValidator,
                                   .network_key = {}},
                    {});
            perform(AddStake{.uid = Uid(static_cast<std::uint16_t>(i)),
                             .amount = Amount{(10 + i) * kOneToken}},
                    {});
        }
        perform(CreateRun{.spec = encode_run_spec(spec), .terms = terms_of(spec)}, {});
        now_ = 99980;
    }

    void step(std::uint8_t kind, std::uint8_t who, std::uint8_t what, std::uint8_t seconds) {
        now_ += seconds;
        const auto current = round_at(state_.spec->timing, ChainTime(now_)).value_or(Round(0));
        // Mostly this round or one just past, sometimes a far one.
        const Round round(what % 8 == 7
                              ? current.value + what
                              : current.value - std::min<std::uint64_t>(current.value, what % 3));
        const Address sender = keys()[who % kHotkeys].address();
        switch (kind % 11) {
            case 0:
                perform(commitment(round, who, what), sender);
                break;
            case 1:
                perform(
                    ProveBeacon{.run = state_.run, .slot = BeaconSlot(round.value + kind / 128)},
                    sender);
                break;
            case 2:
                perform(VoteInclusion{.run = state_.run,
                                      .round = round,
                                      .uids = UidSet(what % 8),
                                      .suspects = UidSet(what / 8 % 8)},
                        sender);
                break;
            case 3:
                perform(VoteParameters{.run = state_.run,
                                       .round = round,
                                       .root = vectors::filled_hash(what / 128 + 1),
                                       .loss_bits = 0},
                        sender);
                break;
            case 4:
                perform(CommitScores{.run = state_.run,
                                     .round = round,
                                     .hash = hash_of(reveal(round, kind), who)},
                        sender);
                break;
            case 5:
                perform(reveal(round, kind), sender);
                break;
            case 7:
                perform(ShowKeys{.run = state_.run,
                                 .round = round,
                                 .keys = {{Uid(who % 8), key_of(what)},
                                          {Uid(who / 8 % 8), key_of(what)}}},
                        sender);
                break;
            case 8:
                perform(JailValidator{.run = state_.run, .uid = Uid(what % 8)}, sender);
                break;
            case 9:
                perform(ReturnFromJail{.run = state_.run}, sender);
                break;
            case 6:
                perform(SettleRound{.run = state_.run, .round = round}, sender);
                break;
            default:
                perform(ClaimEmission{.uid = Uid(who % 8)}, sender);
                break;
        }
    }

    void check() const {
        Amount claimed;
        for (const auto& [uid, tally] : state_.tallies)
            claimed += tally.claimed;
        Amount credited;
        for (const auto& [round, record] : state_.rounds) {
            Amount of_round;
            for (const auto& [uid, amount] : record.credits)
                of_round += amount;
            credited += of_round;
            COVENANT_ASSERT(record.credits.empty() || record.settled,
                            "credits come with settlement");
            if (record.settled) {
                COVENANT_ASSERT(of_round == record.settled->miners + record.settled->validators,
                                "the parts are the credits");
                COVENANT_ASSERT(
                    of_round + record.settled->treasury <= state_.spec->emission.per_round,
                    "no round pays more than its emission");
            }
            UidSet committed;
            for (const auto& [uid, commitment] : record.commitments)
                committed.set(uid.value);
            UidSet keyed;
            for (const auto& [uid, key] : record.keys)
                keyed.set(uid.value);
            COVENANT_ASSERT((keyed & ~committed).none(), "keys open commitments");
            COVENANT_ASSERT((included(state_, round) & ~keyed).none(),
                            "who is included has shown its key");
            COVENANT_ASSERT((suspected(state_, round) & ~keyed).none(),
                            "who is suspected can be drawn");
            COVENANT_ASSERT(suspected(state_, round).count() <=
                                std::max<std::size_t>(1, record.commitments.size() / 8),
                            "suspicion draws few");
            COVENANT_ASSERT(aggregated(state_, round).size() <= state_.spec->outer.max_artifacts,
                            "slots are few");
            COVENANT_ASSERT(record.reveals.size() <= record.score_commitments.size(),
                            "reveals follow commitments");
            COVENANT_ASSERT(!record.accepted || state_.beacons.contains(beacon_slot_of(round)),
                            "no parameters without a beacon");
            (void)round_view(state_, round);
        }
        COVENANT_ASSERT(claimed <= credited, "only credits are claimed");
    }

  private:
    template <typename Body>
    void perform(const Body& intent, const Address& sender) {
        TransitionContext context{
            .sender = sender,
            .now = ChainTime(now_),
            .domain = {.chain_id = 31337, .round_manager = {}},
            .score_ledger = {},
            .beacon_block =
                BlockInfo{.number = BlockNumber(now_),
                          .time = ChainTime(now_),
                          .parent_time = ChainTime(now_ - 10),
                          .prevrandao = vectors::filled_hash(static_cast<std::uint8_t>(now_))}};
        const TransitionResult result = transition(state_, Intent(intent), context);
        COVENANT_ASSERT((result.verdict == Verdict::kAccept) != result.events.empty(),
                        "a refusal emits nothing");
        for (const EventBody& body : result.events) {
            apply(state_, Event{.block = {},
                                .time = ChainTime(now_),
                                .index = 0,
                                .transaction = {},
                                .body = body});
        }
    }

    static crypto::StreamKey key_of(std::uint8_t what) {
        return crypto::StreamKey::from(vectors::filled_hash(what).view());
    }
    PostCommitment commitment(Round round, std::uint8_t who, std::uint8_t what) const {
        PostCommitment out;
        Commitment& c = out.commitment.commitment;
        c.run = state_.run;
        c.round = round;
        c.rho = rho(state_, round).value_or(Hash256{});
        c.base_root = base_root(state_, round);
        c.uid = Uid(who % 8);
        c.root = vectors::filled_hash(what);
        c.key_hash = crypto::sha256(key_of(what).view());
        c.segments = static_cast<std::uint16_t>(state_.spec->segments());
        out.commitment.signature =
            keys()[who % kHotkeys]
                .sign(commitment_digest(c, {.chain_id = 31337, .round_manager = {}}))
                .encode();
        return out;
    }
    RevealScores reveal(Round round, std::uint8_t seed) const {
        const auto verdict = static_cast<std::uint8_t>(1 + seed / 128);
        return {.run = state_.run,
                .round = round,
                .weights = {static_cast<std::uint16_t>(seed * 257), 300, 0},
                .findings = {{.uid = Uid(seed % 3),
                              .verdict = verdict,
                              .segment = Segment(1),
                              .evidence = {}}},
                .salt = {}};
    }
    Hash256 hash_of(RevealScores value, std::uint8_t who) const {
        // Kind 4 commits to what kind 5 of the same seed reveals.
        value = reveal(value.round, static_cast<std::uint8_t>(value.weights[0] / 257 + 1));
        return score_commitment({.chain_id = 31337, .round_manager = {}}, {}, value.run,
                                value.round, Uid(who % kHotkeys), value.weights, value.findings,
                                value.salt);
    }

    RunState state_;
    std::uint64_t now_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Machine start;
    Machine machine = start;
    for (std::size_t i = 0; i + 4 <= size && i < 4 * kMaxIntents; i += 4) {
        machine.step(data[i], data[i + 1], data[i + 2], data[i + 3]);
    }
    machine.check();
    return 0;
}
