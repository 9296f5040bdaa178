// Every verdict that fetching a committed artifact can end with.
#include "common/store/sealed_artifact.hpp"

#include "common/base/level.hpp"
#include "common/crypto/sha256.hpp"
#include "common/store/file_store.hpp"
#include "common/store/memory_store.hpp"
#include "tests/support/temp_folder.hpp"
#include "tools/vectors/samples.hpp"

#include <algorithm>
#include <filesystem>
#include <numeric>

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace covenant::store {
namespace {

using protocol::Verdict;

class SealedArtifactTest : public ::testing::Test {
  protected:
    SealedArtifactTest() {
        artifact.run = vectors::filled_hash(1);
        artifact.round = protocol::Round(3);
        artifact.uid = protocol::Uid(2);
        artifact.base_root = vectors::filled_hash(2);
        artifact.trace.resize(spec.segments() + std::size_t{1});
        artifact.profile_id = protocol::profile_id(spec.profile);
        fill();
        seal();
    }
    // The update at the density of the artifact's round.
    void fill() {
        artifact.update = SparseUpdate(spec.sparsity(artifact.round), elements);
        for (std::size_t at = 0; at < elements.size(); ++at) {
            const MutableSparseView chunk = artifact.update.chunk(at);
            chunk.levels.back() = nearest_level(1.0F);
            std::iota(chunk.indices.begin(), chunk.indices.end(), std::uint16_t{0});
            std::ranges::fill(chunk.codes, std::uint8_t{1});
        }
        artifact.feedback.kept_per_chunk = artifact.update.sparsity().keep;
    }
    // Stores and commits what the artifact says now.
    void seal() {
        artifact.feedback.payload_root = protocol::payload_root(artifact.update);
        seal_bytes(protocol::encode_artifact(artifact));
        commitment.run = artifact.run;
        commitment.round = artifact.round;
        commitment.uid = artifact.uid;
        commitment.base_root = artifact.base_root;
        commitment.root =
            protocol::commitment_root({artifact.run, artifact.uid, artifact.round}, artifact.trace,
                                      artifact.feedback, artifact.profile_id);
    }
    void seal_bytes(ByteView plaintext) {
        const SealedArtifact sealed = seal_artifact(plaintext);
        EXPECT_EQ(sealed.ciphertext_hash, crypto::sha256(sealed.ciphertext));
        EXPECT_EQ(sealed.key_hash, crypto::sha256(sealed.key.view()));
        EXPECT_EQ(store.put(sealed.ciphertext).value(), sealed.ciphertext_hash);
        key = sealed.key;
        commitment.ciphertext_hash = sealed.ciphertext_hash;
        commitment.key_hash = sealed.key_hash;
        commitment.size = sealed.ciphertext.size();
    }
    FetchedArtifact fetch() {
        return fetch_artifact(store, commitment, key, spec, elements).value();
    }
    void expect(Verdict verdict) {
        EXPECT_EQ(protocol::to_string(fetch().verdict), protocol::to_string(verdict));
    }

    protocol::RunSpec spec = vectors::sample_spec();
    std::vector<std::uint16_t> elements{4096, 100};
    crypto::StreamKey key;
    MemoryStore store;
    protocol::Artifact artifact;
    protocol::Commitment commitment;
};

TEST_F(SealedArtifactTest, OpensWhatWasCommitted) {
    const FetchedArtifact fetched = fetch();
    ASSERT_EQ(protocol::to_string(fetched.verdict), "accept");
    EXPECT_EQ(fetched.artifact, artifact);
    EXPECT_EQ(fetched.plaintext_bytes, protocol::encode_artifact(artifact).size());
}

TEST_F(SealedArtifactTest, EverySealHasItsOwnKey) {
    const Bytes text{1, 2, 3};
    EXPECT_NE(seal_artifact(text).key_hash, seal_artifact(text).key_hash);
}

TEST_F(SealedArtifactTest, MissingBytesAreUnavailable) {
    ASSERT_TRUE(store.erase(commitment.ciphertext_hash));
    expect(Verdict::kUnavailable);
}

// A FIFO must not hold the validators of a shared store, nor a folder end them.
TEST_F(SealedArtifactTest, SomethingElseInItsPlaceIsUnavailable) {
    const covenant::testing::TempFolder folder;
    const auto files = FileStore::open(folder.path()).value();
    const auto verdict = [&] {
        return protocol::to_string(
            fetch_artifact(*files, commitment, key, spec, elements).value().verdict);
    };
    const Hash256& object = commitment.ciphertext_hash;
    ASSERT_TRUE(files->put(store.get(object, std::uint64_t{1} << 30).value()));
    ASSERT_EQ(verdict(), "accept");
    const std::filesystem::path path = files->object_path(object);
    std::filesystem::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(verdict(), protocol::to_string(Verdict::kUnavailable));
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    EXPECT_EQ(verdict(), protocol::to_string(Verdict::kUnavailable));
    std::filesystem::remove(path);
    ASSERT_TRUE(files->put(store.get(object, std::uint64_t{1} << 30).value()));
    ASSERT_EQ(verdict(), "accept");
}

TEST_F(SealedArtifactTest, DamagedBytesMismatch) {
    ASSERT_TRUE(store.corrupt(commitment.ciphertext_hash));
    expect(Verdict::kHashMismatch);
}

TEST_F(SealedArtifactTest, AnotherSizeThanSigned) {
    commitment.size -= 1;
    expect(Verdict::kHashMismatch);
}

TEST_F(SealedArtifactTest, ASizeThatNoArtifactHasIsNotFetched) {
    commitment.size = std::uint64_t{1} << 60;
    expect(Verdict::kMalformed);
}

TEST_F(SealedArtifactTest, TheLimitAndTheUpdateAreThoseOfTheRound) {
    const std::uint64_t before = crypto::stream_ciphertext_size(
        protocol::max_artifact_bytes(spec, protocol::Round(99), elements));
    const std::uint64_t after = crypto::stream_ciphertext_size(
        protocol::max_artifact_bytes(spec, protocol::Round(100), elements));
    ASSERT_LT(after, before);
    artifact.round = protocol::Round(100);
    fill();
    EXPECT_EQ(artifact.feedback.kept_per_chunk, 32);
    seal();
    EXPECT_EQ(fetch().artifact, artifact);
    // An artifact of the earlier density fits its own limit only.
    artifact.round = protocol::Round(99);
    fill();
    seal();
    EXPECT_EQ(fetch().artifact, artifact);
    artifact.round = protocol::Round(100);
    seal();
    expect(Verdict::kMalformed);
    seal_bytes(Bytes(before, 0));
    commitment.size = before;
    expect(Verdict::kMalformed);
}

// Bytes that hash to what was committed but cannot be what they should be are the miner's doing.
TEST_F(SealedArtifactTest, ObjectsThatAreTooLongAreTheMinersFault) {
    const std::uint64_t limit = crypto::stream_ciphertext_size(
        protocol::max_artifact_bytes(spec, artifact.round, elements));
    commitment.ciphertext_hash = store.put(Bytes(limit + 1, 7)).value();
    expect(Verdict::kMalformed);
}

TEST_F(SealedArtifactTest, CopiesThatAreMissingOrDamagedHereAreToldApart) {
    const auto check = [this] { return check_ciphertext(store, commitment, spec, elements); };
    EXPECT_TRUE(check());
    ASSERT_TRUE(store.corrupt(commitment.ciphertext_hash));
    EXPECT_EQ(check().error().code, Errc::kCorrupt);
    EXPECT_THAT(check().error().context, ::testing::HasSubstr("ciphertext is not whole"));
    ASSERT_TRUE(store.erase(commitment.ciphertext_hash));
    EXPECT_EQ(check().error().code, Errc::kNotFound);
    EXPECT_THAT(check().error().context, ::testing::HasSubstr("ciphertext is not here"));
}

TEST_F(SealedArtifactTest, WholeCopiesOfBadObjectsAreNotDamagedHere) {
    const std::uint64_t limit = crypto::stream_ciphertext_size(
        protocol::max_artifact_bytes(spec, artifact.round, elements));
    commitment.ciphertext_hash = store.put(Bytes(limit + 1, 7)).value();
    EXPECT_TRUE(check_ciphertext(store, commitment, spec, elements));
    expect(Verdict::kMalformed);
}

TEST_F(SealedArtifactTest, AnotherKeyDoesNotOpenIt) {
    key.bytes[0] ^= 1;
    expect(Verdict::kDecryptFailed);
}

TEST_F(SealedArtifactTest, PlaintextThatIsNoArtifact) {
    seal_bytes(as_bytes("no artifact"));
    expect(Verdict::kMalformed);
    Bytes longer = protocol::encode_artifact(artifact);
    longer.push_back(0);
    seal_bytes(longer);
    EXPECT_NE(fetch().verdict, Verdict::kAccept);
}

TEST_F(SealedArtifactTest, AHeaderOfAnotherCommitment) {
    const protocol::Commitment good = commitment;
    commitment.run.bytes[0] ^= 1;
    expect(Verdict::kHeaderMismatch);
    commitment = good;
    commitment.round = protocol::Round(4);
    expect(Verdict::kHeaderMismatch);
    commitment = good;
    commitment.uid = protocol::Uid(3);
    expect(Verdict::kHeaderMismatch);
    commitment = good;
    commitment.base_root.bytes[0] ^= 1;
    expect(Verdict::kHeaderMismatch);
}

TEST_F(SealedArtifactTest, AnotherRoot) {
    commitment.root.bytes[0] ^= 1;
    expect(Verdict::kCommitmentMismatch);
}

// The number of the miner stands under every leaf of its commitment.
TEST_F(SealedArtifactTest, WhatAnotherMinerCommittedTo) {
    artifact.uid = protocol::Uid(3);
    seal_bytes(protocol::encode_artifact(artifact));
    commitment.uid = artifact.uid;
    expect(Verdict::kCommitmentMismatch);
}

TEST_F(SealedArtifactTest, APayloadThatIsNotTheCommittedOne) {
    const Hash256 root = commitment.root;
    artifact.update.chunk(0).codes.front() ^= kCodeNegative;
    seal_bytes(protocol::encode_artifact(artifact));
    commitment.root = root;
    expect(Verdict::kCommitmentMismatch);
}

TEST(StoreNames, AreDistinctAndValid) {
    const protocol::RunId run = vectors::filled_hash(1);
    const protocol::Round round(2);
    const protocol::Uid uid(3);
    const std::vector<std::string> names{
        state_opening_name(run, round, uid, protocol::Segment(0)),
        state_opening_name(run, round, uid, protocol::Segment(1)),
        chunk_opening_name(run, round, uid, vectors::filled_hash(4)),
        chunk_opening_name(run, round, uid, vectors::filled_hash(5)),
        checkpoint_name(run, vectors::filled_hash(6))};
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_TRUE(check_name(names[i])) << names[i];
        for (std::size_t j = 0; j < i; ++j)
            EXPECT_NE(names[i], names[j]);
    }
}

}  // namespace
}  // namespace covenant::store
