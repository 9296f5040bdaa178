#include "common/execution/segment_executor.hpp"

#include "common/execution/segment_training.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"

#include <bit>

#include <fmt/format.h>

namespace covenant::execution {

protocol::SegmentRecord record_of(const engine::TrainState& state, std::uint64_t cursor,
                                  const Hash256& window_root, std::uint32_t loss_bits) {
    return {.theta_root = state_root(state.theta),
            .m_root = state_root(state.m),
            .v_root = state_root(state.v),
            .adam_t = state.adam_t,
            .cursor = cursor,
            .window_root = window_root,
            .loss_bits = loss_bits};
}

Result<protocol::SegmentRecord> train_segment(engine::Engine& engine, engine::TrainState& state,
                                              const SegmentJob& job, const Conduct& conduct) {
    const protocol::RunSpec& spec = job.spec;
    if (job.segment.value >= spec.segments()) {
        return fail(Errc::kInvalidArgument, fmt::format("segment {} of a round with {} segments",
                                                        job.segment.value, spec.segments()));
    }
    if (model_config(spec.model) != engine.config()) {
        return fail(Errc::kInvalidArgument, "the engine runs another model than the run's");
    }
    const engine::InnerHyper hyper = inner_hyper(spec);
    const std::uint32_t steps = spec.inner.steps_per_segment;
    const std::uint32_t first = job.segment.value * steps;
    const std::vector<protocol::WindowIndex> windows =
        protocol::assigned_windows(spec, job.assignment, first, steps);
    COVENANT_TRY(const Hash256 window_root, job.windows.window_root(windows));
    const std::uint64_t step_base = job.assignment.step_base;
    double loss_sum = 0.0;
    for (std::uint32_t i = 0; i < steps; ++i) {
        if (job.stop.stop_requested()) {
            return fail(Errc::kInterrupted,
                        fmt::format("asked to stop in segment {}", job.segment.value));
        }
        const std::size_t batch = spec.inner.windows_per_step;
        COVENANT_TRY(std::vector<data::Token> tokens,
                     job.windows.windows(std::span(windows).subspan(i * batch, batch)));
        COVENANT_CHECK(conduct.train_on(job, first + i, tokens));
        Result<engine::StepReport> report =
            engine.train_step(state, tokens, hyper, step_base + first + i);
        if (!report) {
            return fail(std::move(report).error().within(
                fmt::format("inner step {} of round {}", first + i, job.assignment.round.value)));
        }
        loss_sum += static_cast<double>(report->loss);
        if (job.on_step) job.on_step(first + i + 1, report->loss);
    }
    const auto loss = static_cast<float>(loss_sum / static_cast<double>(steps));
    const protocol::Segment next(static_cast<std::uint16_t>(job.segment.value + 1));
    return record_of(state, protocol::segment_cursor(spec, job.assignment.rank, next), window_root,
                     std::bit_cast<std::uint32_t>(loss));
}

Result<protocol::SegmentRecord> execute_segment(engine::Engine& engine, engine::TrainState& state,
                                                const SegmentJob& job) {
    return train_segment(engine, state, job, honest());
}

}  // namespace covenant::execution
