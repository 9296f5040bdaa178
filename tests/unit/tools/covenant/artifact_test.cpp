#include "common/base/counter_rng.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"
#include "common/base/level.hpp"
#include "common/crypto/sha256.hpp"
#include "common/engine/compressor.hpp"
#include "common/engine/model_config.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/model_shape.hpp"
#include "common/store/file_store.hpp"
#include "common/store/sealed_artifact.hpp"
#include "tests/support/sample_run.hpp"
#include "tests/support/temp_folder.hpp"
#include "tools/covenant/commands/artifact_view.hpp"
#include "tools/covenant/commands/commands.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <sstream>

#include <gmock/gmock.h>

namespace covenant::commands {
namespace {

using codec::Json;
using node::ExitCode;
using ::testing::HasSubstr;

protocol::Artifact sample_artifact() {
    const protocol::RunSpec spec = sample::spec();
    protocol::Artifact out;
    out.run = sample::run();
    out.uid = sample::kAlice;
    out.base_root = spec.genesis_root;
    out.trace.resize(spec.segments() + 1);
    for (std::size_t i = 0; i < out.trace.size(); ++i) {
        out.trace[i].theta_root = vectors::filled_hash(static_cast<std::uint8_t>(i + 1));
        out.trace[i].adam_t = 2 * i;
        out.trace[i].loss_bits = i == 0 ? 0 : vectors::bits_of(4.0F);
    }
    out.feedback.norm_bits = std::bit_cast<std::uint64_t>(1.5);
    out.update = SparseUpdate(spec.sparsity(out.round), protocol::chunk_elements(spec.model));
    out.feedback.kept_per_chunk = out.update.sparsity().keep;
    out.profile_id = protocol::profile_id(spec.profile);
    for (std::size_t at = 0; at < out.update.chunk_count(); ++at) {
        const MutableSparseView chunk = out.update.chunk(at);
        chunk.levels[0] = nearest_level(0.25F);
        chunk.levels[1] = nearest_level(0.5F);
        for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
            chunk.indices[i] = static_cast<std::uint16_t>(i);
            chunk.codes[i] = static_cast<std::uint8_t>(i % 2 + (i % 4 < 2 ? 0 : kCodeNegative));
        }
    }
    out.feedback.payload_root = protocol::payload_root(out.update);
    return out;
}

class ArtifactTest : public ::testing::Test {
  protected:
    void SetUp() override {
        spec_file = (folder / "run.spec").string();
        ASSERT_TRUE(write_file_durably(spec_file, sample::spec_bytes()));
        plain = protocol::encode_artifact(sample_artifact());
        sealed = store::seal_artifact(plain);
        auto opened = store::FileStore::open(folder / "store");
        ASSERT_TRUE(opened);
        files = std::move(*opened);
        ASSERT_TRUE(files->put(sealed.ciphertext));
    }
    struct Ran {
        ExitCode code = ExitCode::kOk;
        std::string out;
        std::string err;
    };
    Ran run(std::vector<std::string> args) {
        node::CommandTree tree("covenant", "test", "covenant test");
        add_artifact_commands(tree, clock);
        args.insert(args.end(), {"--datadir", folder.path().string(), "--json"});
        std::ostringstream out;
        std::ostringstream err;
        Ran ran;
        ran.code = tree.run(args, out, err, [](const std::string&) { return std::nullopt; });
        ran.out = out.str();
        ran.err = err.str();
        return ran;
    }
    static Json data(const Ran& ran) { return Json::parse(ran.out)->at("data").value(); }
    [[nodiscard]] std::string key_hex() const { return to_hex(sealed.key.view()); }

