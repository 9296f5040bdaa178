#include "tests/unit/common/engine/engine_fixture.hpp"

#include <array>
#include <bit>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace covenant::engine::testing {

std::uint64_t trained_state_hash(int steps) {
    Engine engine = make_engine();
    TrainState state = TrainState::fresh(genesis_parameters(engine.layout(), 11));
    for (int step = 0; step < steps; ++step) {
        const auto tokens = make_tokens(engine.config(), 3, static_cast<std::uint64_t>(step));
        const auto report =
            engine.train_step(state, tokens, make_hyper(), static_cast<std::uint64_t>(step));
        if (!report) throw std::runtime_error(report.error().context);
    }
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const ParameterBuffer* buffer : {&state.theta, &state.m, &state.v}) {
        for (const float value : buffer->floats()) {
            hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3U;
        }
    }
    return hash;
}

namespace {

TEST(Determinism, SameBitsTwice) {
    EXPECT_EQ(trained_state_hash(5), trained_state_hash(5));
}

TEST(Determinism, SameBitsInAnotherThread) {
    std::uint64_t other = 0;
    std::thread([&] { other = trained_state_hash(5); }).join();
    EXPECT_EQ(other, trained_state_hash(5));
}

TEST(Determinism, SameBitsInAnotherProcess) {
    struct Close {
        void operator()(std::FILE* file) const { ::pclose(file); }
    };
    std::array<char, 4096> path{};
    const auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    ASSERT_GT(length, 0);
    // Without the settings in its environment, so that the re-execution is part of the test.
    const std::string command = fmt::format(
        "env -u OPENBLAS_CORETYPE -u ATEN_CPU_CAPABILITY -u "
        "COVENANT_PROFILE_ENVIRONMENT '{}' --print-state-hash",
        path.data());
    const std::unique_ptr<std::FILE, Close> pipe(::popen(command.c_str(), "r"));
    ASSERT_NE(pipe, nullptr);
    std::array<char, 64> line{};
    ASSERT_NE(std::fgets(line.data(), static_cast<int>(line.size()), pipe.get()), nullptr);
    EXPECT_EQ(std::string(line.data()), fmt::format("{:016x}\n", trained_state_hash(5)));
}

TEST(Determinism, AnotherBatchGivesOtherBits) {
    EXPECT_NE(trained_state_hash(5), trained_state_hash(4));
}

TEST(Determinism, LossIsRepeatable) {
    Engine engine = make_engine();
    const ParameterBuffer theta = genesis_parameters(engine.layout(), 11);
    const auto tokens = make_tokens(engine.config(), 7, 3);
    const double first = engine.loss(theta, tokens).value();
    Engine again = make_engine();
    EXPECT_EQ(std::bit_cast<std::uint64_t>(first),
              std::bit_cast<std::uint64_t>(again.loss(theta, tokens).value()));
}

}  // namespace
}  // namespace covenant::engine::testing
