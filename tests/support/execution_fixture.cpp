#include "tests/support/execution_fixture.hpp"

#include "common/base/counter_rng.hpp"
#include "common/crypto/sha256.hpp"
#include "common/data/corpus_manifest.hpp"
#include "common/data/shard_writer.hpp"
#include "common/engine/genesis.hpp"
#include "common/execution/opening.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"
#include "tests/support/temp_folder.hpp"

#include <array>
#include <bit>
#include <fstream>
#include <stdexcept>

namespace covenant::execution::testing {
namespace {

template <typename T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().context);
    return std::move(*result);
}

std::uint32_t bits(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

protocol::RunSpec make_spec(const data::CorpusManifest& manifest, const std::string& profile) {
    protocol::RunSpec spec;
    spec.name = "tiny";
    spec.chain_id = 31337;
    spec.profile = profile;
    spec.model = {.vocab_size = manifest.vocab_size,
                  .d_model = 16,
                  .layers = 1,
                  .heads = 2,
                  .kv_heads = 1,
                  .d_ff = 24,
                  .seq_len = manifest.window_tokens - 1,
                  .norm_eps_bits = bits(1e-5F),
                  .rope_theta_bits = bits(10000.0F)};
    spec.inner = {.steps_per_round = 6,
                  .steps_per_segment = 2,
                  .windows_per_step = 2,
                  .beta1_bits = bits(0.9F),
                  .beta2_bits = bits(0.95F),
                  .epsilon_bits = bits(1e-8F),
                  .weight_decay_bits = bits(0.1F),
                  .clip_norm_bits = bits(1.0F),
                  .learning_rate = {{0, bits(2e-2F)}, {100, bits(1e-2F)}}};
    spec.outer = {.alpha_bits = bits(1.0F),
                  .feedback_decay_bits = bits(0.95F),
                  .density = {{.round = 0, .kept_per_chunk = 1024}},
                  .code_bits = 2,
                  .support_exponent_halves = 1,
                  .max_artifacts = 8};
    spec.score = {.assigned_windows = 4,
                  .heldout_windows = 4,
                  .monitor_windows = 8,
                  .probe_step_bits = bits(0.2F)};
    spec.data = manifest.data_spec();
    return spec;
}

// A data folder of walks with few different steps, so that there is something to learn. Made
// without the tokenizer, whose training takes longer than the tests.
void write_corpus(const std::filesystem::path& folder) {
    constexpr std::uint32_t kWindowTokens = 17;
    constexpr std::uint32_t kVocabulary = 400;
    std::filesystem::create_directories(folder);
    const Bytes model{'n', 'o', 'n', 'e'};
    std::ofstream(data::tokenizer_path(folder), std::ios::binary) << as_text(model);
    data::CorpusManifest manifest;
    manifest.name = "walks";
    manifest.tokenizer_hash = crypto::sha256(model);
    manifest.vocab_size = kVocabulary;
    manifest.window_tokens = kWindowTokens;
    manifest.windows_per_shard = 64;
    manifest.split = {.rule = data::kSplitByBlockHash, .block_bytes = 512, .heldout_ppm = 200'000};
    manifest.heldout_bytes = 10'000;
    manifest.heldout_tokens = 64 * 16;
    CounterRng rng(5);
    std::uint32_t at = 0;
    const auto write = [&](std::uint32_t number) {
        data::ShardWriter writer(data::shard_path(folder, number), number, kWindowTokens, 2);
        for (int window = 0; window < 64; ++window) {
            std::vector<data::Token> tokens(kWindowTokens);
            for (data::Token& token : tokens) {
                at = (at + 1 + static_cast<std::uint32_t>(rng.below(3))) % 40;
                token = at * 9;
            }
            if (const Status status = writer.append(tokens); !status) {
                throw std::runtime_error(status.error().context);
            }
        }
        return must(writer.finish());
    };
    for (std::uint32_t number = 0; number < 3; ++number)
        manifest.shards.push_back(write(number));
    manifest.heldout_shards.push_back(write(data::kHeldoutShardBit));
    const Bytes bytes = data::encode_manifest(manifest);
    std::ofstream(data::manifest_path(folder), std::ios::binary) << as_text(bytes);
}

}  // namespace

TestRun make_run(const std::filesystem::path& folder) {
    if (!std::filesystem::exists(data::manifest_path(folder))) write_corpus(folder);
    data::WindowReader windows = must(data::WindowReader::open(folder));
    const engine::Profile profile =
        must(engine::load_profile(engine::kCanonBf16, {.isa = {}, .threads = 1}));
    protocol::RunSpec spec = make_spec(windows.manifest(), profile.text);
    engine::Engine engine = must(engine::Engine::create(model_config(spec.model), profile));
    engine::ParameterBuffer genesis = engine::genesis_parameters(engine.layout(), 7);
    spec.genesis_root = state_root(genesis);
    const Hash256 root = spec.genesis_root;
    const protocol::RunId run = protocol::run_id(protocol::encode_run_spec(spec));
    return {std::move(windows), std::move(spec), std::move(engine), std::move(genesis), root, run};
}

namespace {

const covenant::testing::TempFolder& temp_folder() {
    static const covenant::testing::TempFolder folder;
    return folder;
}

}  // namespace

std::filesystem::path shared_folder() {
    return temp_folder() / "corpus";
}

TestRun& shared_run() {
    static TestRun run = make_run(shared_folder());
    return run;
}

Address hotkey_of(std::uint32_t rank) {
    Address hotkey;
    hotkey.bytes[0] = static_cast<std::uint8_t>(rank + 1);
    return hotkey;
}

protocol::AssignmentInput assignment_of(const TestRun& run, std::uint32_t rank,
                                        std::uint64_t round) {
    return {.run = run.run,
            .round = protocol::Round(round),
            .rho = crypto::sha256(as_bytes("rho" + std::to_string(round))),
            .base = round * 3 * run.spec.windows_per_round(),
            .active_miners = 3,
            .rank = rank,
            .step_base = round * run.spec.inner.steps_per_round};
}

SegmentJob segment_job(const TestRun& run, std::uint32_t rank, std::uint16_t segment,
                       std::uint64_t round) {
    return {.spec = run.spec,
            .windows = run.windows,
            .assignment = assignment_of(run, rank, round),
            .segment = protocol::Segment(segment),
            .stop = {},
            .on_step = {}};
}

RoundJob round_job(const TestRun& run, std::uint32_t rank, const Conduct& conduct,
                   std::uint64_t round) {
    return {.spec = run.spec,
            .windows = run.windows,
            .assignment = assignment_of(run, rank, round),
            .uid = protocol::Uid(static_cast<std::uint16_t>(rank)),
            .base_root = run.genesis_root,
            .previous_commitment = {},
            .conduct = conduct,
            .stop = {},
            .on_step = {},
            .on_boundary = {}};
}

namespace {

PlayedRound play(TestRun& run, RoundJob job, engine::TrainState start,
                 engine::ParameterBuffer feedback) {
    std::vector<Bytes> boundaries;
    job.on_boundary = [&](protocol::Segment at, const engine::TrainState& state,
                          const protocol::SegmentRecord&) -> Status {
        if (at.value != boundaries.size()) return fail(Errc::kInvalidArgument, "out of order");
        boundaries.push_back(encode_state_opening(state));
        return {};
    };
    RoundResult result =
        must(execute_round(run.engine, run.genesis, std::move(start), std::move(feedback), job));
    return {std::move(result), std::move(boundaries)};
}

}  // namespace

PlayedRound play(TestRun& run, std::uint32_t rank, const Conduct& conduct) {
    return play(run, round_job(run, rank, conduct), engine::TrainState::fresh(run.genesis.clone()),
                engine::ParameterBuffer(run.engine.layout()));
}

PlayedRound play_on(TestRun& run, std::uint32_t rank, bool included) {
    const PlayedRound& first = played(rank);
    RoundJob job = round_job(run, rank, honest(), 1);
    job.previous_commitment = first.result.commitment_root;
    engine::TrainState start = engine::TrainState::fresh(run.genesis.clone());
    start.m = first.result.end.m.clone();
    start.v = first.result.end.v.clone();
    start.adam_t = first.result.end.adam_t;
    if (included) job.arrived = first.result.artifact.update;
    return play(run, std::move(job), std::move(start), first.result.sum.clone());
}

CommittedFeedback committed_feedback(const PlayedRound& round, bool included) {
    const protocol::Artifact& artifact = round.result.artifact;
    CommittedFeedback out{.sum_root = artifact.feedback.sum_root, .arrived = {}};
    if (included) out.arrived = artifact.update.sparsity();
    return out;
}

const PlayedRound& played(std::uint32_t rank, const Conduct& conduct) {
    static std::map<std::pair<std::uint32_t, const Conduct*>, PlayedRound> rounds;
    auto it = rounds.find({rank, &conduct});
    if (it == rounds.end()) {
        it = rounds.emplace(std::pair{rank, &conduct}, play(shared_run(), rank, conduct)).first;
    }
    return it->second;
}

}  // namespace covenant::execution::testing
