#include "common/execution/loss_score.hpp"

#include "common/execution/spec_conversion.hpp"
#include "common/protocol/assignment.hpp"

#include <bit>

#include <fmt/format.h>

namespace covenant::execution {

Result<std::vector<double>> loss_scores(engine::Engine& engine, const protocol::RunSpec& spec,
                                        const engine::ParameterBuffer& theta,
                                        const SparseUpdate& update, double clip,
                                        std::span<const std::span<const std::uint32_t>> token_sets,
                                        std::span<const double> base_losses) {
    if (token_sets.size() != base_losses.size()) {
        return fail(Errc::kInvalidArgument, fmt::format("{} token sets with {} base losses",
                                                        token_sets.size(), base_losses.size()));
    }
    COVENANT_CHECK(engine::check_update(engine.layout(), update.sparsity(), update));
    const double fraction = static_cast<double>(std::bit_cast<float>(spec.score.probe_step_bits));
    const double scale = (fraction * outer_hyper(spec).alpha) * clip;
    engine::ParameterBuffer probe = theta.clone();
    engine::subtract_scaled(probe, update, static_cast<float>(scale));
    std::vector<double> scores;
    scores.reserve(token_sets.size());
    for (std::size_t i = 0; i < token_sets.size(); ++i) {
        const Result<double> loss = engine.loss(probe, token_sets[i]);
        if (loss) {
            scores.push_back((base_losses[i] - *loss) / base_losses[i]);
        } else if (loss.error().code == Errc::kRejected) {
            scores.push_back(-1.0);
        } else {
            return fail(Error(loss.error()));
        }
    }
    return scores;
}

Result<std::uint32_t> monitor_loss_bits(engine::Engine& engine, const protocol::RunSpec& spec,
                                        const protocol::RunId& run, const data::Windows& windows,
                                        const engine::ParameterBuffer& theta) {
    const std::vector<protocol::WindowIndex> indices =
        protocol::heldout_windows(spec, "monitor", run, spec.score.monitor_windows);
    COVENANT_TRY(const std::vector<std::uint32_t> tokens, windows.heldout_windows(indices));
    COVENANT_TRY(const double loss, engine.loss(theta, tokens));
    return std::bit_cast<std::uint32_t>(static_cast<float>(loss));
}

}  // namespace covenant::execution
