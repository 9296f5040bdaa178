#include "common/crypto/merkle.hpp"
#include "common/data/corpus_manifest.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace covenant::data {
namespace {

Hash256 hash_of(std::uint8_t fill) {
    Hash256 hash;
    hash.bytes.fill(fill);
    return hash;
}

CorpusManifest sample() {
    CorpusManifest manifest;
    manifest.name = "sample";
    manifest.source_hash = hash_of(1);
    manifest.tokenizer_hash = hash_of(2);
    manifest.vocab_size = 400;
    manifest.window_tokens = 17;
    manifest.windows_per_shard = 64;
    manifest.split = {kSplitByBlockHash, 512, 200'000};
    manifest.heldout_bytes = 7'000;
    manifest.heldout_tokens = 2'000;
    manifest.shards = {{0, 64, hash_of(3)}, {1, 64, hash_of(4)}, {2, 10, hash_of(5)}};
    manifest.heldout_shards = {{kHeldoutShardBit, 40, hash_of(6)}};
    return manifest;
}

TEST(CorpusManifest, RoundTrips) {
    const auto decoded = decode_manifest(encode_manifest(sample()));
    ASSERT_TRUE(decoded) << decoded.error().context;
    EXPECT_EQ(*decoded, sample());
    EXPECT_EQ(decoded->window_count(), 138U);
    EXPECT_EQ(decoded->heldout_count(), 40U);
    EXPECT_DOUBLE_EQ(decoded->bytes_per_token(), 3.5);
}

TEST(CorpusManifest, DataSpecHoldsTheRoots) {
    const protocol::DataSpec spec = sample().data_spec();
    EXPECT_EQ(spec.dataset_root, sample().dataset_root());
    EXPECT_EQ(spec.heldout_root, shard_leaf({kHeldoutShardBit, 40, hash_of(6)}));
    EXPECT_EQ(spec.tokenizer_hash, hash_of(2));
    EXPECT_EQ(spec.window_count, 138U);
    EXPECT_EQ(spec.heldout_count, 40U);
}

TEST(CorpusManifest, DatasetRootCoversEveryField) {
    const Hash256 root = sample().dataset_root();
    const std::function<void(CorpusManifest&)> changes[] = {
        [](CorpusManifest& m) { m.name = "other"; },
        [](CorpusManifest& m) { m.source_hash = hash_of(9); },
        [](CorpusManifest& m) { m.tokenizer_hash = hash_of(9); },
        [](CorpusManifest& m) { ++m.vocab_size; },
        [](CorpusManifest& m) { ++m.window_tokens; },
        [](CorpusManifest& m) { ++m.windows_per_shard; },
        [](CorpusManifest& m) { ++m.split.rule; },
        [](CorpusManifest& m) { ++m.split.block_bytes; },
        [](CorpusManifest& m) { ++m.split.heldout_ppm; },
        [](CorpusManifest& m) { ++m.heldout_bytes; },
        [](CorpusManifest& m) { ++m.heldout_tokens; },
        [](CorpusManifest& m) { m.shards[1].root = hash_of(9); },
        [](CorpusManifest& m) { ++m.shards[2].windows; },
        [](CorpusManifest& m) { m.shards.pop_back(); },
        [](CorpusManifest& m) { m.heldout_shards[0].root = hash_of(9); },
        [](CorpusManifest& m) { std::swap(m.shards, m.heldout_shards); },
    };
    for (std::size_t i = 0; i < std::size(changes); ++i) {
        CorpusManifest changed = sample();
        changes[i](changed);
        EXPECT_NE(changed.dataset_root(), root) << "change " << i;
    }
}

TEST(CorpusManifest, EveryCutAndEveryExtraByteIsRefused) {
    const Bytes bytes = encode_manifest(sample());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto decoded = decode_manifest(ByteView(bytes).first(size));
        ASSERT_FALSE(decoded) << size;
        EXPECT_EQ(decoded.error().code, Errc::kMalformed);
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_manifest(longer));
}

TEST(CorpusManifest, RefusesFieldsOutOfRange) {
    const std::function<void(CorpusManifest&)> changes[] = {
        [](CorpusManifest& m) { m.name.clear(); },
        [](CorpusManifest& m) { m.name = "line\nbreak"; },
        [](CorpusManifest& m) { m.name.assign(65, 'a'); },
        [](CorpusManifest& m) { m.vocab_size = kMinVocabSize - 1; },
        [](CorpusManifest& m) { m.vocab_size = kMaxVocabSize + 1; },
        [](CorpusManifest& m) { m.window_tokens = 1; },
        [](CorpusManifest& m) { m.window_tokens = kMaxWindowTokens + 1; },
        [](CorpusManifest& m) { m.windows_per_shard = 0; },
        [](CorpusManifest& m) { m.windows_per_shard = kMaxShardWindows + 1; },
        [](CorpusManifest& m) { m.split.rule = 2; },
        [](CorpusManifest& m) { m.split.block_bytes = kMinBlockBytes - 1; },
        [](CorpusManifest& m) { m.split.block_bytes = kMaxBlockBytes + 1; },
        [](CorpusManifest& m) { m.split.heldout_ppm = 0; },
        [](CorpusManifest& m) { m.split.heldout_ppm = kMaxHeldoutPpm + 1; },
        [](CorpusManifest& m) { m.heldout_bytes = 0; },
        [](CorpusManifest& m) { m.heldout_tokens = 0; },
        [](CorpusManifest& m) { m.shards.clear(); },
        [](CorpusManifest& m) { m.heldout_shards.clear(); },
        [](CorpusManifest& m) { m.shards[0].windows = 63; },
        [](CorpusManifest& m) { m.shards[2].windows = 0; },
        [](CorpusManifest& m) { m.shards[2].windows = 65; },
    };
    for (std::size_t i = 0; i < std::size(changes); ++i) {
        CorpusManifest changed = sample();
        changes[i](changed);
        const auto decoded = decode_manifest(encode_manifest(changed));
        ASSERT_FALSE(decoded) << "change " << i;
        EXPECT_EQ(decoded.error().code, Errc::kMalformed);
    }
}

TEST(CorpusManifest, RefusesAnotherVersionByNumber) {
    Bytes bytes = encode_manifest(sample());
    bytes[4] = 2;
    EXPECT_NE(decode_manifest(bytes).error().context.find("version 2"), std::string::npos);
}

TEST(CorpusManifest, ShardCountIsBoundedBeforeAllocation) {
    Bytes bytes = encode_manifest(sample());
    const std::size_t count_at = bytes.size() - (4 + 36) - 3 * 36 - 4;
    ASSERT_EQ(load_le<std::uint32_t>(bytes.data() + count_at), 3U);
    store_le(std::uint32_t{0xffffffff}, bytes.data() + count_at);
    EXPECT_FALSE(decode_manifest(bytes));
}

TEST(CorpusManifest, JsonIsForPeople) {
    const codec::Json json = manifest_json(sample());
    EXPECT_EQ(json.string("name").value(), "sample");
    EXPECT_EQ(json.fixed<Hash256>("dataset_root").value(), sample().dataset_root());
    EXPECT_EQ(json.u64("windows").value(), 138U);
    EXPECT_EQ(json.items("shards").value()[2].string("file").value(), "train-00002.npy");
    EXPECT_EQ(json.items("heldout_shards").value()[0].string("file").value(), "heldout-00000.npy");
}

TEST(BitsPerByte, ConvertsNats) {
    EXPECT_NEAR(bits_per_byte(4.515, 3.58), 1.8195, 1e-3);
    EXPECT_DOUBLE_EQ(bits_per_byte(0.6931471805599453, 1.0), 1.0);
}

}  // namespace
}  // namespace covenant::data
