// The words that the chain and the node exchange, to the bit: names, keys, JSON and logs of every
// kind of event, fingerprints and calldata of every kind of intent. The digests were taken when
// each of them was still written by hand.
#include "chain/abi/contracts.hpp"
#include "chain/fingerprint.hpp"
#include "chain/indexer/event_json.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"

#include <map>

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using namespace protocol;

Hash256 hash_of(std::uint8_t value) {
    Hash256 out;
    for (std::size_t i = 0; i < out.bytes.size(); ++i) {
        out.bytes[i] = static_cast<std::uint8_t>(value + i);
    }
    return out;
}

Address address_of(std::uint8_t value) {
    return Address::from(ByteView(hash_of(value).bytes).first(Address::kSize));
}

SignedCommitment commitment() {
    SignedCommitment out{{hash_of(1), Round(0x0102030405), Uid(200), hash_of(2), hash_of(3),
                          hash_of(4), hash_of(5), 0x1122334455, hash_of(6), 0x6677},
                         {}};
    for (std::size_t i = 0; i < out.signature.size(); ++i) {
        out.signature[i] = static_cast<std::uint8_t>(3 * i + 1);
    }
    return out;
}

RunTerms terms() {
    return {.timing = {1'000'000, 60, 30, 33, 36, 45, 47, 50, 70, 12, 1, 9, 5000},
            .segments = 6,
            .audit_rate_ppm = 160'000,
            .miner_share_bps = 4100,
            .validator_share_bps = 4200,
            .emission_per_round = Amount{(Uint128{7} << 64) + 9},
            .minimum_stake = Amount{(Uint128{3} << 64) + 5},
            .genesis_root = hash_of(0x31),
            .dataset_root = hash_of(0x32)};
}

ShownKeys keys() {
    return {{Uid(0), crypto::StreamKey::from(hash_of(0x51).view())},
            {Uid(255), crypto::StreamKey::from(hash_of(0x52).view())}};
}

std::vector<Finding> findings() {
    return {{Uid(1), kFindingPass, Segment(0), {}},
            {Uid(255), kFindingFail, Segment(513), hash_of(9)}};
}

UidSet uids() {
    UidSet out;
    for (const std::size_t uid : {std::size_t{0}, std::size_t{9}, std::size_t{255}})
        out.set(uid);
    return out;
}

PublicKey network_key() {
    return PublicKey::from(hash_of(0x77).view());
}

std::vector<EventBody> events() {
    const RunId run = hash_of(0xa0);
    const Round round(0x0a0b0c);
    const Amount much{(Uint128{5} << 64) + 17};
    return {HotkeyRegistered{Uid(7), address_of(1), address_of(2), Role::kValidator, network_key()},
            StakeChanged{Uid(7), much},
            RunCreated{run, terms(), Bytes{1, 2, 3, 4, 5}},
            ArtifactCommitted{commitment()},
            KeysShown{run, round, keys()},
            BeaconProven{run, BeaconSlot(4), BlockNumber(99), hash_of(8), hash_of(10)},
            BeaconProven{run, BeaconSlot(0), BlockNumber(98), hash_of(8), hash_of(10)},
            InclusionVoted{run, round, Uid(9), uids(), UidSet(0b101), much},
            ParametersVoted{run, round, Uid(9), hash_of(3), 0x40812345, much},
            ParametersAccepted{run, round, hash_of(3), 0x40812345},
            Jailed{run, Uid(9), 7},
            Returned{run, Uid(9), ChainTime(0x123456789a)},
            ScoresCommitted{run, round, Uid(9), hash_of(11)},
            ScoresRevealed{run, round, {Uid(9), much, {0, 65535, 12}, findings()}},
            MinerFailed{run, round, Uid(3), Amount{20}, Amount{10}},
            Credited{run, round, Uid(3), much},
            RoundSettled{run, round, Amount{1}, Amount{2}, Amount{3}},
            Claimed{Uid(3), address_of(3), much}};
}

