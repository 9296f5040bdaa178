// The artifact's bytes, and the other formats of strangers (R1, R4.4, R6.7, R7).
#include "common/protocol/artifact_format.hpp"

#include "common/base/counter_rng.hpp"
#include "common/protocol/audit.hpp"
#include "common/protocol/score.hpp"
#include "tests/support/protocol_fixture.hpp"
#include "tools/vectors/vectors.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <tuple>

namespace covenant::protocol {
namespace {

const std::vector<std::uint16_t> kLayout = {4096, 4096, 100, 1};

Outcome<Artifact> decode(ByteView bytes) {
    return decode_artifact(bytes, sample_spec(), kLayout);
}

Verdict verdict_of(const Artifact& artifact) {
    const auto decoded = decode(encode_artifact(artifact));
    return decoded ? Verdict::kAccept : decoded.error();
}

TEST(ArtifactFormat, RoundTrips) {
    const Artifact artifact = vectors::sample_artifact(kLayout);
    const Bytes bytes = encode_artifact(artifact);
    const auto decoded = decode(bytes);
    ASSERT_TRUE(decoded.has_value()) << to_string(decoded.error());
    EXPECT_EQ(*decoded, artifact);
    EXPECT_EQ(encode_artifact(*decoded), bytes);
    const Bytes payload = encode_payload(artifact.update);
    // As the table in artifact_format.hpp has it; the hardware class has nine bytes.
    EXPECT_EQ(bytes.size(), 84U + 7 * 148 + 106 + 32 + 4 + payload.size());
    EXPECT_TRUE(std::equal(payload.rbegin(), payload.rend(), bytes.rbegin()));
}

// Long chunks: the widest steps of levels, words of all sizes, gaps far apart.
void lengthen(SparseUpdate& update) {
    CounterRng rng(3);
    for (std::size_t i = 0; i < update.chunk_count(); ++i) {
        const MutableSparseView chunk = update.chunk(i);
        std::ranges::fill(chunk.levels, std::uint8_t{0});
        chunk.levels.back() = kMaxLevel;
        for (std::uint8_t& code : chunk.codes)
            code = static_cast<std::uint8_t>(rng.below(2) * (chunk.levels.size() - 1));
        std::uint64_t next = 0;
        for (std::size_t v = 0; v < chunk.indices.size(); ++v) {
            const std::uint64_t spare = kLayout[i] - next - (chunk.indices.size() - v);
            next += rng.below(std::min<std::uint64_t>(spare, std::uint64_t{1} << rng.below(8)) + 1);
            chunk.indices[v] = static_cast<std::uint16_t>(next++);
        }
    }
}

TEST(ArtifactFormat, NoArtifactIsAboveTheLimit) {
    Artifact artifact = vectors::sample_artifact(kLayout);
    lengthen(artifact.update);
    Bytes bytes = encode_artifact(artifact);
    const std::uint64_t limit = max_artifact_bytes(sample_spec(), artifact.round, kLayout);
    EXPECT_LE(bytes.size(), limit);
    // The limit is near: a quarter of it at most stays free.
    EXPECT_GT(4 * bytes.size(), 3 * limit);
    EXPECT_EQ(decode(bytes), artifact);
    for (const std::uint64_t size : {limit, limit + 1}) {
        bytes.resize(size);
        EXPECT_EQ(decode(bytes).error(), Verdict::kMalformed);
    }
}

// As the sample, at the density and the code of another round.
Artifact sparse_as(const Sparsity& sparsity, Round round) {
    Artifact artifact = vectors::sample_artifact(kLayout);
    artifact.round = round;
    artifact.feedback.kept_per_chunk = sparsity.keep;
    artifact.update = SparseUpdate(sparsity, kLayout);
    for (std::size_t i = 0; i < kLayout.size(); ++i) {
        const MutableSparseView chunk = artifact.update.chunk(i);
        for (std::size_t at = 0; at < chunk.indices.size(); ++at)
            chunk.indices[at] = static_cast<std::uint16_t>(at);
        chunk.levels.back() = 200;
        std::ranges::fill(chunk.codes, static_cast<std::uint8_t>(chunk.levels.size() - 1));
    }
    return artifact;
}

TEST(ArtifactFormat, TheRoundHasItsDensity) {
    const RunSpec spec = sample_spec();
    for (const std::uint64_t round : {0U, 1U, 99U, 100U, 101U, 1'000'000U}) {
        const std::uint16_t k = round < 100 ? 64 : 32;
        ASSERT_EQ(spec.sparsity(Round(round)).keep, k);
        const Artifact good = sparse_as({.keep = k, .code_bits = 2}, Round(round));
        const auto decoded = decode(encode_artifact(good));
        ASSERT_TRUE(decoded.has_value()) << to_string(decoded.error());
        EXPECT_EQ(*decoded, good);
        // The other point's, declared or not.
        const std::uint16_t other = k == 64 ? 32 : 64;
        Artifact bad = sparse_as({.keep = other, .code_bits = 2}, Round(round));
        EXPECT_EQ(verdict_of(bad), Verdict::kMalformed) << round;
        bad.feedback.kept_per_chunk = k;
        EXPECT_EQ(verdict_of(bad), Verdict::kMalformed) << round;
        bad = good;
        bad.feedback.kept_per_chunk = other;
        EXPECT_EQ(verdict_of(bad), Verdict::kMalformed) << round;
        // The same bytes, said to be of a round of the other density.
        bad = good;
        bad.round = Round(k == 64 ? 100 : 99);
        EXPECT_EQ(verdict_of(bad), Verdict::kMalformed) << round;
    }
    EXPECT_GT(max_artifact_bytes(spec, Round(99), kLayout),
              max_artifact_bytes(spec, Round(100), kLayout));
    Artifact longest = sparse_as({.keep = 32, .code_bits = 2}, Round(100));
    lengthen(longest.update);
    const Bytes bytes = encode_artifact(longest);
    EXPECT_LE(bytes.size(), max_artifact_bytes(spec, Round(100), kLayout));
    EXPECT_EQ(decode(bytes), longest);
}

TEST(ArtifactFormat, EveryNumberOfCodeBitsRoundTripsAndNoOtherDecodes) {
    for (const std::uint8_t code_bits : Bytes{1, 2, 3, 4}) {
        RunSpec spec = sample_spec();
        spec.outer.code_bits = code_bits;
        const Artifact artifact = sparse_as({.keep = 64, .code_bits = code_bits}, Round(3));
        const Bytes bytes = encode_artifact(artifact);
        EXPECT_EQ(decode_artifact(bytes, spec, kLayout), artifact);
        for (const std::uint8_t other : Bytes{1, 2, 3, 4}) {
            spec.outer.code_bits = other;
            const auto decoded = decode_artifact(bytes, spec, kLayout);
            EXPECT_EQ(decoded.has_value(), other == code_bits) << int{code_bits} << int{other};
        }
    }
}

TEST(ArtifactFormat, NoFlippedBitPassesAsTheSame) {
    const Artifact artifact = vectors::sample_artifact(kLayout);
    const Bytes bytes = encode_artifact(artifact);
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        Bytes changed = bytes;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
        const auto decoded = decode(changed);
        if (!decoded) {
            ++refused;
            continue;
        }
        ASSERT_NE(*decoded, artifact) << bit;
        ASSERT_EQ(encode_artifact(*decoded), changed) << bit;
    }
    EXPECT_GT(refused, 300U);
}

TEST(ArtifactFormat, EveryPrefixIsMalformed) {
    const Bytes bytes = encode_artifact(vectors::sample_artifact(kLayout));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto decoded = decode(ByteView(bytes).first(size));
        ASSERT_FALSE(decoded.has_value()) << size;
        ASSERT_EQ(decoded.error(), Verdict::kMalformed) << size;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_EQ(decode(longer).error(), Verdict::kMalformed);
    longer.resize(bytes.size() + 4096);
    EXPECT_EQ(decode(longer).error(), Verdict::kMalformed);
}

// The first `count` chunks; those behind the last are of one element.
SparseUpdate resized(const SparseUpdate& update, std::size_t count) {
    std::vector<std::uint16_t> layout = kLayout;
    layout.resize(count, 1);
    SparseUpdate out(update.sparsity(), layout);
    for (std::size_t i = 0; i < std::min(count, update.chunk_count()); ++i) {
        std::ranges::copy(update.chunk(i).levels, out.chunk(i).levels.begin());
        std::ranges::copy(update.chunk(i).indices, out.chunk(i).indices.begin());
        std::ranges::copy(update.chunk(i).codes, out.chunk(i).codes.begin());
    }
    return out;
}

TEST(ArtifactFormat, RefusesWhatHasASecondEncodingOrIsNoNumber) {
    const std::uint32_t nan = 0x7fc00000;
    using Change = std::function<void(Artifact&)>;
    const std::vector<std::tuple<const char*, Verdict, Change>> cases = {
        {"second of equal levels", Verdict::kNotCanonical,
         [](Artifact& a) { a.update.chunk(1).codes[5] = 1; }},
        {"minus the second of equal levels", Verdict::kNotCanonical,
         [](Artifact& a) { a.update.chunk(1).codes[63] = kCodeNegative | 1; }},
        {"loss NaN", Verdict::kNotFinite, [=](Artifact& a) { a.trace[3].loss_bits = nan; }},
        {"loss at the start", Verdict::kMalformed, [](Artifact& a) { a.trace[0].loss_bits = 1; }},
        {"windows at the start", Verdict::kMalformed,
         [](Artifact& a) { a.trace[0].window_root = filled_hash(1); }},
        {"norm NaN", Verdict::kNotFinite,
         [](Artifact& a) { a.feedback.norm_bits = ~std::uint64_t{0} >> 1; }},
        {"norm -0", Verdict::kNotCanonical,
         [](Artifact& a) { a.feedback.norm_bits = std::uint64_t{1} << 63; }},
        {"norm negative", Verdict::kMalformed,
         [](Artifact& a) { a.feedback.norm_bits = std::bit_cast<std::uint64_t>(-1.0); }},
        {"another k", Verdict::kMalformed, [](Artifact& a) { a.feedback.kept_per_chunk = 63; }},
        {"a record less", Verdict::kMalformed, [](Artifact& a) { a.trace.pop_back(); }},
        {"a record more", Verdict::kMalformed,
         [](Artifact& a) { a.trace.push_back(a.trace.back()); }},
        {"a chunk less", Verdict::kMalformed,
         [](Artifact& a) { a.update = resized(a.update, kLayout.size() - 1); }},
        {"a chunk more", Verdict::kMalformed,
         [](Artifact& a) { a.update = resized(a.update, kLayout.size() + 1); }},
        {"an index outside its chunk", Verdict::kMalformed,
         [](Artifact& a) { a.update.chunk(2).indices.back() = 100; }},
        {"zero levels", Verdict::kAccept,
         [](Artifact& a) { a.update.chunk(1).codes[0] = kCodeNegative; }},
        {"one level for all", Verdict::kAccept,
         [](Artifact& a) {
             std::ranges::fill(a.update.chunk(0).levels, std::uint8_t{9});
             std::ranges::fill(a.update.chunk(0).codes, std::uint8_t{0});
         }},
    };
    for (const auto& [what, expected, change] : cases) {
        Artifact artifact = vectors::sample_artifact(kLayout);
        change(artifact);
        EXPECT_EQ(verdict_of(artifact), expected) << what;
    }
}

TEST(ArtifactFormat, OtherVersionsAndMagicsAreRefused) {
    const Bytes bytes = encode_artifact(vectors::sample_artifact(kLayout));
    Bytes changed = bytes;
    for (const std::uint8_t version : Bytes{0, 1, 2, 3, 4, 6, 255}) {
        changed[4] = version;
        EXPECT_EQ(decode(changed).error(), Verdict::kUnsupportedVersion);
    }
    changed[0] = 'X';
    EXPECT_EQ(decode(changed).error(), Verdict::kMalformed);
}

TEST(CommitmentRoot, DependsOnEveryPartAndOnWhoseItIs) {
    const Artifact a = vectors::sample_artifact(kLayout);
    const TraceContext context{.run = a.run, .miner = Uid(1), .round = a.round};
    const Hash256 root = commitment_root(context, a.trace, a.feedback, a.profile_id);
    TraceContext other = context;
    other.miner = Uid(2);
    EXPECT_NE(commitment_root(other, a.trace, a.feedback, a.profile_id), root)
        << "a copied artifact";
    other = context;
    other.round = other.round.next();
    EXPECT_NE(commitment_root(other, a.trace, a.feedback, a.profile_id), root);
    Artifact changed = a;
    std::swap(changed.trace[1], changed.trace[2]);
    EXPECT_NE(commitment_root(context, changed.trace, a.feedback, a.profile_id), root);
    changed = a;
    changed.feedback.sum_root.bytes[0] ^= 1;
    EXPECT_NE(commitment_root(context, a.trace, changed.feedback, a.profile_id), root);
    changed = a;
    changed.profile_id.bytes[0] ^= 1;
    EXPECT_NE(commitment_root(context, a.trace, a.feedback, changed.profile_id), root);
    changed = a;
    changed.trace[4].adam_t += 1;
    EXPECT_NE(commitment_root(context, changed.trace, a.feedback, a.profile_id), root);
}

TEST(CommitmentFormat, RoundTripsAndRefusesTheRest) {
    Network net;
    const SignedCommitment value = net.signed_by(Uid(0), net.commitment(0, Uid(0))).commitment;
    Bytes bytes = encode_signed_commitment(value);
    EXPECT_EQ(decode_signed_commitment(bytes), value);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(decode_signed_commitment(ByteView(bytes).first(size)).error(),
                  Verdict::kMalformed);
    }
    bytes.push_back(0);
    EXPECT_EQ(decode_signed_commitment(bytes).error(), Verdict::kMalformed);
    bytes[0] = 9;
    EXPECT_EQ(decode_signed_commitment(bytes).error(), Verdict::kUnsupportedVersion);
}

