// Two rounds of the sample run as a chain would have told them: miners alice (uid 0) and mallory
// (uid 1), validator vera (uid 2). Mallory fails an audit in round 0. Round 1 is open.
#pragma once

#include "chain/abi/contracts.hpp"
#include "chain/indexer/index.hpp"
#include "chain/indexer/schema.hpp"
#include "tools/vectors/samples.hpp"
#include "tools/view/tables.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::sample {

using protocol::Round;
using protocol::Uid;
using vectors::bits_of;
using vectors::filled_address;
using vectors::filled_hash;

inline const Uid kAlice{0};
inline const Uid kMallory{1};
inline const Uid kVera{2};

inline Address hotkey_of(Uid uid) {
    return filled_address(static_cast<std::uint8_t>(0xb0 + uid.value));
}
inline Amount tokens(std::uint64_t count) {
    return Amount{kOneToken * count};
}

inline protocol::RunSpec spec() {
    protocol::RunSpec out = vectors::sample_spec();
    out.audit.probability_ppm = 1'000'000;
    return out;
}
inline Bytes spec_bytes() {
    return protocol::encode_run_spec(spec());
}
inline protocol::RunId run() {
    return protocol::run_id(spec_bytes());
}

inline crypto::StreamKey key_of(Uid uid) {
    return crypto::StreamKey::from(filled_hash(static_cast<std::uint8_t>(0x38 + uid.value)).view());
}

inline protocol::ArtifactCommitted commitment(Uid uid, std::uint64_t size) {
    protocol::ArtifactCommitted out;
    protocol::Commitment& c = out.commitment.commitment;
    c.run = run();
    c.base_root = spec().genesis_root;
    c.uid = uid;
    c.root = filled_hash(static_cast<std::uint8_t>(0x10 + uid.value));
    c.ciphertext_hash = filled_hash(static_cast<std::uint8_t>(0x20 + uid.value));
    c.size = size;
    c.key_hash = filled_hash(static_cast<std::uint8_t>(0x30 + uid.value));
    c.segments = static_cast<std::uint16_t>(spec().segments());
    return out;
}

struct Block {
    std::uint64_t time = 0;
    std::vector<protocol::EventBody> events;
};

// One entry a block, from block 1 on.
inline std::vector<Block> blocks() {
    using namespace protocol;
    const auto enrolled = [](Uid uid, Role role) {
        return HotkeyRegistered{uid, filled_address(static_cast<std::uint8_t>(0xc0 + uid.value)),
                                hotkey_of(uid), role, PublicKey{}};
    };
    const Round zero;
    const Hash256 next = filled_hash(0xd0);
    const std::uint32_t loss = bits_of(4.5F);
    RevealedScores scores{.validator = kVera,
                          .stake = tokens(100),
                          .weights = {65535, 0},
                          .findings = {{kAlice, kFindingPass, Segment(0), {}},
                                       {kMallory, kFindingFail, Segment(2), filled_hash(0xee)}}};
    return {
        {1000,
         {enrolled(kAlice, Role::kMiner), enrolled(kMallory, Role::kMiner),
          enrolled(kVera, Role::kValidator), StakeChanged{kAlice, tokens(10)},
          StakeChanged{kMallory, tokens(10)}, StakeChanged{kVera, tokens(100)}}},
        {1100, {RunCreated{run(), terms_of(spec()), spec_bytes()}}},
        {99990,
         {BeaconProven{run(), BeaconSlot(0), BlockNumber(2), filled_hash(1), filled_hash(0x51)}}},
        {100010, {commitment(kAlice, 1000), commitment(kMallory, 1200)}},
        {100050,
         {KeysShown{run(), zero, {{kAlice, key_of(kAlice)}, {kMallory, key_of(kMallory)}}},
          BeaconProven{run(), BeaconSlot(1), BlockNumber(4), filled_hash(2), filled_hash(0x52)}}},
        {100060, {InclusionVoted{run(), zero, kVera, UidSet(0b11), {}, tokens(100)}}},
        {100080,
         {ParametersVoted{run(), zero, kVera, next, loss, tokens(100)},
          ParametersAccepted{run(), zero, next, loss},
          ScoresCommitted{run(), zero, kVera, filled_hash(0x77)}}},
        {100140, {ScoresRevealed{run(), zero, scores}}},
        {100165,
         {MinerFailed{run(), zero, kMallory, tokens(100), Amount{}},
          Credited{run(), zero, kAlice, tokens(60)}, Credited{run(), zero, kVera, tokens(30)},
          RoundSettled{run(), zero, tokens(60), tokens(30), tokens(10)}}},
        {100170, {Claimed{kAlice, filled_address(0xc0), tokens(60)}}},
    };
}

inline Hash256 block_hash(std::uint64_t number) {
    return filled_hash(static_cast<std::uint8_t>(0x80 + number));
}
inline Hash256 transaction_hash(std::uint64_t block) {
    return filled_hash(static_cast<std::uint8_t>(0x40 + block));
}

// The folded state at the last block, as a devnet of three rounds would show it.
inline view::Scene scene() {
    view::Scene out;
    out.state.run = run();
    out.chain_id = 31337;
    std::uint64_t number = 0;
    for (const Block& block : blocks()) {
        ++number;
        std::uint32_t index = 0;
        for (const protocol::EventBody& body : block.events) {
            protocol::apply(
                out.state, {protocol::BlockNumber(number), protocol::ChainTime(block.time), index++,
                            transaction_hash(number), body});
        }
        out.head = chain::IndexedBlock{protocol::BlockNumber(number), block_hash(number),
                                       block_hash(number - 1), protocol::ChainTime(block.time)};
    }
    out.folder.names = {{"alice", kAlice}, {"mallory", kMallory}, {"vera", kVera}};
    out.folder.run = run();
    out.folder.rounds = 3;
    return out;
}

inline chain::ContractAddresses contracts() {
    chain::ContractAddresses out;
    out.token = filled_address(1);
    out.registry = filled_address(2);
    out.run_registry = filled_address(3);
    out.round_manager = filled_address(4);
    out.score_ledger = filled_address(5);
    out.emissions = filled_address(6);
    out.authority = filled_address(7);
    return out;
}

// The same chain as an explorer's index.
inline void write_index(const std::string& path) {
    auto database = sqlite::Database::open(path, chain::kIndexFile);
    ASSERT_TRUE(database) << database.error().context;
    auto index = chain::Index::open(*database, 31337, block_hash(0), contracts());
    ASSERT_TRUE(index) << index.error().context;
    std::vector<chain::BlockLogs> list;
    std::uint64_t number = 0;
    for (const Block& block : blocks()) {
        ++number;
        chain::BlockLogs entry;
        entry.block = {protocol::BlockNumber(number), block_hash(number), block_hash(number - 1),
                       protocol::ChainTime(block.time)};
        std::uint32_t at = 0;
        for (const protocol::EventBody& body : block.events) {
            chain::Log log = chain::encode_log(contracts(), body);
            log.block = entry.block.number;
            log.block_hash = entry.block.hash;
            log.transaction = transaction_hash(number);
            log.index = at++;
            entry.logs.push_back(std::move(log));
        }
        list.push_back(std::move(entry));
    }
    const Status stored = index->replace(std::nullopt, list);
    ASSERT_TRUE(stored) << stored.error().context;
}

// devnet.json as far as readers need it.
inline std::string devnet_json() {
    return R"({"run":")" + to_0x(run()) +
           R"(","rounds":3,"participants":[)"
           R"({"name":"alice","uid":0},{"name":"mallory","uid":1},{"name":"vera","uid":2}]})";
}

}  // namespace covenant::sample
