// A tiny run on made-up text, and honest or cheating rounds of it.
#pragma once

#include "common/data/window_reader.hpp"
#include "common/execution/opening.hpp"
#include "common/execution/round_executor.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

namespace covenant::execution::testing {

struct TestRun {
    data::WindowReader windows;
    protocol::RunSpec spec;
    engine::Engine engine;
    engine::ParameterBuffer genesis;
    Hash256 genesis_root;
    protocol::RunId run;
};

// Writes the data folder, or reuses the one that is there.
TestRun make_run(const std::filesystem::path& folder);
// The one of this process, in a temporary folder that is removed at exit.
TestRun& shared_run();
std::filesystem::path shared_folder();

Address hotkey_of(std::uint32_t rank);
protocol::AssignmentInput assignment_of(const TestRun& run, std::uint32_t rank,
                                        std::uint64_t round = 0);
SegmentJob segment_job(const TestRun& run, std::uint32_t rank, std::uint16_t segment,
                       std::uint64_t round = 0);
RoundJob round_job(const TestRun& run, std::uint32_t rank, const Conduct& conduct = honest(),
                   std::uint64_t round = 0);

struct PlayedRound {
    RoundResult result;
    std::vector<Bytes> boundaries;  // encoded state openings, 0..S
};
// Round 0 from genesis. Three miners are active.
PlayedRound play(TestRun& run, std::uint32_t rank, const Conduct& conduct = honest());
// Round 1 on the same parameters, continuing play(run, rank); `included`: what that sent arrived.
PlayedRound play_on(TestRun& run, std::uint32_t rank, bool included);
// What its opening stands under.
CommittedFeedback committed_feedback(const PlayedRound& round, bool included);
// The same, kept for the process: most tests look at the same few rounds.
const PlayedRound& played(std::uint32_t rank, const Conduct& conduct = honest());

}  // namespace covenant::execution::testing
