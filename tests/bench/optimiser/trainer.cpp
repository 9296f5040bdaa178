#include "tests/bench/optimiser/trainer.hpp"

#include <utility>

#include <fmt/format.h>

namespace covenant::bench {
namespace {

Status go_on(const Watch& watch) {
    if (watch.stop && watch.stop()) return fail(Errc::kInterrupted, "asked to stop");
    return {};
}

void report_trained(const Watch& watch, std::uint64_t steps) {
    if (watch.trained) watch.trained(steps);
}

// One step of all peers as one batch.
Status step_together(engine::Engine& engine, engine::TrainState& state, const Plan& plan,
                     const Source& source, std::uint64_t step, const Watch& watch) {
    COVENANT_CHECK(go_on(watch));
    std::vector<std::uint32_t> tokens;
    for (std::size_t peer = 0; peer < plan.peers; ++peer) {
        COVENANT_TRY(const std::vector<std::uint32_t> batch, source.batch(peer, step));
        tokens.insert(tokens.end(), batch.begin(), batch.end());
    }
    COVENANT_TRY([[maybe_unused]] const engine::StepReport report,
                 engine.train_step(state, tokens, plan.inner, step));
    report_trained(watch, plan.peers);
    return {};
}

// H steps of one peer from `start`; its moments stay in `state`.
Status segment(engine::Engine& engine, engine::TrainState& state, const Plan& plan,
               const Source& source, std::size_t peer, std::uint64_t first,
               const engine::ParameterBuffer& start, const Watch& watch) {
    state.theta = start.clone();
    for (std::uint64_t step = first; step < first + plan.inner_steps; ++step) {
        COVENANT_CHECK(go_on(watch));
        COVENANT_TRY(const std::vector<std::uint32_t> batch, source.batch(peer, step));
        COVENANT_TRY([[maybe_unused]] const engine::StepReport report,
                     engine.train_step(state, batch, plan.inner, step));
        report_trained(watch, 1);
    }
    return {};
}

}  // namespace

Result<Outcome> train(engine::Engine& engine, engine::ParameterBuffer theta, const Plan& plan,
                      const Source& source, OuterStep* outer, const Watch& watch) {
    const std::uint64_t inner_steps = outer == nullptr ? 1 : plan.inner_steps;
    if (inner_steps == 0 || plan.steps % inner_steps != 0 || plan.evaluate_every == 0 ||
        plan.peers == 0) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{} steps of {} peers in rounds of {}, evaluated every {}: rounds "
                                "must divide the steps and none be zero",
                                plan.steps, plan.peers, inner_steps, plan.evaluate_every));
    }
    Outcome outcome;
    const auto evaluate = [&](std::uint64_t step) -> Status {
        COVENANT_TRY(const double loss, engine.loss(theta, source.curve_tokens));
        outcome.curve.push_back({step, loss});
        if (watch.evaluated) watch.evaluated(outcome.curve.back());
        return {};
    };
    std::vector<engine::TrainState> states;
    for (std::size_t peer = 0; peer < (outer == nullptr ? 1 : plan.peers); ++peer)
        states.push_back(engine::TrainState::fresh(theta.clone()));

    COVENANT_CHECK(evaluate(0));
    std::uint64_t due = plan.evaluate_every;
    for (std::uint64_t step = 0; step < plan.steps;) {
        if (outer == nullptr) {
            states[0].theta = std::move(theta);
            COVENANT_CHECK(step_together(engine, states[0], plan, source, step, watch));
            theta = std::move(states[0].theta);
        } else {
            for (std::size_t peer = 0; peer < plan.peers; ++peer) {
                COVENANT_CHECK(
                    segment(engine, states[peer], plan, source, peer, step, theta, watch));
                COVENANT_CHECK(outer->add(peer, theta, states[peer].theta));
            }
            COVENANT_CHECK(outer->apply(theta));
        }
        step += inner_steps;
        if (step >= due || step == plan.steps) {
            COVENANT_CHECK(evaluate(step));
            due += plan.evaluate_every;
        }
    }
    COVENANT_TRY(outcome.final_loss, engine.loss(theta, source.final_tokens));
    outcome.theta = std::move(theta);
    return outcome;
}

std::unique_ptr<OuterStep> outer_step(const Variant& variant, const engine::ParameterLayout& layout,
                                      std::size_t peers) {
    switch (variant.optimiser) {
        case Optimiser::kAdamW:
            break;
        case Optimiser::kDense:
            return dense_step(layout, peers, {});
        case Optimiser::kDiloco:
            return dense_step(layout, peers, {.momentum = 0.9, .learning_rate = 0.7});
        case Optimiser::kSparseLoco:
            return sparse_step(
                layout, peers,
                {.keep = variant.keep, .alpha = variant.alpha(), .support = variant.support});
    }
    return nullptr;
}

}  // namespace covenant::bench
