// What a data set consists of, and its roots. Canonical bytes, version 1, little-endian:
//
//   magic "CVDS" | u16 version = 1 | text name | source_hash 32 | tokenizer_hash 32 |
//   u32 vocab_size | u32 window_tokens | u32 windows_per_shard |
//   split table: u8 rule = 1, u32 block_bytes, u32 heldout_ppm |
//   u64 heldout_bytes | u64 heldout_tokens |
//   u32 count, training shards: u32 windows, root 32 | u32 count, held-out shards: the same
//
// Shard i has number i (held-out: kHeldoutShardBit + i). Every shard but the last of its list holds
// windows_per_shard windows; window index w of a split is window w mod windows_per_shard of shard
// w / windows_per_shard.
//   shard leaf    = SHA256(0x00 ‖ number u32 ‖ windows u32 ‖ shard root)
//   split root    = Merkle root over its shard leaves
//   heldout_root  = split root of the held-out shards
//   dataset_root  = H("dataset", the fields above up to heldout_tokens ‖ training split root ‖
//                   u64 training windows ‖ heldout_root ‖ u64 held-out windows)
//
// Split rule 1: documents are cut at line ends into blocks of at least block_bytes bytes (the last
// block of a document may be shorter); a block is held out when the first 8 bytes (LE) of
// H("corpus-split", block) modulo 10^6 are below heldout_ppm. Each block is tokenised on its own
// and cut into windows of T + 1 tokens that overlap by one, so each token is predicted once; a
// block's last tokens that fill no window are left out. The end token follows each document.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/codec/json.hpp"
#include "common/data/shard_writer.hpp"
#include "common/protocol/run_spec.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace covenant::data {

inline constexpr std::size_t kMaxManifestBytes = std::size_t{8} << 20;
inline constexpr std::uint8_t kSplitByBlockHash = 1;
inline constexpr std::uint32_t kMinBlockBytes = 256;
inline constexpr std::uint32_t kMaxBlockBytes = 1U << 30;
inline constexpr std::uint32_t kMaxHeldoutPpm = 500'000;

struct SplitTable {
    std::uint8_t rule = kSplitByBlockHash;
    std::uint32_t block_bytes = 0;  // kMinBlockBytes..kMaxBlockBytes
    std::uint32_t heldout_ppm = 0;  // 1..kMaxHeldoutPpm
    bool operator==(const SplitTable&) const = default;
};

struct CorpusManifest {
    std::string name;     // 1..64 printable ASCII characters
    Hash256 source_hash;  // H("corpus-source", list of the documents' bytes)
    Hash256 tokenizer_hash;
    std::uint32_t vocab_size = 0;
    std::uint32_t window_tokens = 0;  // T + 1
    std::uint32_t windows_per_shard = 0;
    SplitTable split;
    std::uint64_t heldout_bytes = 0;   // text of the held-out blocks
    std::uint64_t heldout_tokens = 0;  // their tokens
    std::vector<ShardSummary> shards;  // assignable
    std::vector<ShardSummary> heldout_shards;
    bool operator==(const CorpusManifest&) const = default;

    [[nodiscard]] std::uint64_t window_count() const;
    [[nodiscard]] std::uint64_t heldout_count() const;
    [[nodiscard]] double bytes_per_token() const;  // of the held-out split
    [[nodiscard]] Hash256 training_root() const;
    [[nodiscard]] Hash256 heldout_root() const;
    [[nodiscard]] Hash256 dataset_root() const;
    [[nodiscard]] protocol::DataSpec data_spec() const;
};

// The leaf of a shard in its split's tree.
Hash256 shard_leaf(const ShardSummary& shard);
// Which setting is out of range, with its value; empty when none is.
std::string manifest_fault(const CorpusManifest& manifest);

// Mean loss in nats a token, as bits a byte of text.
double bits_per_byte(double nats_per_token, double bytes_per_token);

Bytes encode_manifest(const CorpusManifest& manifest);
// Any input is safe. kMalformed with the reason.
Result<CorpusManifest> decode_manifest(ByteView bytes);
// For people: never read back.
codec::Json manifest_json(const CorpusManifest& manifest);

// Names inside a data folder.
std::filesystem::path manifest_path(const std::filesystem::path& folder);   // manifest.bin
std::filesystem::path tokenizer_path(const std::filesystem::path& folder);  // tokenizer.model
// train-00000.npy, heldout-00000.npy
std::filesystem::path shard_path(const std::filesystem::path& folder, std::uint32_t number);

}  // namespace covenant::data
