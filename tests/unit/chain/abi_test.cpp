#include "chain/abi/codec.hpp"
#include "chain/abi/contracts.hpp"
#include "chain/abi/revert.hpp"
#include "chain/abi/words.hpp"
#include "chain/indexer/event_json.hpp"
#include "common/protocol/event.hpp"
#include "tests/support/fake_node.hpp"

#include <set>

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using namespace protocol;

// Solidity documentation, "Contract ABI Specification", examples; the long ones also as `cast
// calldata` prints them.
TEST(Abi, SelectorsOfTheSpecification) {
    EXPECT_EQ(to_0x(function_selector("baz(uint32,bool)")), "0xcdcd77c0");
    EXPECT_EQ(to_0x(function_selector("sam(bytes,bool,uint256[])")), "0xa5643bf2");
    EXPECT_EQ(to_0x(event_topic("Transfer(address,address,uint256)")),
              "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

TEST(Abi, EncodesStaticArguments) {
    EXPECT_EQ(to_0x(encode_call("baz(uint32,bool)", AbiWriter().uint(69).boolean(true))),
              "0xcdcd77c0"
              "0000000000000000000000000000000000000000000000000000000000000045"
              "0000000000000000000000000000000000000000000000000000000000000001");
}

TEST(Abi, EncodesDynamicArguments) {
    Bytes words = AbiWriter().uint(0x456).uint(0x789).finish();
    Word tenth{};
    std::copy_n("1234567890", 10, tenth.begin());
    EXPECT_EQ(to_0x(encode_call("f(uint256,uint32[],bytes10,bytes)",
                                AbiWriter().uint(0x123).static_array(2, words).word(tenth).string(
                                    "Hello, world!"))),
              "0x8be65246"
              "0000000000000000000000000000000000000000000000000000000000000123"
              "0000000000000000000000000000000000000000000000000000000000000080"
              "3132333435363738393000000000000000000000000000000000000000000000"
              "00000000000000000000000000000000000000000000000000000000000000e0"
              "0000000000000000000000000000000000000000000000000000000000000002"
              "0000000000000000000000000000000000000000000000000000000000000456"
              "0000000000000000000000000000000000000000000000000000000000000789"
              "000000000000000000000000000000000000000000000000000000000000000d"
              "48656c6c6f2c20776f726c642100000000000000000000000000000000000000");
}

TEST(Abi, EncodesArraysOfTuplesAsCastDoes) {
    RevealScores reveal;
    reveal.run = hash_of(1);
    reveal.round = Round(5);
    reveal.weights = {1, 65535};
    reveal.findings = {{Uid(3), 2, Segment(4), hash_of(2)}};
    reveal.salt = hash_of(3);
    EXPECT_EQ(to_0x(call_data(reveal)),
              "0x14a67bb4"
              "0101010101010101010101010101010101010101010101010101010101010101"
              "0000000000000000000000000000000000000000000000000000000000000005"
              "00000000000000000000000000000000000000000000000000000000000000a0"
              "0000000000000000000000000000000000000000000000000000000000000100"
              "0303030303030303030303030303030303030303030303030303030303030303"
              "0000000000000000000000000000000000000000000000000000000000000002"
              "0000000000000000000000000000000000000000000000000000000000000001"
              "000000000000000000000000000000000000000000000000000000000000ffff"
              "0000000000000000000000000000000000000000000000000000000000000001"
              "0000000000000000000000000000000000000000000000000000000000000003"
              "0000000000000000000000000000000000000000000000000000000000000002"
              "0000000000000000000000000000000000000000000000000000000000000004"
              "0202020202020202020202020202020202020202020202020202020202020202");
}

TEST(Abi, ReadsWhatItWrites) {
    const Bytes data = AbiWriter()
                           .uint(7)
                           .bytes(as_bytes("some bytes of more than one word, padded"))
                           .boolean(true)
                           .uint16_array(std::vector<std::uint16_t>{1, 2, 65535})
                           .finish();
    AbiReader reader(data);
    EXPECT_EQ(reader.uint64(), 7U);
    EXPECT_EQ(as_text(reader.bytes(100)), "some bytes of more than one word, padded");
    EXPECT_TRUE(reader.boolean());
    EXPECT_EQ(reader.uint16_array(3), (std::vector<std::uint16_t>{1, 2, 65535}));
    EXPECT_TRUE(reader.ok());
}

TEST(Abi, RefusesValuesOutsideTheirType) {
    const auto refuses = [](Uint128 value, auto read) {
        const Bytes data = AbiWriter().uint(value).finish();
        AbiReader reader(data);
        read(reader);
        return !reader.ok();
    };
    EXPECT_TRUE(refuses(256, [](AbiReader& r) { r.uint8(); }));
    EXPECT_TRUE(refuses(65536, [](AbiReader& r) { r.uint16(); }));
    EXPECT_TRUE(refuses(Uint128{1} << 32, [](AbiReader& r) { r.uint32(); }));
    EXPECT_TRUE(refuses(Uint128{1} << 48, [](AbiReader& r) { r.uint48(); }));
    EXPECT_TRUE(refuses(Uint128{1} << 64, [](AbiReader& r) { r.uint64(); }));
    EXPECT_TRUE(refuses(2, [](AbiReader& r) { r.boolean(); }));
    Word large{};
    large[15] = 1;  // 2^128
    AbiReader reader(large);
    reader.uint128();
    EXPECT_FALSE(reader.ok());
    large = {};
    large[11] = 1;
    AbiReader address(large);
    address.address();
    EXPECT_FALSE(address.ok());
}

TEST(Abi, RefusesHostileOffsetsAndLengths) {
    const auto refuses = [](const Bytes& data, auto read) {
        AbiReader reader(data);
        read(reader);
        return !reader.ok();
    };
    const auto bytes = [](AbiReader& r) { r.bytes(1000); };
    const auto numbers = [](AbiReader& r) { r.uint16_array(1000); };
    EXPECT_TRUE(refuses({}, bytes));
    EXPECT_TRUE(refuses(AbiWriter().uint(1 << 20).finish(), bytes));      // offset past the end
    EXPECT_TRUE(refuses(AbiWriter().uint(~Uint128{0}).finish(), bytes));  // offset beyond 32 bits
    EXPECT_TRUE(
        refuses(AbiWriter().uint(32).uint(33).uint(0).finish(), bytes));  // length past the end
    EXPECT_TRUE(refuses(AbiWriter().uint(32).uint(1).uint(1).finish(), bytes));  // dirty padding
    EXPECT_TRUE(refuses(AbiWriter().uint(32).uint(0xffffffff).finish(), numbers));
    EXPECT_TRUE(refuses(AbiWriter().uint(32).uint(2).uint(1).finish(), numbers));
    const Bytes five = AbiWriter().bytes(Bytes(5, 1)).finish();
    EXPECT_TRUE(refuses(five, [](AbiReader& r) { r.bytes(4); }));  // above the caller's bound
}

TEST(Abi, SetsOfUidsAreBitmaps) {
    UidSet set;
    set.set(0);
    set.set(9);
    set.set(255);
    const Word word = set_to_word(set);
    EXPECT_EQ(word[31], 1);
    EXPECT_EQ(word[30], 2);
    EXPECT_EQ(word[0], 0x80);
    EXPECT_EQ(word_to_set(word), set);
}

std::vector<EventBody> one_of_each() {
    SignedCommitment commitment;
    commitment.commitment = {hash_of(1), Round(2),   Uid(5), hash_of(3), hash_of(4),
                             hash_of(6), hash_of(7), 900,    hash_of(8), 6};
    commitment.signature.fill(0x1b);
    UidSet uids;
    uids.set(5);
    uids.set(200);
    RevealedScores scores{Uid(9), Amount{77}, {1, 2, 3}, {{Uid(5), 2, Segment(3), hash_of(9)}}};
    RunTerms terms;
    terms.timing = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
    terms.miner_share_bps = 6000;
    terms.emission_per_round = Amount{Uint128{100} * kOneToken};
    terms.genesis_root = hash_of(10);
    return {HotkeyRegistered{Uid(5), Address{{1}}, Address{{2}}, Role::kMiner, PublicKey{{3}}},
            StakeChanged{Uid(5), Amount{kOneToken}},
            RunCreated{hash_of(1), terms, {1, 2, 3}},
            ArtifactCommitted{commitment},
            KeysShown{hash_of(1), Round(2), {{Uid(5), {{7}}}, {Uid(255), {{8}}}}},
            BeaconProven{hash_of(1), BeaconSlot(4), BlockNumber(99), hash_of(5), hash_of(6)},
            InclusionVoted{hash_of(1), Round(2), Uid(9), uids, UidSet(6), Amount{10}},
            ParametersVoted{hash_of(1), Round(2), Uid(9), hash_of(3), 0x40800000, Amount{10}},
            ParametersAccepted{hash_of(1), Round(2), hash_of(3), 0x40800000},
            Jailed{hash_of(1), Uid(9), 6},
            Returned{hash_of(1), Uid(9), ChainTime(1234567)},
            ScoresCommitted{hash_of(1), Round(2), Uid(9), hash_of(4)},
            ScoresRevealed{hash_of(1), Round(2), scores},
            MinerFailed{hash_of(1), Round(2), Uid(5), Amount{3}, Amount{1}},
            Credited{hash_of(1), Round(2), Uid(5), Amount{123}},
            RoundSettled{hash_of(1), Round(2), Amount{1}, Amount{2}, Amount{3}},
            Claimed{Uid(5), Address{{4}}, Amount{55}}};
}

TEST(Logs, EveryEventSurvivesTheRoundTrip) {
    std::set<std::size_t> kinds;
    for (const EventBody& body : one_of_each()) {
        kinds.insert(body.index());
        const Log log = encode_log(fake_contracts(), body);
        const auto decoded = decode_log(fake_contracts(), log);
        ASSERT_TRUE(decoded) << decoded.error().context;
        ASSERT_TRUE(*decoded) << event_name(body);
        // The events have no comparison: their JSON holds every field.
        EXPECT_EQ(event_body_json(**decoded).dump(), event_body_json(body).dump());
    }
    EXPECT_EQ(kinds.size(), std::variant_size_v<EventBody>);
}

TEST(Logs, OthersAreLeftOut) {
    Log log = encode_log(fake_contracts(), one_of_each()[0]);
    log.address = Address{{0x55}};
    EXPECT_EQ(decode_log(fake_contracts(), log).value(), std::nullopt);  // another contract
    log = encode_log(fake_contracts(), one_of_each()[0]);
    log.topics[0] = event_topic("Transfer(address,address,uint256)");
    EXPECT_EQ(decode_log(fake_contracts(), log).value(), std::nullopt);
    log.topics.clear();
    EXPECT_EQ(decode_log(fake_contracts(), log).value(), std::nullopt);
}

TEST(Logs, BrokenOnesOfOursAreErrors) {
    for (const EventBody& body : one_of_each()) {
        Log log = encode_log(fake_contracts(), body);
        log.data.resize(log.data.size() - 1);
        const auto shorter = decode_log(fake_contracts(), log);
        ASSERT_FALSE(shorter) << event_name(body);
        EXPECT_EQ(shorter.error().code, Errc::kMalformed);
        log = encode_log(fake_contracts(), body);
        log.topics.pop_back();
        EXPECT_FALSE(decode_log(fake_contracts(), log)) << event_name(body);
    }
}

TEST(Logs, TheCommitmentInsideMustBeTheOneInTheTopics) {
    Log log = encode_log(fake_contracts(), one_of_each()[3]);
    log.topics[2] = Hash256::from(to_word(3));  // round
    EXPECT_FALSE(decode_log(fake_contracts(), log));
}

TEST(Logs, UidsAboveTheRosterAreErrors) {
    Log log = encode_log(fake_contracts(), one_of_each()[1]);
    log.topics[1] = Hash256::from(to_word(256));
    EXPECT_FALSE(decode_log(fake_contracts(), log));
}

TEST(Revert, NamesErrorsAndTheirArguments) {
    EXPECT_EQ(describe_revert(encode_call("RoundManagerOutsideWindow(uint256,uint256,uint256)",
                                          AbiWriter().uint(9).uint(10).uint(20))),
              "RoundManagerOutsideWindow(9, 10, 20)");
    EXPECT_EQ(describe_revert(encode_call("RegistryUnknownHotkey(address)",
                                          AbiWriter().address(Address{{0xab}}))),
              "RegistryUnknownHotkey(0xab00000000000000000000000000000000000000)");
    EXPECT_EQ(describe_revert(encode_call("Error(string)", AbiWriter().string("no\nway"))),
              "no?way");
    EXPECT_EQ(describe_revert(encode_call("Panic(uint256)", AbiWriter().uint(0x11))),
              "Panic(0x11: arithmetic overflow)");
}

TEST(Revert, BearsAnything) {
    EXPECT_EQ(describe_revert({}), "reverted without a reason");
    EXPECT_EQ(describe_revert(Bytes{1, 2, 3, 4}), "unknown error 0x01020304");
    EXPECT_EQ(describe_revert(encode_call("RoundManagerNotMiner(uint32)", AbiWriter())),
              "RoundManagerNotMiner(...)");
    EXPECT_EQ(describe_revert(encode_call("Error(string)", AbiWriter().uint(5))),
              "reverted with a broken reason");
    EXPECT_LT(
        describe_revert(encode_call("Error(string)", AbiWriter().string(std::string(10'000, 'x'))))
            .size(),
        400U);
}

TEST(Revert, SelectorsAreDistinct) {
    std::set<Selector> selectors;
    for (const std::string_view error : known_errors()) {
        EXPECT_TRUE(selectors.insert(function_selector(error)).second) << error;
    }
}

}  // namespace
}  // namespace covenant::chain
