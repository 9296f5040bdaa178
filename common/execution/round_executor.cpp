#include "common/execution/round_executor.hpp"

#include "common/base/counter_rng.hpp"
#include "common/base/level.hpp"
#include "common/execution/segment_training.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"

#include <array>
#include <bit>
#include <utility>

#include <fmt/format.h>

namespace covenant::execution {
namespace {

constexpr std::array<std::pair<Cheat, std::string_view>, 6> kCheats{{
    {Cheat::kNone, "none"},
    {Cheat::kHalfBatch, "half-batch"},
    {Cheat::kSkipSegment, "skip-segment"},
    {Cheat::kStaleData, "stale-data"},
    {Cheat::kAmplify, "amplify"},
    {Cheat::kNoise, "noise"},
}};

constexpr float kAmplification = 8.0F;  // a power of two: levels stay levels
constexpr float kNoiseScale = 1e-3F;

SegmentJob segment_job(const RoundJob& job, protocol::Segment segment) {
    return {.spec = job.spec,
            .windows = job.windows,
            .assignment = job.assignment,
            .segment = segment,
            .stop = job.stop,
            .on_step = job.on_step};
}

// What a half-batch or stale-data miner trains on instead of its batch.
BatchChange batch_change(const RoundJob& job) {
    const std::size_t window = std::size_t{job.spec.model.seq_len} + 1;
    const std::size_t batch = job.spec.inner.windows_per_step;
    if (job.cheat == Cheat::kHalfBatch) {
        return [window, batch](std::uint32_t, std::vector<data::Token>& tokens) -> Status {
            tokens.resize(std::max<std::size_t>(1, batch / 2) * window);
            return {};
        };
    }
    if (job.cheat == Cheat::kStaleData) {
        return [&job](std::uint32_t, std::vector<data::Token>& tokens) -> Status {
            COVENANT_TRY(tokens, job.windows.windows(
                                     protocol::assigned_windows(job.spec, job.assignment, 0, 1)));
            return {};
        };
    }
    return {};
}

// The record that a miner who did not train the segment makes up: the state as it is, everything
// else as if it had.
Result<protocol::SegmentRecord> pretend_segment(engine::TrainState& state, const SegmentJob& job,
                                                std::uint32_t loss_bits) {
    const std::uint32_t steps = job.spec.inner.steps_per_segment;
    state.adam_t += steps;
    COVENANT_TRY(const Hash256 window_root,
                 job.windows.window_root(protocol::assigned_windows(
                     job.spec, job.assignment, job.segment.value * steps, steps)));
    const protocol::Segment next(static_cast<std::uint16_t>(job.segment.value + 1));
    return record_of(state, protocol::segment_cursor(job.spec, job.assignment.rank, next),
                     window_root, loss_bits);
}

void add_noise(const engine::ParameterLayout& layout, engine::ParameterBuffer& theta,
               std::uint64_t key) {
    CounterRng rng(key);
    for (const engine::TensorSlot& slot : layout.tensors()) {
        for (float& value : theta.floats().subspan(slot.offset, slot.numel)) {
            value += (static_cast<float>(rng.next_u32() >> 8) / 16777216.0F - 0.5F) * kNoiseScale;
        }
    }
}

Result<protocol::SegmentRecord> next_record(engine::Engine& engine, engine::TrainState& state,
                                            const RoundJob& job, const SegmentJob& segment,
                                            std::uint32_t previous_loss_bits) {
    const bool skipped = segment.segment.value == job.spec.segments() / 2;
    if (job.cheat == Cheat::kNoise) {
        add_noise(engine.layout(), state.theta,
                  job.assignment.round.value * 1000 + segment.segment.value);
    }
    if (job.cheat == Cheat::kNoise || (job.cheat == Cheat::kSkipSegment && skipped)) {
        return pretend_segment(state, segment, previous_loss_bits);
    }
    if (job.cheat == Cheat::kHalfBatch || job.cheat == Cheat::kStaleData) {
        return train_segment(engine, state, segment, batch_change(job));
    }
    return execute_segment(engine, state, segment);
}

// Sends more than the training gave.
void amplify(engine::Compressed& compressed) {
    SparseUpdate& update = compressed.update;
    for (std::size_t i = 0; i < update.chunk_count(); ++i) {
        const MutableSparseView chunk = update.chunk(i);
        for (std::uint8_t& level : chunk.levels)
            level = nearest_level(level_value(level) * kAmplification);
    }
    compressed.norm = engine::decoded_norm(update);
}

Status check_start(const engine::Engine& engine, const engine::ParameterBuffer& base,
                   const engine::TrainState& start, const engine::ParameterBuffer& feedback) {
    const std::size_t size = engine.layout().total_floats();
    if (base.size() != size || start.m.size() != size || start.v.size() != size ||
        feedback.size() != size) {
        return fail(
            Errc::kInvalidArgument,
            fmt::format("round starts from buffers of {}, {}, {} and {} floats, the model "
                        "needs {}",
                        base.size(), start.m.size(), start.v.size(), feedback.size(), size));
    }
    if (!engine::same_bits(base, start.theta)) {
        return fail(Errc::kInvalidArgument,
                    "round starts from parameters that are not the round's base parameters");
    }
    return {};
}

}  // namespace

Result<Cheat> parse_cheat(std::string_view name) {
    std::string known;
    for (const auto& [cheat, text] : kCheats) {
        if (text == name) return cheat;
        known += known.empty() ? "" : ", ";
        known += text;
    }
    return fail(Errc::kInvalidArgument, fmt::format("no cheat '{}'; known are {}", name, known));
}

std::string_view to_string(Cheat cheat) {
    for (const auto& [known, text] : kCheats) {
        if (known == cheat) return text;
    }
    return "unknown";
}

Result<RoundResult> execute_round(engine::Engine& engine, const engine::ParameterBuffer& base,
                                  engine::TrainState start, engine::ParameterBuffer feedback,
                                  const RoundJob& job) {
    COVENANT_CHECK(check_start(engine, base, start, feedback));
    RoundResult result;
    result.end = std::move(start);
    protocol::Artifact& artifact = result.artifact;
    artifact.run = job.assignment.run;
    artifact.round = job.assignment.round;
    artifact.uid = job.uid;
    artifact.base_root = job.base_root;
    artifact.profile = job.profile;

    const auto record = [&](protocol::Segment at, protocol::SegmentRecord made) -> Status {
        artifact.trace.push_back(made);
        return job.on_boundary ? job.on_boundary(at, result.end, made) : Status{};
    };
    const std::uint64_t cursor =
        protocol::segment_cursor(job.spec, job.assignment.rank, protocol::Segment(0));
    COVENANT_CHECK(record(protocol::Segment(0), record_of(result.end, cursor, Hash256{}, 0)));
    if (artifact.trace.front().theta_root != job.base_root) {
        return fail(Errc::kInvalidArgument,
                    "round starts from parameters whose root is not the round's base root");
    }
    double loss_sum = 0.0;
    for (std::uint32_t s = 0; s < job.spec.segments(); ++s) {
        const SegmentJob segment =
            segment_job(job, protocol::Segment(static_cast<std::uint16_t>(s)));
        COVENANT_TRY(
            const protocol::SegmentRecord made,
            next_record(engine, result.end, job, segment, artifact.trace.back().loss_bits));
        loss_sum += static_cast<double>(std::bit_cast<float>(made.loss_bits));
        COVENANT_CHECK(record(protocol::Segment(static_cast<std::uint16_t>(s + 1)), made));
    }
    result.mean_loss = static_cast<float>(loss_sum / static_cast<double>(job.spec.segments()));

    COVENANT_TRY(engine::Compressed compressed,
                 engine::compress(engine.layout(), compress_hyper(job.spec, artifact.round), base,
                                  result.end.theta, feedback, &engine.pool(),
                                  job.arrived ? &*job.arrived : nullptr));
    if (job.cheat == Cheat::kAmplify) amplify(compressed);
    artifact.update = std::move(compressed.update);
    artifact.feedback = {.previous_commitment = job.previous_commitment,
                         .sum_root = state_root(feedback, &engine.pool()),
                         .payload_root = protocol::payload_root(artifact.update),
                         .norm_bits = std::bit_cast<std::uint64_t>(compressed.norm),
                         .kept_per_chunk = artifact.update.sparsity().keep};
    result.sum = std::move(feedback);
    result.commitment_root =
        protocol::commitment_root({artifact.run, job.hotkey, artifact.round}, artifact.trace,
                                  artifact.feedback, artifact.profile);
    return result;
}

}  // namespace covenant::execution
