#include "common/data/corpus_manifest.hpp"

#include "common/base/assert.hpp"
#include "common/base/hex.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace covenant::data {
namespace {

constexpr std::string_view kMagic = "CVDS";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kShardEntryBytes = 4 + 32;
constexpr std::size_t kMaxShards = kMaxManifestBytes / kShardEntryBytes;
constexpr double kLn2 = 0.6931471805599453;

tl::unexpected<Error> malformed(std::string reason) {
    return fail(Errc::kMalformed, "data set manifest: " + std::move(reason));
}

void write_fields(codec::Writer& out, const CorpusManifest& manifest) {
    out.raw(as_bytes(kMagic)).u16(kVersion).text(manifest.name);
    out.fixed(manifest.source_hash).fixed(manifest.tokenizer_hash);
    out.u32(manifest.vocab_size).u32(manifest.window_tokens).u32(manifest.windows_per_shard);
    out.u8(manifest.split.rule).u32(manifest.split.block_bytes).u32(manifest.split.heldout_ppm);
    out.u64(manifest.heldout_bytes).u64(manifest.heldout_tokens);
}

std::uint64_t windows_of(std::span<const ShardSummary> shards) {
    std::uint64_t total = 0;
    for (const ShardSummary& shard : shards)
        total += shard.windows;
    return total;
}

Hash256 split_root(std::span<const ShardSummary> shards) {
    std::vector<Hash256> leaves;
    leaves.reserve(shards.size());
    for (const ShardSummary& shard : shards)
        leaves.push_back(shard_leaf(shard));
    return crypto::merkle_root(leaves);
}

std::vector<ShardSummary> read_shards(codec::Reader& in, std::uint32_t first_number) {
    const std::size_t count = in.count(kShardEntryBytes, kMaxShards);
    std::vector<ShardSummary> shards;
    shards.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        ShardSummary shard;
        shard.number = first_number + static_cast<std::uint32_t>(i);
        shard.windows = in.u32();
        shard.root = in.fixed<Hash256>();
        shards.push_back(shard);
    }
    return shards;
}

// Empty when every shard is full but the last, which has at least one window.
std::string shards_fault(std::span<const ShardSummary> shards, std::uint32_t full) {
    if (shards.empty()) return "no shard";
    for (std::size_t i = 0; i < shards.size(); ++i) {
        const std::uint32_t windows = shards[i].windows;
        if (i + 1 < shards.size() ? windows != full : windows < 1 || windows > full) {
            return "shard " + std::to_string(i) + " has " + std::to_string(windows) +
                   " windows, a full one has " + std::to_string(full);
        }
    }
    return {};
}

}  // namespace

Hash256 shard_leaf(const ShardSummary& shard) {
    codec::Writer out;
    out.u32(shard.number).u32(shard.windows).fixed(shard.root);
    return crypto::merkle_leaf(out.view());
}

std::uint64_t CorpusManifest::window_count() const {
    return windows_of(shards);
}
std::uint64_t CorpusManifest::heldout_count() const {
    return windows_of(heldout_shards);
}

double CorpusManifest::bytes_per_token() const {
    return heldout_tokens == 0
               ? 0.0
               : static_cast<double>(heldout_bytes) / static_cast<double>(heldout_tokens);
}

Hash256 CorpusManifest::training_root() const {
    return split_root(shards);
}
Hash256 CorpusManifest::heldout_root() const {
    return split_root(heldout_shards);
}

Hash256 CorpusManifest::dataset_root() const {
    codec::Writer out;
    write_fields(out, *this);
    out.fixed(training_root()).u64(window_count()).fixed(heldout_root()).u64(heldout_count());
    return crypto::sha256_tagged("dataset", out.view());
}

protocol::DataSpec CorpusManifest::data_spec() const {
    return {.dataset_root = dataset_root(),
            .heldout_root = heldout_root(),
            .tokenizer_hash = tokenizer_hash,
            .window_count = window_count(),
            .heldout_count = heldout_count()};
}

double bits_per_byte(double nats_per_token, double bytes_per_token) {
    return nats_per_token / (kLn2 * bytes_per_token);
}

std::string manifest_fault(const CorpusManifest& manifest) {
    const bool printable = std::all_of(manifest.name.begin(), manifest.name.end(),
                                       [](char c) { return c >= ' ' && c <= '~'; });
    if (manifest.name.empty() || manifest.name.size() > 64 || !printable) {
        return "the name is not 1 to 64 printable ASCII characters";
    }
    if (manifest.vocab_size < kMinVocabSize || manifest.vocab_size > kMaxVocabSize) {
        return "vocabulary of " + std::to_string(manifest.vocab_size) + " is outside [" +
               std::to_string(kMinVocabSize) + ", " + std::to_string(kMaxVocabSize) + "]";
    }
    if (manifest.window_tokens < 2 || manifest.window_tokens > kMaxWindowTokens) {
        return "windows of " + std::to_string(manifest.window_tokens) + " tokens are outside [2, " +
               std::to_string(kMaxWindowTokens) + "]";
    }
    if (manifest.windows_per_shard < 1 || manifest.windows_per_shard > kMaxShardWindows) {
        return "shards of " + std::to_string(manifest.windows_per_shard) +
               " windows are outside [1, " + std::to_string(kMaxShardWindows) + "]";
    }
    const SplitTable& split = manifest.split;
    if (split.rule != kSplitByBlockHash) {
        return "split rule " + std::to_string(split.rule) + " is not known";
    }
    if (split.block_bytes < kMinBlockBytes || split.block_bytes > kMaxBlockBytes) {
        return "blocks of " + std::to_string(split.block_bytes) + " bytes are outside [" +
               std::to_string(kMinBlockBytes) + ", " + std::to_string(kMaxBlockBytes) + "]";
    }
    if (split.heldout_ppm < 1 || split.heldout_ppm > kMaxHeldoutPpm) {
        return "a held-out share of " + std::to_string(split.heldout_ppm) + " ppm is outside [1, " +
               std::to_string(kMaxHeldoutPpm) + "]";
    }
    return {};
}

