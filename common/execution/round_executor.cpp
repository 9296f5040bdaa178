#include "common/execution/round_executor.hpp"

#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"

#include <bit>
#include <utility>

#include <fmt/format.h>

namespace covenant::execution {
namespace {

SegmentJob segment_job(const RoundJob& job, protocol::Segment segment) {
    return {.spec = job.spec,
            .windows = job.windows,
            .assignment = job.assignment,
            .segment = segment,
            .stop = job.stop,
            .on_step = job.on_step};
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
    artifact.profile_id = protocol::profile_id(job.spec.profile);

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
        COVENANT_TRY(const protocol::SegmentRecord made,
                     job.conduct.record(engine, result.end, segment, artifact.trace.back()));
        loss_sum += static_cast<double>(std::bit_cast<float>(made.loss_bits));
        COVENANT_CHECK(record(protocol::Segment(static_cast<std::uint16_t>(s + 1)), made));
    }
    result.mean_loss = static_cast<float>(loss_sum / static_cast<double>(job.spec.segments()));

    COVENANT_TRY(engine::Compressed compressed,
                 engine::compress(engine.layout(), compress_hyper(job.spec, artifact.round), base,
                                  result.end.theta, feedback, &engine.pool(),
                                  job.arrived ? &*job.arrived : nullptr));
    job.conduct.send(compressed);
    artifact.update = std::move(compressed.update);
    artifact.feedback = {.previous_commitment = job.previous_commitment,
                         .sum_root = state_root(feedback, &engine.pool()),
                         .payload_root = protocol::payload_root(artifact.update),
                         .norm_bits = std::bit_cast<std::uint64_t>(compressed.norm),
                         .kept_per_chunk = artifact.update.sparsity().keep};
    result.sum = std::move(feedback);
    result.commitment_root =
        protocol::commitment_root({artifact.run, job.uid, artifact.round}, artifact.trace,
                                  artifact.feedback, artifact.profile_id);
    return result;
}

}  // namespace covenant::execution
