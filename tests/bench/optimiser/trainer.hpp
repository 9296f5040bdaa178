// One run of benchmark B1: peers that train one after another on one engine, each with moments of
// its own that live on over the rounds.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/engine.hpp"
#include "tests/bench/optimiser/outer.hpp"
#include "tests/bench/optimiser/variant.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace covenant::bench {

struct Plan {
    std::size_t peers = kPeers;
    std::uint64_t steps = 0;           // of one peer
    std::uint64_t inner_steps = 1;     // H
    std::uint64_t evaluate_every = 0;  // steps; the curve has a point after the first exchange at
                                       // or past each multiple, and at the start
    engine::InnerHyper inner;
};

// What a run reads. Equal arguments give equal tokens: variants see the same windows.
struct Source {
    std::function<Result<std::vector<std::uint32_t>>(std::size_t peer, std::uint64_t step)> batch;
    std::vector<std::uint32_t> curve_tokens;
    std::vector<std::uint32_t> final_tokens;
};

struct Point {
    std::uint64_t step = 0;  // of each peer
    double loss = 0.0;       // held out, nats per token
};

struct Watch {
    std::function<void(const Point& point)> evaluated;
    std::function<void(std::uint64_t steps)> trained;  // steps of one peer, since the last call
    std::function<bool()> stop;                        // asked before every step
};

struct Outcome {
    std::vector<Point> curve;
    double final_loss = 0.0;
    engine::ParameterBuffer theta;
};

// outer == nullptr: one AdamW update a step on the mean gradient of all peers' batches, H = 1.
// kInvalidArgument: H does not divide the steps; kInterrupted: stop said so; else what the engine
// and the outer step fail with.
Result<Outcome> train(engine::Engine& engine, engine::ParameterBuffer theta, const Plan& plan,
                      const Source& source, OuterStep* outer, const Watch& watch);

// The outer step of a variant; nullptr for AdamW.
std::unique_ptr<OuterStep> outer_step(const Variant& variant, const engine::ParameterLayout& layout,
                                      std::size_t peers);

}  // namespace covenant::bench
