#include "common/store/sealed_artifact.hpp"

#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"

namespace covenant::store {

using protocol::Verdict;

SealedArtifact seal_artifact(ByteView plaintext) {
    SealedArtifact sealed;
    sealed.key = crypto::new_stream_key();
    sealed.ciphertext = crypto::stream_encrypt(plaintext, sealed.key);
    sealed.ciphertext_hash = crypto::sha256(sealed.ciphertext);
    sealed.key_hash = crypto::sha256(sealed.key.view());
    return sealed;
}

namespace {

// The object, or the verdict on whoever should have put it there.
Result<protocol::Outcome<Bytes>> fetch(ArtifactStore& store, const Hash256& address,
                                       std::uint64_t max_bytes) {
    auto object = store.get(address, max_bytes);
    if (object) {
        return protocol::Outcome<Bytes>(std::move(*object));
    }
    switch (object.error().code) {
        case Errc::kNotFound:
            return protocol::Outcome<Bytes>(protocol::refuse(Verdict::kUnavailable));
        case Errc::kCorrupt:
            return protocol::Outcome<Bytes>(protocol::refuse(Verdict::kHashMismatch));
        case Errc::kRejected:  // longer than what was signed can be
            return protocol::Outcome<Bytes>(protocol::refuse(Verdict::kMalformed));
        default:
            return fail(std::move(object).error());
    }
}

// The bytes of the longest ciphertext that the run allows.
std::uint64_t most_ciphertext_bytes(const protocol::Commitment& commitment,
                                    const protocol::RunSpec& spec,
                                    std::span<const std::uint16_t> chunk_elements) {
    return crypto::stream_ciphertext_size(
        protocol::max_artifact_bytes(spec, commitment.round, chunk_elements));
}

Verdict check_header(const protocol::Artifact& artifact, const protocol::Commitment& commitment) {
    const bool same = artifact.run == commitment.run && artifact.round == commitment.round &&
                      artifact.uid == commitment.uid && artifact.base_root == commitment.base_root;
    return same ? Verdict::kAccept : Verdict::kHeaderMismatch;
}

}  // namespace

Result<protocol::Outcome<Bytes>> fetch_ciphertext(ArtifactStore& store,
                                                  const protocol::Commitment& commitment,
                                                  const protocol::RunSpec& spec,
                                                  std::span<const std::uint16_t> chunk_elements) {
    const std::uint64_t limit = most_ciphertext_bytes(commitment, spec, chunk_elements);
    if (commitment.size > limit) {
        return protocol::Outcome<Bytes>(protocol::refuse(Verdict::kMalformed));
    }
    COVENANT_TRY(auto ciphertext, fetch(store, commitment.ciphertext_hash, limit));
    if (ciphertext && ciphertext->size() != commitment.size) {
        return protocol::Outcome<Bytes>(protocol::refuse(Verdict::kHashMismatch));
    }
    return ciphertext;
}

FetchedArtifact open_artifact(ByteView ciphertext, const protocol::Commitment& commitment,
                              const crypto::StreamKey& key, const protocol::RunSpec& spec,
                              std::span<const std::uint16_t> chunk_elements) {
    FetchedArtifact out;
    const auto judged = [&out](Verdict verdict) {
        out.verdict = verdict;
        return out;
    };
    const auto plaintext = crypto::stream_decrypt(ciphertext, key);
    if (!plaintext) {
        return judged(Verdict::kDecryptFailed);
    }
    out.plaintext_bytes = plaintext->size();
    auto artifact = protocol::decode_artifact(*plaintext, spec, chunk_elements);
    if (!artifact) {
        return judged(artifact.error());
    }
    if (const Verdict verdict = check_header(*artifact, commitment); verdict != Verdict::kAccept) {
        return judged(verdict);
    }
    const protocol::TraceContext context{commitment.run, commitment.uid, commitment.round};
    const bool committed =
        protocol::commitment_root(context, artifact->trace, artifact->feedback,
                                  artifact->profile_id) == commitment.root &&
        protocol::payload_root(artifact->update) == artifact->feedback.payload_root;
    if (!committed) {
        return judged(Verdict::kCommitmentMismatch);
    }
    out.artifact = std::move(*artifact);
    return out;
}

Result<FetchedArtifact> fetch_artifact(ArtifactStore& store, const protocol::Commitment& commitment,
                                       const crypto::StreamKey& key, const protocol::RunSpec& spec,
                                       std::span<const std::uint16_t> chunk_elements) {
    COVENANT_TRY(const auto ciphertext, fetch_ciphertext(store, commitment, spec, chunk_elements));
    if (!ciphertext) {
        return FetchedArtifact{ciphertext.error(), {}, 0};
    }
    return open_artifact(*ciphertext, commitment, key, spec, chunk_elements);
}

Status check_copy(ArtifactStore& store, std::string_view part, const Hash256& object,
                  std::uint64_t most_bytes) {
    auto copy = store.get(object, most_bytes);
    if (copy) return {};
    Error error = std::move(copy).error();
    if (error.code == Errc::kRejected) error.code = Errc::kCorrupt;
    const std::string where = error.code == Errc::kNotFound  ? " is not here"
                              : error.code == Errc::kCorrupt ? " is not whole"
                                                             : "";
    return fail(std::move(error).within("the artifact's " + std::string(part) + where));
}

Status check_ciphertext(ArtifactStore& store, const protocol::Commitment& commitment,
                        const protocol::RunSpec& spec,
                        std::span<const std::uint16_t> chunk_elements) {
    // The hash decides, so an object may be longer than the rules allow.
    const std::uint64_t most_bytes = 2 * most_ciphertext_bytes(commitment, spec, chunk_elements);
    return check_copy(store, "ciphertext", commitment.ciphertext_hash, most_bytes);
}

namespace {

std::string slot_name(const protocol::RunId& run, protocol::Round round, protocol::Uid uid) {
    return to_hex(run.view()) + "/" + std::to_string(round.value) + "/" +
           std::to_string(uid.value) + "/";
}

}  // namespace

std::string state_opening_name(const protocol::RunId& run, protocol::Round round, protocol::Uid uid,
                               protocol::Segment segment) {
    return slot_name(run, round, uid) + "segment-" + std::to_string(segment.value);
}

std::string chunk_opening_name(const protocol::RunId& run, protocol::Round round, protocol::Uid uid,
                               const Hash256& sigma) {
    return slot_name(run, round, uid) + "chunks-" + to_hex(sigma.view());
}

std::string checkpoint_name(const protocol::RunId& run, const Hash256& parameters_root) {
    return to_hex(run.view()) + "/checkpoint/" + to_hex(parameters_root.view());
}

}  // namespace covenant::store