Bytes encode_manifest(const CorpusManifest& manifest) {
    codec::Writer out;
    write_fields(out, manifest);
    const auto write_shards = [&](std::span<const ShardSummary> shards, std::uint32_t first) {
        out.count(shards.size());
        for (std::size_t i = 0; i < shards.size(); ++i) {
            COVENANT_ASSERT(shards[i].number == first + i, "shards are numbered in order");
            out.u32(shards[i].windows).fixed(shards[i].root);
        }
    };
    write_shards(manifest.shards, 0);
    write_shards(manifest.heldout_shards, kHeldoutShardBit);
    return out.take();
}

Result<CorpusManifest> decode_manifest(ByteView bytes) {
    if (bytes.size() > kMaxManifestBytes) {
        return malformed(std::to_string(bytes.size()) + " bytes, at most " +
                         std::to_string(kMaxManifestBytes) + " are allowed");
    }
    codec::Reader in(bytes);
    in.expect(as_bytes(kMagic));
    const std::uint16_t version = in.u16();
    if (in.ok() && version != kVersion) {
        return malformed("version " + std::to_string(version) + " is not known, expected " +
                         std::to_string(kVersion));
    }
    CorpusManifest manifest;
    manifest.name = in.text(64);
    manifest.source_hash = in.fixed<Hash256>();
    manifest.tokenizer_hash = in.fixed<Hash256>();
    manifest.vocab_size = in.u32();
    manifest.window_tokens = in.u32();
    manifest.windows_per_shard = in.u32();
    manifest.split.rule = in.u8();
    manifest.split.block_bytes = in.u32();
    manifest.split.heldout_ppm = in.u32();
    manifest.heldout_bytes = in.u64();
    manifest.heldout_tokens = in.u64();
    manifest.shards = read_shards(in, 0);
    manifest.heldout_shards = read_shards(in, kHeldoutShardBit);
    if (!in.finish()) {
        return malformed(std::string(codec::to_string(in.error())) + " at byte " +
                         std::to_string(in.position()));
    }
    if (std::string fault = manifest_fault(manifest); !fault.empty()) return malformed(fault);
    if (std::string fault = shards_fault(manifest.shards, manifest.windows_per_shard);
        !fault.empty()) {
        return malformed("training split: " + fault);
    }
    if (std::string fault = shards_fault(manifest.heldout_shards, manifest.windows_per_shard);
        !fault.empty()) {
        return malformed("held-out split: " + fault);
    }
    if (manifest.heldout_tokens == 0 || manifest.heldout_bytes == 0) {
        return malformed("the held-out split has no text");
    }
    return manifest;
}

codec::Json manifest_json(const CorpusManifest& manifest) {
    const auto shards_json = [](std::span<const ShardSummary> shards) {
        codec::Json list = codec::Json::array();
        for (const ShardSummary& shard : shards) {
            list.push(codec::Json::object()
                          .set("file", shard_path({}, shard.number).string())
                          .set("windows", shard.windows)
                          .set("root", to_0x(shard.root)));
        }
        return list;
    };
    codec::Json split = codec::Json::object();
    split.set("rule", "block-hash")
        .set("block_bytes", manifest.split.block_bytes)
        .set("heldout_ppm", manifest.split.heldout_ppm);
    codec::Json out = codec::Json::object();
    out.set("name", manifest.name)
        .set("dataset_root", to_0x(manifest.dataset_root()))
        .set("heldout_root", to_0x(manifest.heldout_root()))
        .set("training_root", to_0x(manifest.training_root()))
        .set("source_hash", to_0x(manifest.source_hash))
        .set("tokenizer_hash", to_0x(manifest.tokenizer_hash))
        .set("vocab_size", manifest.vocab_size)
        .set("window_tokens", manifest.window_tokens)
        .set("windows_per_shard", manifest.windows_per_shard)
        .set("windows", manifest.window_count())
        .set("heldout_windows", manifest.heldout_count())
        .set("heldout_bytes", manifest.heldout_bytes)
        .set("heldout_tokens", manifest.heldout_tokens)
        .set("heldout_bytes_per_token", manifest.bytes_per_token())
        .set("split", split)
        .set("shards", shards_json(manifest.shards))
        .set("heldout_shards", shards_json(manifest.heldout_shards));
    return out;
}

std::filesystem::path manifest_path(const std::filesystem::path& folder) {
    return folder / "manifest.bin";
}

std::filesystem::path tokenizer_path(const std::filesystem::path& folder) {
    return folder / "tokenizer.model";
}

std::filesystem::path shard_path(const std::filesystem::path& folder, std::uint32_t number) {
    const bool heldout = (number & kHeldoutShardBit) != 0;
    std::string digits = std::to_string(number & ~kHeldoutShardBit);
    if (digits.size() < 5) digits.insert(0, 5 - digits.size(), '0');
    return folder / ((heldout ? "heldout-" : "train-") + digits + ".npy");
}

}  // namespace covenant::data