std::vector<Intent> intents() {
    const RunId run = hash_of(0xa0);
    const Round round(0x0a0b0c);
    return {RegisterHotkey{address_of(1), address_of(2), Role::kMiner, network_key()},
            AddStake{Uid(300), Amount{(Uint128{5} << 64) + 17}},
            CreateRun{Bytes{1, 2, 3}, terms()},
            PostCommitment{commitment()},
            ShowKeys{run, round, keys()},
            ProveBeacon{run, BeaconSlot(3)},
            VoteInclusion{run, round, uids(), UidSet(0b101)},
            VoteParameters{run, round, hash_of(3), 0x40812345},
            JailValidator{run, Uid(9)},
            ReturnFromJail{run},
            CommitScores{run, round, hash_of(11)},
            RevealScores{run, round, {0, 65535, 12}, findings(), hash_of(12)},
            SettleRound{run, round},
            ClaimEmission{Uid(300)}};
}

ContractAddresses contracts() {
    return {address_of(0x11), address_of(0x12), address_of(0x13), address_of(0x14),
            address_of(0x15), address_of(0x16), address_of(0x17)};
}

std::string digest(std::string_view text) {
    return to_hex(crypto::sha256(as_bytes(text)).view()).substr(0, 16);
}

std::string whole(const EventBody& body) {
    const Log log = encode_log(contracts(), body);
    const EventKey key = event_key(body);
    std::string out = std::string(event_name(body)) + "|" + event_body_json(body).dump() + "|" +
                      to_0x(log.address) + "|";
    for (const Hash256& topic : log.topics)
        out += to_0x(topic) + ",";
    out += "|" + to_0x(log.data) + "|" + (key.run ? to_0x(*key.run) : "-") + "|" +
           (key.round ? std::to_string(key.round->value) : "-") + "|" +
           (key.uid ? std::to_string(key.uid->value) : "-");
    return out;
}

TEST(Vocabulary, EventsAreWhatTheyWere) {
    const std::vector<std::string> expected{
        "1a77e06a84b39175", "d9b8fcab81393c45", "be30b7695308fc61", "e4d81834b534d5ae",
        "4148d1f4c0864415", "a8d2aa1b0c225490", "6d210d2a9dca26ac", "2b1195b71d37e00b",
        "075767e349097973", "318fc171e79e336b", "6b2a3c8736dff23c", "9c18d7def3ec7252",
        "9e955e6b76a67324", "f71ae9d7d57c9556", "f704b3fa392c93d7", "6a015b2fe6b21bc8",
        "18bca4a35755b747", "cde135ae9c47918d"};
    const std::vector<EventBody> bodies = events();
    ASSERT_EQ(bodies.size(), expected.size());
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        EXPECT_EQ(digest(whole(bodies[i])), expected[i]) << whole(bodies[i]);
    }
}

TEST(Vocabulary, FingerprintsAreWhatTheyWere) {
    const std::vector<std::string> expected{
        "0bc2dacdcd3e4919", "09b2bc50df6c254c", "7a5625f647bd6213", "9672eacf99c3c2a3",
        "7bb499e788c92904", "ba57bda99f88ebdc", "f39d42537a60092f", "240f11f36ce84507",
        "9a616535e575742b", "92885385bcee738d", "337d537a774ee3e1", "d500f9d781570de2",
        "9937f02d98804568", "3e4f3577e7865636"};
    const std::vector<Intent> all = intents();
    ASSERT_EQ(all.size(), expected.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(to_hex(intent_fingerprint(all[i]).view()).substr(0, 16), expected[i])
            << intent_name(all[i]);
    }
}

TEST(Vocabulary, CallsAreWhatTheyWere) {
    const std::map<std::string, std::string> expected{
        {"add_stake", "c6733861be5c9cd3"},       {"create_run", "f072bb86b8b6319b"},
        {"post_commitment", "acf99ad14fbb4f6c"}, {"show_keys", "c0e364b9322820d6"},
        {"vote_inclusion", "d80ac2fcb5f0b6d7"},  {"vote_parameters", "dff8786d62bec6d0"},
        {"jail_validator", "f28497f3e398bfcc"},  {"return_from_jail", "89b5c439e700c1d6"},
        {"commit_scores", "3106bfccc39f0037"},   {"reveal_scores", "f195237b1e8b8db5"},
        {"claim_emission", "41ff1f62cc216864"}};
    for (const Intent& intent : intents()) {
        const auto call = call_of(contracts(), intent);
        const auto known = expected.find(std::string(intent_name(intent)));
        ASSERT_EQ(call.has_value(), known != expected.end()) << intent_name(intent);
        if (!call) continue;
        EXPECT_EQ(digest(to_0x(call->data)), known->second) << intent_name(intent);
        EXPECT_EQ(call->data, call_data(intent));
    }
}

}  // namespace
}  // namespace covenant::chain