    testing::TempFolder folder;
    SystemClock clock;
    std::string spec_file;
    Bytes plain;
    store::SealedArtifact sealed;
    std::unique_ptr<store::FileStore> files;
};

TEST_F(ArtifactTest, a_plaintext_file_is_decoded) {
    const auto path = folder / "artifact.bin";
    ASSERT_TRUE(write_file_durably(path, plain));
    const Ran ran = run({"artifact", "inspect", path.string()});
    ASSERT_EQ(ran.code, ExitCode::kOk) << ran.out;
    const Json json = data(ran);
    EXPECT_EQ(json.at("header")->u64("uid").value(), 0U);
    EXPECT_EQ(json.items("trace")->size(), sample::spec().segments() + 1);
    EXPECT_EQ(json.u64("wire_bytes").value(), plain.size());
    EXPECT_TRUE(json.at("ciphertext")->is_null());
}

TEST_F(ArtifactTest, a_chunk_is_shown_with_the_proofs_of_its_bytes) {
    const auto path = folder / "artifact.bin";
    ASSERT_TRUE(write_file_durably(path, plain));
    const protocol::Artifact artifact = sample_artifact();
    const std::size_t last = artifact.update.chunk_count() - 1;
    for (const std::size_t at : {std::size_t{0}, last}) {
        const Ran ran = run({"artifact", "inspect", path.string(), "--chunk", std::to_string(at)});
        ASSERT_EQ(ran.code, ExitCode::kOk) << ran.out;
        const Json chunk = data(ran).at("chunk").value();
        EXPECT_EQ(chunk.u64("index").value(), at);
        EXPECT_TRUE(chunk.boolean("proven").value());
        EXPECT_EQ(chunk.at("table")->u64("leaf").value(), 0U);
        const protocol::PayloadOpening opening =
            protocol::open_payload(artifact.update, std::array{static_cast<std::uint32_t>(at + 1)})
                .front();
        EXPECT_EQ(chunk.at("opening")->u64("leaf").value(), at + 1);
        EXPECT_EQ(chunk.at("opening")->u64("offset").value(), opening.offset);
        EXPECT_EQ(chunk.at("opening")->string("bytes").value(), to_0x(opening.bytes));
        EXPECT_EQ(chunk.at("opening")->items("proof")->size(), opening.proof.size());
        EXPECT_EQ(chunk.items("levels")->size(), 2U);
        EXPECT_EQ(chunk.items("indices")->size(), artifact.update.chunk(at).indices.size());
        EXPECT_EQ(chunk.items("values")->size(), artifact.update.chunk(at).indices.size());
    }
    EXPECT_FALSE(data(run({"artifact", "inspect", path.string()})).at("chunk").has_value());
    for (const std::string& bad : {std::to_string(last + 1), std::string("-1"), std::string("x")}) {
        EXPECT_EQ(run({"artifact", "inspect", path.string(), "--chunk", bad}).code,
                  ExitCode::kUsage);
    }
}

TEST_F(ArtifactTest, a_chunk_that_is_not_under_the_committed_root_is_named) {
    protocol::Artifact artifact = sample_artifact();
    artifact.feedback.payload_root.bytes[5] ^= 1;
    const auto path = folder / "other_root.bin";
    ASSERT_TRUE(write_file_durably(path, protocol::encode_artifact(artifact)));
    const Ran whole = run({"artifact", "inspect", path.string()});
    ASSERT_EQ(whole.code, ExitCode::kOk) << whole.out;
    EXPECT_FALSE(data(whole).at("payload")->boolean("root_is_committed").value());
    const Ran ran = run({"artifact", "inspect", path.string(), "--chunk", "0"});
    EXPECT_EQ(ran.code, ExitCode::kVerificationFailed);
    EXPECT_FALSE(data(ran).at("chunk")->boolean("proven").value());
}

TEST_F(ArtifactTest, a_ciphertext_of_the_store_opens_with_its_key) {
    const Ran ran = run({"artifact", "inspect", to_0x(sealed.ciphertext_hash), "--key", key_hex()});
    ASSERT_EQ(ran.code, ExitCode::kOk) << ran.out;
    EXPECT_EQ(data(ran).u64("wire_bytes").value(), sealed.ciphertext.size());
    EXPECT_EQ(data(ran).u64("plaintext_bytes").value(), plain.size());
    const auto key_file = folder / "key.bin";
    ASSERT_TRUE(write_file_durably(key_file, sealed.key.view()));
    EXPECT_EQ(
        run({"artifact", "inspect", to_0x(sealed.ciphertext_hash), "--key", key_file.string()})
            .code,
        ExitCode::kOk);
}

TEST_F(ArtifactTest, wrong_keys_and_addresses_are_refused) {
    const std::string hash = to_0x(sealed.ciphertext_hash);
    EXPECT_EQ(run({"artifact", "inspect", hash, "--key", std::string(64, '1')}).code,
              ExitCode::kVerificationFailed);
    EXPECT_EQ(run({"artifact", "inspect", hash, "--key", "12"}).code, ExitCode::kUsage);
    EXPECT_EQ(run({"artifact", "inspect", std::string(64, '7')}).code, ExitCode::kPrecondition);
    EXPECT_EQ(run({"artifact", "inspect", "no-such-file"}).code, ExitCode::kPrecondition);
}

TEST_F(ArtifactTest, bytes_that_break_the_format_are_named_by_their_verdict) {
    Bytes cut = plain;
    cut.pop_back();
    const auto path = folder / "cut.bin";
    ASSERT_TRUE(write_file_durably(path, cut));
    const Ran ran = run({"artifact", "inspect", path.string()});
    EXPECT_EQ(ran.code, ExitCode::kVerificationFailed);
    EXPECT_EQ(data(ran).string("verdict").value(), "malformed");
}

TEST_F(ArtifactTest, verify_compares_the_store_with_the_chain) {
    sample::write_index((folder / "index.sqlite").string());
    // The sample chain's commitments name objects that are not in the store.
    const Ran missing = run({"artifact", "verify", "--round", "0", "--hotkey", "0"});
    EXPECT_EQ(missing.code, ExitCode::kPrecondition) << missing.out;
    EXPECT_EQ(data(missing).string("verdict").value(), "unavailable");
    EXPECT_EQ(run({"artifact", "verify", "--round", "1", "--hotkey", "0"}).code,
              ExitCode::kPrecondition);
    const Ran listed = run({"artifact", "ls"});
    ASSERT_EQ(listed.code, ExitCode::kOk);
    ASSERT_EQ(data(listed).size(), 2U);
    EXPECT_FALSE(data(listed).at_index(0)->boolean("stored").value());
}

TEST_F(ArtifactTest, a_store_that_is_not_there_is_not_made) {
    const auto nowhere = folder / "nowhere";
    const Ran ran =
        run({"artifact", "inspect", to_0x(sealed.ciphertext_hash), "--store", nowhere.string()});
    EXPECT_EQ(ran.code, ExitCode::kPrecondition);
    EXPECT_FALSE(std::filesystem::exists(nowhere));
}

TEST(ArtifactSummary, counts_bytes_as_the_format_writes_them) {
    const protocol::Artifact artifact = sample_artifact();
    const ArtifactSummary summary = summarize(artifact, sample::spec(), 1000, 500);
    const std::uint64_t bytes = protocol::encode_payload(artifact.update).size();
    std::uint64_t kept = 0;
    for (std::size_t i = 0; i < artifact.update.chunk_count(); ++i)
        kept += artifact.update.chunk(i).indices.size();
    EXPECT_EQ(summary.payload_bytes, bytes);
    EXPECT_EQ(summary.kept_values, kept);
    EXPECT_DOUBLE_EQ(summary.bits_per_kept_value,
                     8.0 * static_cast<double>(bytes) / static_cast<double>(kept));
    EXPECT_DOUBLE_EQ(summary.bits_per_value, 8000.0 / static_cast<double>(kept));
    // Each gap is 0 and each level the same, so that only the codes say anything: two bits or less.
    EXPECT_GT(summary.entropy_per_kept_value, 1.9);
    EXPECT_LE(summary.entropy_per_kept_value, 2.0);
    EXPECT_DOUBLE_EQ(summary.entropy_ratio,
                     summary.entropy_per_kept_value / summary.bits_per_kept_value);
    EXPECT_DOUBLE_EQ(summary.low.mean, 0.25);
    EXPECT_DOUBLE_EQ(summary.high.highest, 0.5);
    EXPECT_EQ(summary.payload_root, artifact.feedback.payload_root);
    EXPECT_EQ(summary.zero_chunks, 0U);
    EXPECT_THAT(artifact_text(artifact, summary), HasSubstr("6 segments"));
}

TEST(ChunkView, holds_what_the_payload_says) {
    protocol::Artifact artifact = sample_artifact();
    const protocol::RunSpec spec = sample::spec();
    const ChunkView view = view_chunk(artifact, spec, 1);
    EXPECT_TRUE(view.proven);
    EXPECT_EQ(view.opening.leaf, 2U);
    const SparseUpdate& update = artifact.update;
    EXPECT_EQ(view.chunk.view(), update.chunk(1));
    const Bytes payload = protocol::encode_payload(update);
    EXPECT_TRUE(std::ranges::equal(
        view.opening.bytes,
        ByteView(payload).subspan(view.opening.offset, view.opening.bytes.size())));
    EXPECT_THAT(chunk_text(view), HasSubstr("under the payload root"));
    EXPECT_THAT(chunk_text(view), ::testing::Not(HasSubstr("NOT")));
    EXPECT_THAT(chunk_text(view), HasSubstr("0.25"));
    // Under another root nothing is shown as the chunk's.
    artifact.feedback.payload_root = vectors::filled_hash(9);
    const ChunkView other = view_chunk(artifact, spec, 1);
    EXPECT_FALSE(other.proven);
    EXPECT_TRUE(other.chunk.indices.empty());
    EXPECT_THAT(chunk_text(other), HasSubstr("NOT under the payload root"));
}

// Laplace-distributed updates in the layout of the 10M preset at k = 64: what an artifact costs in
// all, and how near that is to the entropy of its symbols.
TEST(ArtifactSummary, ten_million_parameters_cost_less_than_ten_bits_a_kept_value) {
    const engine::ModelConfig config = engine::model_preset("10M").value();
    protocol::RunSpec spec = sample::spec();
    spec.outer.density = {{.round = 0, .kept_per_chunk = 64}};
    spec.model.vocab_size = config.vocab_size;
    spec.model.d_model = config.d_model;
    spec.model.layers = config.layers;
    spec.model.heads = config.heads;
    spec.model.kv_heads = config.kv_heads;
    spec.model.d_ff = config.d_ff;
    protocol::Artifact artifact = sample_artifact();
    artifact.feedback.kept_per_chunk = 64;
    CounterRng rng(1);
    std::vector<float> update(kChunkElements);
    const auto elements = protocol::chunk_elements(spec.model);
    const Sparsity sparsity = spec.sparsity(artifact.round);
    artifact.update = SparseUpdate(sparsity, elements);
    for (std::size_t at = 0; at < elements.size(); ++at) {
        for (float& value : update) {
            const std::uint32_t bits = rng.next_u32();
            const float uniform = (static_cast<float>(bits >> 9) + 0.5F) / 8388608.0F;
            value = 1e-4F * std::log(uniform) * ((bits & 1U) != 0 ? 1.0F : -1.0F);
        }
        const SparseChunk chunk = engine::compress_chunk(update, elements[at], sparsity).value();
        const MutableSparseView out = artifact.update.chunk(at);
        std::ranges::copy(chunk.levels, out.levels.begin());
        std::ranges::copy(chunk.indices, out.indices.begin());
        std::ranges::copy(chunk.codes, out.codes.begin());
    }
    const Bytes bytes = protocol::encode_artifact(artifact);
    ASSERT_EQ(protocol::decode_artifact(bytes, spec, elements), artifact);
    const ArtifactSummary summary = summarize(artifact, spec, bytes.size(), bytes.size());
    RecordProperty("parameters", std::to_string(summary.parameters));
    RecordProperty("bits_per_value", std::to_string(summary.bits_per_value));
    RecordProperty("bits_per_kept_value", std::to_string(summary.bits_per_kept_value));
    RecordProperty("entropy_ratio", std::to_string(summary.entropy_ratio));
    RecordProperty("compression_ratio", std::to_string(summary.compression_ratio));
    EXPECT_GT(summary.parameters, 8'000'000U);
    EXPECT_LE(summary.bits_per_value, 9.9);
    EXPECT_GE(summary.entropy_ratio, 0.97);
    EXPECT_GE(summary.compression_ratio, 206.0);
}

}  // namespace
}  // namespace covenant::commands