TEST(EvidenceFormat, RoundTripsAndRefusesTheRest) {
    Evidence evidence{.run = filled_hash(1),
                      .round = Round(9),
                      .miner = Uid(2),
                      .verdict = Verdict::kSegmentMismatch,
                      .segment = Segment(3),
                      .chunk = 7,
                      .claimed = filled_hash(2),
                      .recomputed = filled_hash(3),
                      .opening = filled_hash(4)};
    for (const Verdict verdict :
         {Verdict::kSegmentMismatch, Verdict::kWindowMismatch, Verdict::kChunkMismatch,
          Verdict::kOpeningMissing, Verdict::kOpeningMismatch, Verdict::kUnavailable,
          Verdict::kHashMismatch, Verdict::kDecryptFailed, Verdict::kHeaderMismatch,
          Verdict::kCommitmentMismatch, Verdict::kBrokenContinuity, Verdict::kNormOutOfBounds,
          Verdict::kLossGate, Verdict::kWrongProfile}) {
        evidence.verdict = verdict;
        EXPECT_EQ(decode_evidence(encode_evidence(evidence)), evidence);
    }
    Bytes bytes = encode_evidence(evidence);
    EXPECT_EQ(decode_evidence(ByteView(bytes).first(bytes.size() - 1)).error(),
              Verdict::kMalformed);
    bytes[0] = 2;
    EXPECT_EQ(decode_evidence(bytes).error(), Verdict::kUnsupportedVersion);
    for (const Verdict verdict :
         {Verdict::kAccept, Verdict::kMalformed, static_cast<Verdict>(55)}) {
        evidence.verdict = verdict;
        EXPECT_EQ(decode_evidence(encode_evidence(evidence)).error(), Verdict::kMalformed);
    }
}

TEST(RatingsFormat, RoundTripsAndRefusesTheRest) {
    std::map<Uid, Rating> ratings;
    EXPECT_EQ(decode_ratings(encode_ratings(ratings)), ratings);
    ratings[Uid(3)] = {};
    ratings[Uid(200)] = {.mu = 27.5, .sigma = 3.25};
    const Bytes bytes = encode_ratings(ratings);
    EXPECT_EQ(decode_ratings(bytes), ratings);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(decode_ratings(ByteView(bytes).first(size)).error(), Verdict::kMalformed);
    }
    Bytes changed = bytes;
    changed[6] = 201;  // the first uid, now above the second
    EXPECT_EQ(decode_ratings(changed).error(), Verdict::kNotCanonical);
    changed = bytes;
    changed[7] = 1;  // uid 259
    EXPECT_EQ(decode_ratings(changed).error(), Verdict::kMalformed);
    changed = bytes;
    changed[0] = 1;
    EXPECT_EQ(decode_ratings(changed).error(), Verdict::kUnsupportedVersion);
    ratings[Uid(3)].sigma = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(decode_ratings(encode_ratings(ratings)).error(), Verdict::kNotFinite);
}

}  // namespace
}  // namespace covenant::protocol
