#include "tests/adversary/kinds.hpp"

#include "common/base/counter_rng.hpp"
#include "common/base/level.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

namespace covenant::adversary {
namespace {

using execution::Conduct;
using execution::SegmentJob;

constexpr float kAmplification = 8.0F;  // a power of two: levels stay levels
constexpr float kNoiseScale = 1e-3F;

class HalfBatch final : public Conduct {
    Status train_on(const SegmentJob& job, std::uint32_t /*step_in_round*/,
                    std::vector<data::Token>& tokens) const override {
        const std::size_t window = std::size_t{job.spec.model.seq_len} + 1;
        const std::size_t batch = job.spec.inner.windows_per_step;
        tokens.resize(std::max<std::size_t>(1, batch / 2) * window);
        return {};
    }
};

class StaleData final : public Conduct {
    Status train_on(const SegmentJob& job, std::uint32_t /*step_in_round*/,
                    std::vector<data::Token>& tokens) const override {
        COVENANT_TRY(tokens, job.windows.windows(
                                 protocol::assigned_windows(job.spec, job.assignment, 0, 1)));
        return {};
    }
};

// The record that a miner who did not train the segment makes up: the state as it is, everything
// else as if it had.
Result<protocol::SegmentRecord> pretend_segment(engine::TrainState& state, const SegmentJob& job,
                                                const protocol::SegmentRecord& before) {
    const std::uint32_t steps = job.spec.inner.steps_per_segment;
    state.adam_t += steps;
    COVENANT_TRY(const Hash256 window_root,
                 job.windows.window_root(protocol::assigned_windows(
                     job.spec, job.assignment, job.segment.value * steps, steps)));
    const protocol::Segment next(static_cast<std::uint16_t>(job.segment.value + 1));
    return execution::record_of(state,
                                protocol::segment_cursor(job.spec, job.assignment.rank, next),
                                window_root, before.loss_bits);
}

class SkipSegment final : public Conduct {
    Result<protocol::SegmentRecord> record(engine::Engine& engine, engine::TrainState& state,
                                           const SegmentJob& job,
                                           const protocol::SegmentRecord& before) const override {
        return job.segment.value == job.spec.segments() / 2
                   ? pretend_segment(state, job, before)
                   : Conduct::record(engine, state, job, before);
    }
};

void add_noise(const engine::ParameterLayout& layout, engine::ParameterBuffer& theta,
               std::uint64_t key) {
    CounterRng rng(key);
    for (const engine::TensorSlot& slot : layout.tensors()) {
        for (float& value : theta.floats().subspan(slot.offset, slot.numel)) {
            value += (static_cast<float>(rng.next_u32() >> 8) / 16777216.0F - 0.5F) * kNoiseScale;
        }
    }
}

class Noise final : public Conduct {
    Result<protocol::SegmentRecord> record(engine::Engine& engine, engine::TrainState& state,
                                           const SegmentJob& job,
                                           const protocol::SegmentRecord& before) const override {
        add_noise(engine.layout(), state.theta,
                  job.assignment.round.value * 1000 + job.segment.value);
        return pretend_segment(state, job, before);
    }
};

class Amplify final : public Conduct {
    void send(engine::Compressed& compressed) const override {
        SparseUpdate& update = compressed.update;
        for (std::size_t i = 0; i < update.chunk_count(); ++i) {
            const MutableSparseView chunk = update.chunk(i);
            for (std::uint8_t& level : chunk.levels)
                level = nearest_level(level_value(level) * kAmplification);
        }
        compressed.norm = engine::decoded_norm(update);
    }
};

const HalfBatch kHalfBatch;
const SkipSegment kSkipSegment;
const StaleData kStaleData;
const Amplify kAmplify;
const Noise kNoise;

}  // namespace

std::span<const Kind> kinds() {
    static const std::array<Kind, 6> table{{
        {"half-batch",
         "trains on the first half of each step's windows, on the whole one where there is one",
         kHalfBatch},
        {"skip-segment", "does not train the segment in the middle of the round", kSkipSegment},
        {"stale-data", "trains on the batch of the first step all round long", kStaleData},
        {"amplify", "sends eight times its update", kAmplify},
        {"noise", "adds noise to the parameters instead of training them", kNoise},
        {"none", "follows the rules", execution::honest()},
    }};
    return table;
}

Result<const execution::Conduct*> conduct_of(std::string_view name) {
    std::string known;
    for (const Kind& kind : kinds()) {
        if (kind.name == name) return &kind.conduct;
        known += known.empty() ? "" : ", ";
        known += kind.name;
    }
    return fail(Errc::kInvalidArgument, fmt::format("no cheat '{}'; known are {}", name, known));
}

}  // namespace covenant::adversary
