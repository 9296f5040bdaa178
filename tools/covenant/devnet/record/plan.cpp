#include "tools/covenant/devnet/record/plan.hpp"

#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

namespace covenant::devnet {
namespace {

constexpr std::size_t kMaxOfARole = 16;
constexpr double kMargin = 1.5;  // of deadlines over the trial
// A kept folder goes on as often as its owner likes.
constexpr std::uint64_t kLastRound = 1'000'000;
constexpr std::array<std::string_view, 8> kMinerNames = {"alice", "bob",   "carol", "dave",
                                                         "erin",  "frank", "grace", "heidi"};
constexpr std::array<std::string_view, 8> kValidatorNames = {"vera", "victor", "vince", "viola",
                                                             "vito", "vada",   "vance", "verity"};

template <std::size_t N>
std::string name_of(const std::array<std::string_view, N>& names, std::size_t index,
                    std::string_view stem) {
    return index < N ? std::string(names[index])
                     : std::string(stem) + "-" + std::to_string(index + 1);
}

crypto::SecretKey key_of(std::uint64_t seed, std::string_view kind, const std::string& name) {
    codec::Writer out;
    out.u64(seed).text(kind).text(name);
    return crypto::SecretKey::from_seed(crypto::sha256_tagged("devnet-key", out.view()));
}

std::uint32_t bits(double value) {
    return std::bit_cast<std::uint32_t>(static_cast<float>(value));
}

// Linear warm-up over two rounds, then a cosine to half the peak, as points that everybody
// interpolates alike.
std::vector<protocol::LearningRatePoint> learning_rate(double peak, std::uint64_t warm_up,
                                                       std::uint64_t total) {
    constexpr int kPoints = 24;
    std::vector<protocol::LearningRatePoint> points{{0, bits(peak / static_cast<double>(warm_up))},
                                                    {warm_up, bits(peak)}};
    for (int i = 1; i <= kPoints && total > warm_up; ++i) {
        const std::uint64_t step =
            warm_up + (total - warm_up) * static_cast<std::uint64_t>(i) / kPoints;
        const double rate = peak * (0.75 + 0.25 * std::cos(std::numbers::pi * i / kPoints));
        if (step > points.back().step) {
            points.push_back({step, bits(rate)});
        }
    }
    return points;
}

std::uint32_t seconds(double value) {
    return static_cast<std::uint32_t>(std::ceil(value));
}

}  // namespace

Result<std::vector<Participant>> participants(const Options& options) {
    if (options.miners < 1 || options.miners > kMaxOfARole || options.validators < 1 ||
        options.validators > kMaxOfARole) {
        return fail(Errc::kInvalidArgument,
                    "a devnet has 1 to 16 miners and 1 to 16 validators, not " +
                        std::to_string(options.miners) + " and " +
                        std::to_string(options.validators));
    }
    const std::size_t at = options.cheat.find('@');
    const std::string kind = options.cheat.substr(0, at);
    const std::string who = at == std::string::npos ? "" : options.cheat.substr(at + 1);
    std::vector<Participant> all;
    for (std::size_t i = 0; i < options.miners; ++i) {
        all.push_back({name_of(kMinerNames, i, "miner"), protocol::Role::kMiner});
    }
    if (kind != kNoCheat) {
        if (who.empty() || who == "mallory") {
            all.back().name = "mallory";
            all.back().cheat = kind;
        } else {
            const auto found = std::find_if(
                all.begin(), all.end(), [&](const Participant& one) { return one.name == who; });
            if (found == all.end()) {
                return fail(Errc::kInvalidArgument,
                            "--cheat names '" + who + "', who is no miner of this devnet");
            }
            found->cheat = kind;
        }
    }
    for (std::size_t i = 0; i < options.validators; ++i) {
        all.push_back({name_of(kValidatorNames, i, "validator"), protocol::Role::kValidator});
    }
    return all;
}

crypto::SecretKey hotkey_of(std::uint64_t seed, const std::string& name) {
    return key_of(seed, "hotkey", name);
}
crypto::SecretKey coldkey_of(std::uint64_t seed, const std::string& name) {
    return key_of(seed, "coldkey", name);
}
crypto::SecretKey operator_of(std::uint64_t seed) {
    return key_of(seed, "operator", "");
}

protocol::RunSpec nano_run(std::uint64_t rounds) {
    protocol::RunSpec spec;
    spec.name = "devnet-nano";
    spec.model = {.vocab_size = 2048,
                  .d_model = 128,
                  .layers = 2,
                  .heads = 4,
                  .kv_heads = 2,
                  .d_ff = 344,
                  .seq_len = 128,
                  .norm_eps_bits = bits(1e-5),
                  .rope_theta_bits = bits(10000.0)};
    spec.inner = {
        .steps_per_round = 60,
        .steps_per_segment = 10,
        .windows_per_step = 2,
        .beta1_bits = bits(0.9),
        .beta2_bits = bits(0.95),
        .epsilon_bits = bits(1e-8),
        .weight_decay_bits = bits(0.1),
        .clip_norm_bits = bits(1.0),
        .learning_rate = learning_rate(4e-3, 120, 60 * std::max<std::uint64_t>(rounds, 3))};
    spec.outer = {.alpha_bits = bits(1.0),
                  .feedback_decay_bits = bits(0.95),
                  .density = {{.round = 0, .kept_per_chunk = 1024}},
                  .code_bits = 2,
                  .support_exponent_halves = 1,
                  .max_artifacts = 32};
    spec.audit = {.probability_ppm = 1'000'000, .segments = 2, .auditors = 16, .chunks = 256};
    spec.score = {.assigned_windows = 8,
                  .heldout_windows = 8,
                  .monitor_windows = 128,
                  .probe_step_bits = bits(0.2)};
    spec.emission = {.per_round = Amount{kOneToken * 100},
                     .miner_share_bps = 5700,
                     .validator_share_bps = 3800,
                     .miner_bond = Amount{kOneToken * 100},
                     .validator_stake = Amount{kOneToken * 100}};
    return spec;
}

protocol::TimingSpec plan_timing(const protocol::RunSpec& spec, const Options& options,
                                 const Trial& trial, unsigned cores, double factor) {
    const auto miners = static_cast<double>(options.miners);
    const auto validators = static_cast<double>(options.validators);
    const double core = std::max(1U, cores);
    const double all = std::max(miners + validators, core);
    // The trial ran everything at once; fewer processes have more of the machine each.
    const auto share = [&](double processes) { return std::max(processes, core) / all; };
    const auto padded = [&](double ms) { return seconds(kMargin * factor * ms / 1000.0); };

    const double training = spec.segments();
    const double audits = miners * spec.audit.segments;  // of one validator
    // Validators audit the last round while miners train this one. Once one role is done, the other
    // has more of the machine for the rest.
    const double together = std::min(training, audits);
    const double alone = std::max(training, audits) - together;
    const double segments = together + alone * share(training > audits ? miners : validators);
    const double screening = miners * trial.screen_ms * share(validators);
    const double monitor = spec.score.monitor_windows * trial.window_ms * share(validators);

    protocol::TimingSpec timing;
    timing.commit_seconds = 2 + padded(segments * trial.segment_ms + trial.round_ms);
    timing.key_seconds = timing.commit_seconds + 4;
    timing.beacon_seconds = timing.key_seconds + 2;
    timing.inclusion_seconds = timing.beacon_seconds + 4 + padded(screening);
    timing.opening_seconds = timing.inclusion_seconds + 2;
    timing.round_seconds = timing.inclusion_seconds + 3 + padded(monitor);
    timing.score_commit_seconds = timing.round_seconds + timing.commit_seconds;
    timing.score_reveal_seconds = timing.score_commit_seconds + 4;
    timing.genesis_lead_seconds = 5;
    timing.block_seconds = 1;
    timing.jail_rounds = 8;
    timing.last_round = kLastRound;
    return timing;
}

std::uint64_t lead_seconds(const protocol::RunSpec& spec, const Trial& trial) {
    return 10 + seconds(kMargin * (trial.start_ms + spec.score.monitor_windows * trial.window_ms) /
                        1000.0);
}

}  // namespace covenant::devnet
