// The golden vectors from the reader's side: the committed files are what the generator writes, and
// what they say holds.
#include "tools/vectors/vectors.hpp"

#include "common/base/level.hpp"
#include "common/codec/json.hpp"
#include "common/crypto/merkle.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/audit.hpp"
#include "common/protocol/schedule.hpp"
#include "tests/support/protocol_fixture.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace covenant::protocol {
namespace {

using codec::Json;

std::string read(const std::string& name) {
    std::ifstream in(std::string(COVENANT_SOURCE_DIR) + "/tests/vectors/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

template <typename T>
T must(Result<T> result) {
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().context);
    return result ? std::move(*result) : T{};
}

std::vector<Json> cases(const std::string& name) {
    const Json file = must(Json::parse(read(name)));
    std::vector<Json> out = must(file.items("cases"));
    EXPECT_FALSE(out.empty()) << name;
    return out;
}

Bytes bytes_at(const Json& json, std::string_view key) {
    return must(json.bytes(key, std::size_t{1} << 20));
}
Hash256 hash_at(const Json& json, std::string_view key) {
    return must(json.fixed<Hash256>(key));
}
std::vector<std::uint64_t> numbers(const Json& json, std::string_view key) {
    std::vector<std::uint64_t> out;
    for (const Json& item : must(json.items(key)))
        out.push_back(must(item.as_u64()));
    return out;
}
std::vector<std::string> texts(const Json& json, std::string_view key) {
    std::vector<std::string> out;
    for (const Json& item : must(json.items(key)))
        out.push_back(must(item.as_string()));
    return out;
}
Amount amount(const std::string& decimal) {
    return Amount{must(from_decimal(decimal))};
}
UidSet uid_set(const std::string& hex) {
    const Hash256 word = must(fixed_from_hex<Hash256>(hex));
    UidSet out;
    for (std::size_t i = 0; i < kMaxUids; ++i) {
        if ((word.bytes[31 - i / 8] >> (i % 8) & 1) != 0) out.set(i);
    }
    return out;
}
UidSet uid_set_at(const Json& json, std::string_view key) {
    return uid_set(must(json.string(key)));
}

TEST(Vectors, TheCommittedFilesAreWhatTheGeneratorWrites) {
    for (const vectors::VectorFile& file : vectors::all_vectors()) {
        EXPECT_TRUE(read(file.name) == file.text)
            << "tests/vectors/" << file.name
            << " differs: run covenant-vectors tests/vectors and review the difference";
    }
}

TEST(Vectors, Merkle) {
    for (const Json& entry : cases("merkle.json")) {
        std::vector<Hash256> leaves;
        for (const std::string& hex : texts(entry, "leaves")) {
            leaves.push_back(crypto::merkle_leaf(must(from_hex(hex))));
        }
        const Hash256 root = hash_at(entry, "root");
        EXPECT_EQ(crypto::merkle_root(leaves), root);
        const std::vector<Json> proofs = must(entry.items("proofs"));
        ASSERT_EQ(proofs.size(), leaves.size());
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            std::vector<Hash256> proof;
            for (const Json& sibling : must(proofs[i].as_items())) {
                proof.push_back(must(fixed_from_hex<Hash256>(must(sibling.as_string()))));
            }
            EXPECT_TRUE(crypto::merkle_verify(root, leaves[i], i, leaves.size(), proof));
        }
    }
}

TEST(Vectors, RunSpec) {
    for (const Json& entry : cases("run_spec.json")) {
        const Bytes bytes = bytes_at(entry, "bytes");
        EXPECT_EQ(run_id(bytes), hash_at(entry, "runId"));
        const auto spec = decode_run_spec(bytes);
        ASSERT_TRUE(spec.has_value());
        EXPECT_EQ(encode_run_spec(*spec), bytes);
        const Json terms = must(entry.at("terms"));
        EXPECT_EQ(terms_of(*spec).emission_per_round,
                  amount(must(terms.string("emissionPerRound"))));
        EXPECT_EQ(terms_of(*spec).genesis_root, hash_at(terms, "genesisRoot"));
        EXPECT_EQ(terms_of(*spec).timing.score_reveal_seconds,
                  must(terms.u64("scoreRevealSeconds")));
    }
}

TEST(Vectors, Beacon) {
    const TimingSpec timing = sample_spec().timing;
    for (const Json& entry : cases("beacon.json")) {
        const BeaconSlot slot(must(entry.u64("slot")));
        EXPECT_EQ(beacon_sigma(hash_at(entry, "prevrandao"), slot), hash_at(entry, "sigma"));
        EXPECT_EQ(beacon_rho(hash_at(entry, "sigma"), Round(must(entry.u64("round")))),
                  hash_at(entry, "rho"));
        EXPECT_EQ(beacon_target(timing, slot).value, must(entry.u64("target")));
        EXPECT_EQ(beacon_deadline(timing, slot).value, must(entry.u64("deadline")));
    }
}

TEST(Vectors, Commitment) {
    for (const Json& entry : cases("commitment.json")) {
        const SigningDomain domain{.chain_id = must(entry.u64("chainId")),
                                   .round_manager = must(entry.fixed<Address>("roundManager"))};
        const auto decoded = decode_signed_commitment(bytes_at(entry, "encoded"));
        ASSERT_TRUE(decoded.has_value());
        const Commitment& c = decoded->commitment;
        EXPECT_EQ(c.run, hash_at(entry, "run"));
        EXPECT_EQ(c.round.value, must(entry.u64("round")));
        EXPECT_EQ(c.uid.value, must(entry.u64("id")));
        EXPECT_EQ(c.key_hash, hash_at(entry, "keyHash"));
        EXPECT_EQ(c.segments, must(entry.u64("segments")));
        EXPECT_EQ(commitment_digest(c, domain), hash_at(entry, "digest"));
        const auto key = crypto::SecretKey::from_bytes(bytes_at(entry, "key"));
        ASSERT_TRUE(key.has_value());
        EXPECT_EQ(key->address(), must(entry.fixed<Address>("hotkey")));
        EXPECT_EQ(verify_commitment(*decoded, domain, key->address()), Verdict::kAccept);
        EXPECT_EQ(verify_commitment(*decoded, domain, filled_address(1)), Verdict::kBadSignature);
    }
}

TEST(Vectors, ScoreCommitment) {
    for (const Json& entry : cases("score_commitment.json")) {
        std::vector<std::uint16_t> weights;
        for (const std::uint64_t w : numbers(entry, "weights"))
            weights.push_back(static_cast<std::uint16_t>(w));
        std::vector<Finding> findings;
        for (const Json& f : must(entry.items("findings"))) {
            findings.push_back(
                {.uid = Uid(static_cast<std::uint16_t>(must(f.u64("uid")))),
                 .verdict = static_cast<std::uint8_t>(must(f.u64("verdict"))),
                 .segment = Segment(static_cast<std::uint16_t>(must(f.u64("segment")))),
                 .evidence = hash_at(f, "evidence")});
        }
        EXPECT_EQ(score_commitment({.chain_id = must(entry.u64("chainId")), .round_manager = {}},
                                   must(entry.fixed<Address>("ledger")), hash_at(entry, "run"),
                                   Round(must(entry.u64("round"))),
                                   Uid(static_cast<std::uint16_t>(must(entry.u64("uid")))), weights,
                                   findings, hash_at(entry, "salt")),
                  hash_at(entry, "hash"));
    }
}

TEST(Vectors, Assignment) {
    const RunSpec spec = sample_spec();
    for (const Json& entry : cases("assignment.json")) {
        const std::vector<std::uint64_t> windows = numbers(entry, "windows");
        EXPECT_EQ(windows.size(), spec.windows_per_round());
        EXPECT_EQ(spec.data.window_count, must(entry.u64("windowCount")));
        const std::uint64_t rank = must(entry.u64("rank"));
        EXPECT_EQ(numbers(entry, "cursors").front(), rank * spec.windows_per_round());
        for (const std::uint64_t sampled : numbers(entry, "sampled")) {
            EXPECT_NE(std::find(windows.begin(), windows.end(), sampled), windows.end());
        }
        EXPECT_EQ(numbers(entry, "heldout").size(), spec.score.heldout_windows);
        EXPECT_EQ(numbers(entry, "monitor").size(), spec.score.monitor_windows);
    }
}

TEST(Vectors, Audit) {
    std::size_t drawn = 0;
    for (const Json& entry : cases("audit.json")) {
        std::vector<ValidatorStake> validators;
        const auto uids = numbers(entry, "validators");
        const auto stakes = texts(entry, "stakes");
        for (std::size_t i = 0; i < uids.size(); ++i) {
            validators.push_back({Uid(static_cast<std::uint16_t>(uids[i])), amount(stakes[i])});
        }
        const auto duty =
            audit_duty(sample_spec(), hash_at(entry, "sigma"), hash_at(entry, "root"),
                       Uid(static_cast<std::uint16_t>(must(entry.u64("miner")))), validators,
                       static_cast<std::uint32_t>(must(entry.u64("chunkCount"))));
        ASSERT_EQ(duty.has_value(), must(entry.boolean("drawn")));
        if (!duty) continue;
        ++drawn;
        EXPECT_EQ(duty->auditors.size(), numbers(entry, "auditors").size());
        EXPECT_EQ(duty->segments.front().value, numbers(entry, "segments").front());
        EXPECT_EQ(duty->chunks.size(), numbers(entry, "chunks").size());
    }
    EXPECT_GT(drawn, 0U);
}

Sparsity sparsity_at(const Json& entry) {
    return {.keep = static_cast<std::uint16_t>(must(entry.u64("keptPerChunk"))),
            .code_bits = static_cast<std::uint8_t>(must(entry.u64("codeBits")))};
}

void expect_chunk(const SparseView& chunk, const Json& decoded) {
    const auto indices = numbers(decoded, "indices");
    const auto values = must(decoded.items("values"));
    ASSERT_EQ(chunk.indices.size(), indices.size());
    ASSERT_EQ(chunk.indices.size(), values.size());
    for (std::size_t i = 0; i < indices.size(); ++i) {
        EXPECT_EQ(chunk.indices[i], indices[i]);
        const float level = level_value(chunk.levels[chunk.codes[i] & 0x7fU]);
        EXPECT_EQ(static_cast<double>((chunk.codes[i] & 0x80U) != 0 ? -level : level),
                  must(values[i].as_double()));
    }
}

TEST(Vectors, Artifact) {
    for (const Json& entry : cases("artifact.json")) {
        std::vector<std::uint16_t> layout;
        for (const std::uint64_t n : numbers(entry, "chunkElements"))
            layout.push_back(static_cast<std::uint16_t>(n));
        const Bytes bytes = bytes_at(entry, "bytes");
        const auto artifact = decode_artifact(bytes, sample_spec(), layout);
        ASSERT_TRUE(artifact.has_value());
        EXPECT_EQ(encode_artifact(*artifact), bytes);
        const TraceContext context{
            .run = artifact->run, .miner = artifact->uid, .round = artifact->round};
        EXPECT_EQ(artifact->uid.value, must(entry.u64("miner")));
        EXPECT_EQ(
            commitment_root(context, artifact->trace, artifact->feedback, artifact->profile_id),
            hash_at(entry, "commitmentRoot"));
        EXPECT_EQ(payload_root(artifact->update), hash_at(entry, "payloadRoot"));
        EXPECT_EQ(artifact->update.sparsity(), sparsity_at(entry));
        const std::vector<Json> decoded = must(entry.items("decoded"));
        ASSERT_EQ(artifact->update.chunk_count(), decoded.size());
        for (std::size_t i = 0; i < decoded.size(); ++i)
            expect_chunk(std::as_const(artifact->update).chunk(i), decoded[i]);
        EXPECT_EQ(profile_id(sample_spec().profile), hash_at(entry, "profileId"));
    }
}

TEST(Vectors, Payload) {
    std::set<std::uint64_t> code_bits;
    for (const Json& entry : cases("payload.json")) {
        code_bits.insert(must(entry.u64("codeBits")));
        ASSERT_TRUE(sparsity_at(entry).valid());
        const Bytes bytes = bytes_at(entry, "bytes");
        const auto elements = numbers(entry, "chunkElements");
        const std::vector<std::uint16_t> layout(elements.begin(), elements.end());
        const auto update = decode_payload(bytes, sparsity_at(entry), layout);
        ASSERT_TRUE(update.has_value());
        EXPECT_EQ(encode_payload(*update), bytes);
        EXPECT_EQ(payload_root(*update), hash_at(entry, "root"));
        const std::vector<Json> decoded = must(entry.items("decoded"));
        ASSERT_EQ(update->chunk_count(), decoded.size());
        for (std::size_t i = 0; i < decoded.size(); ++i)
            expect_chunk(std::as_const(*update).chunk(i), decoded[i]);
    }
    EXPECT_EQ(code_bits, (std::set<std::uint64_t>{1, 2, 3, 4}));
}

SettlementInput settlement_at(const Json& entry) {
    SettlementInput out;
    out.terms.emission_per_round = amount(must(entry.string("emission")));
    out.terms.miner_share_bps = static_cast<std::uint16_t>(must(entry.u64("minerShareBps")));
    out.terms.validator_share_bps =
        static_cast<std::uint16_t>(must(entry.u64("validatorShareBps")));
    out.seated = amount(must(entry.string("seated")));
    out.committed = uid_set_at(entry, "committed");
    out.included = uid_set_at(entry, "included");
    out.failed = uid_set_at(entry, "failed");
    for (const Json& member : must(entry.items("electorate"))) {
        Elector elector{.uid = Network::uid(must(member.u64("uid"))),
                        .stake = amount(must(member.string("stake")))};
        elector.voted = must(member.boolean("voted"));
        if (must(member.boolean("revealed"))) {
            elector.row.emplace();
            for (const std::uint64_t weight : numbers(member, "weights"))
                elector.row->push_back(static_cast<std::uint16_t>(weight));
        }
        out.electorate.push_back(std::move(elector));
    }
    return out;
}

TEST(Vectors, Settle) {
    for (const Json& entry : cases("settle.json")) {
        const Settlement s = settle(settlement_at(entry));
        const std::string name = must(entry.string("name"));
        EXPECT_EQ(s.miners, amount(must(entry.string("minersTotal")))) << name;
        EXPECT_EQ(s.validators, amount(must(entry.string("validatorsTotal")))) << name;
        EXPECT_EQ(s.treasury, amount(must(entry.string("treasury")))) << name;
        const auto credit_uids = numbers(entry, "creditUids");
        const auto credits = texts(entry, "credits");
        ASSERT_EQ(s.credits.size(), credit_uids.size()) << name;
        for (std::size_t i = 0; i < credit_uids.size(); ++i) {
            EXPECT_EQ(s.credits.at(Network::uid(credit_uids[i])), amount(credits[i])) << name;
        }
    }
}

}  // namespace
}  // namespace covenant::protocol
