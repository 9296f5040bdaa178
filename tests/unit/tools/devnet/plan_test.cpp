#include "tools/covenant/devnet/record/plan.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace covenant::devnet {
namespace {

Options crowd(std::uint64_t miners, std::uint64_t validators) {
    Options options;
    options.miners = miners;
    options.validators = validators;
    return options;
}

constexpr Trial kTrial{.start_ms = 700.0,
                       .segment_ms = 2000.0,
                       .round_ms = 500.0,
                       .screen_ms = 400.0,
                       .window_ms = 20.0};

// A machine that shares its cores fairly, at the trial's speed: seconds until the last miner has
// trained and the last validator has replayed the round before, and whether that was in time.
double seconds_needed(const protocol::RunSpec& spec, const Options& options, unsigned cores) {
    const double all =
        std::max<double>(static_cast<double>(options.miners + options.validators), cores);
    double training = spec.segments();
    double audits = static_cast<double>(options.miners) * spec.audit.segments;
    double seconds = 0.0;
    while (training > 0.0 || audits > 0.0) {
        const double running = (training > 0.0 ? static_cast<double>(options.miners) : 0.0) +
                               (audits > 0.0 ? static_cast<double>(options.validators) : 0.0);
        // Segments a second of one process: the fewer run, the faster each, up to a core of its
        // own.
        const double rate = all / std::max<double>(running, cores) / (kTrial.segment_ms / 1000.0);
        const double step = training > 0.0 && audits > 0.0 ? std::min(training, audits)
                                                           : std::max(training, audits);
        seconds += step / rate;
        training = std::max(0.0, training - step);
        audits = std::max(0.0, audits - step);
    }
    return seconds;
}

TEST(PlanTiming, LeavesHalfAgainForTrainingAndAllAudits) {
    const protocol::RunSpec spec = nano_run(6);
    using Crowd = std::pair<std::uint64_t, std::uint64_t>;
    for (const auto& [miners, validators] :
         {Crowd{8, 5}, Crowd{3, 3}, Crowd{1, 1}, Crowd{16, 2}, Crowd{2, 16}}) {
        for (const unsigned cores : {1U, 2U, 8U, 64U}) {
            const Options options = crowd(miners, validators);
            const auto timing = plan_timing(spec, options, kTrial, cores, 1.0);
            const double needed = seconds_needed(spec, options, cores) + kTrial.round_ms / 1000.0;
            EXPECT_GE(timing.commit_seconds, 1.5 * needed)
                << miners << " miners, " << validators << " validators, " << cores << " cores";
            EXPECT_LE(timing.commit_seconds, 1.6 * needed + 3.0)
                << miners << " miners, " << validators << " validators, " << cores << " cores";
        }
    }
}

TEST(PlanTiming, GrowsWithTheTrial) {
    const protocol::RunSpec spec = nano_run(6);
    Trial slow = kTrial;
    slow.segment_ms *= 3.0;
    EXPECT_GT(plan_timing(spec, crowd(3, 3), slow, 2, 1.0).commit_seconds,
              2 * plan_timing(spec, crowd(3, 3), kTrial, 2, 1.0).commit_seconds);
    slow = kTrial;
    slow.screen_ms *= 3.0;
    const auto screen = plan_timing(spec, crowd(3, 3), slow, 2, 1.0);
    EXPECT_GT(screen.inclusion_seconds - screen.commit_seconds, 5U);
}

TEST(PlanTiming, IsStretchedAfterMissedDeadlines) {
    const protocol::RunSpec spec = nano_run(6);
    const auto before = plan_timing(spec, crowd(3, 3), kTrial, 2, 1.0);
    const auto after = plan_timing(spec, crowd(3, 3), kTrial, 2, 1.5);
    EXPECT_GE(after.commit_seconds - 2, (before.commit_seconds - 2) * 3 / 2 - 1);
    EXPECT_GT(after.round_seconds, before.round_seconds);
}

TEST(PlanTiming, IsValidInARun) {
    protocol::RunSpec spec = nano_run(6);
    spec.timing = plan_timing(spec, crowd(8, 5), kTrial, 2, 32.0);
    EXPECT_LT(spec.timing.commit_seconds, spec.timing.inclusion_seconds);
    EXPECT_LT(spec.timing.inclusion_seconds, spec.timing.round_seconds);
    EXPECT_LT(spec.timing.round_seconds, spec.timing.score_commit_seconds);
    EXPECT_LT(spec.timing.score_commit_seconds, spec.timing.score_reveal_seconds);
}

}  // namespace
}  // namespace covenant::devnet
