// An artifact on its way through the store, and the names under which openings and checkpoints are
// found. Its key is not here: it is shown on chain.
#pragma once

#include "common/base/result.hpp"
#include "common/crypto/stream_cipher.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/commitment.hpp"
#include "common/store/artifact_store.hpp"

#include <span>
#include <string>

namespace covenant::store {

struct SealedArtifact {
    Bytes ciphertext;
    crypto::StreamKey key;
    Hash256 ciphertext_hash;  // address of the ciphertext
    Hash256 key_hash;
};

// Encrypts under a fresh key.
SealedArtifact seal_artifact(ByteView plaintext);

// What became of a committed artifact. `verdict` judges the miner; a Result error is trouble of our
// own.
struct FetchedArtifact {
    protocol::Verdict verdict = protocol::Verdict::kAccept;
    protocol::Artifact artifact;  // valid when the verdict is kAccept
    std::uint64_t plaintext_bytes = 0;
};

// The committed ciphertext, or the verdict on whoever should have put it there: kUnavailable (which
// may still change), kHashMismatch, kMalformed.
Result<protocol::Outcome<Bytes>> fetch_ciphertext(ArtifactStore& store,
                                                  const protocol::Commitment& commitment,
                                                  const protocol::RunSpec& spec,
                                                  std::span<const std::uint16_t> chunk_elements);
// Decrypts it, decodes canonically, and compares header and commitment root with what was signed
// (R6.3 to R6.5).
FetchedArtifact open_artifact(ByteView ciphertext, const protocol::Commitment& commitment,
                              const crypto::StreamKey& key, const protocol::RunSpec& spec,
                              std::span<const std::uint16_t> chunk_elements);

// Both. Fetches the ciphertext, checks hash and size, decrypts, decodes canonically, and compares
// header and commitment root with what was signed (R6.1 to R6.5). kUnavailable as a verdict may
// still change before the vote closes.
Result<FetchedArtifact> fetch_artifact(ArtifactStore& store, const protocol::Commitment& commitment,
                                       const crypto::StreamKey& key, const protocol::RunSpec& spec,
                                       std::span<const std::uint16_t> chunk_elements);

// Whether this part ("ciphertext") of a committed artifact lies whole in this store. kNotFound: it
// is not here. kCorrupt: the bytes that are here are not those that were committed, or more than
// most_bytes, which are not read.
Status check_copy(ArtifactStore& store, std::string_view part, const Hash256& object,
                  std::uint64_t most_bytes);

// check_copy of the committed ciphertext. What it finds says nothing about the miner. An object of
// more than twice the run's largest is kCorrupt unread.
Status check_ciphertext(ArtifactStore& store, const protocol::Commitment& commitment,
                        const protocol::RunSpec& spec,
                        std::span<const std::uint16_t> chunk_elements);

// Names in the store; see ArtifactStore::publish.
std::string state_opening_name(const protocol::RunId& run, protocol::Round round, protocol::Uid uid,
                               protocol::Segment segment);
// Which chunks are drawn depends on the beacon, and a name keeps its first object.
std::string chunk_opening_name(const protocol::RunId& run, protocol::Round round, protocol::Uid uid,
                               const Hash256& sigma);
std::string checkpoint_name(const protocol::RunId& run, const Hash256& parameters_root);

}  // namespace covenant::store
