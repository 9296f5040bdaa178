// The bits: the same for every instruction set and thread count, and the committed ones. A change
// of these hashes is a change of the rules (E1 to E12) and of the profile.
#include "tests/support/engine_fixture.hpp"

#include <iostream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

struct Golden {
    std::string_view profile;
    std::string_view preset;
    std::size_t windows;   // of a step
    std::uint32_t tokens;  // of a window, 0: the preset's
    int steps;
    std::uint64_t hash;
};

constexpr Golden kScalarStep{kCanonBf16, "nano", 1, 64, 1, 0xDC9A1197E6D1E292U};
constexpr Golden kScalarStepF32{kCanonF32, "nano", 1, 64, 1, 0xD48D2C43D723A082U};
const std::vector<Golden> kGolden{
    {kCanonBf16, "nano", 2, 0, 1, 0x64E80A88A92848C4U},
    {kCanonBf16, "nano", 2, 0, 5, 0x9C52DD3D5A1359C1U},
    {kCanonBf16, "nano", 2, 0, 50, 0xD4075C55C3732414U},
    {kCanonBf16, "10M", 2, 0, 5, 0x6802462A6B6B561AU},
    {kCanonF32, "nano", 2, 0, 1, 0x47D4293E47410ED6U},
    {kCanonF32, "nano", 2, 0, 5, 0x66BCE651F09552A1U},
    {kCanonF32, "nano", 2, 0, 50, 0x5F500BEFE5BBF423U},
    {kCanonF32, "10M", 2, 0, 5, 0x7941D62E3581F9A7U},
};

std::uint64_t trained(const Golden& golden, const ProfileOptions& options) {
    ModelConfig config = model_preset(golden.preset).value();
    if (golden.tokens != 0) config.seq_len = golden.tokens;
    Engine engine = make_engine(config, golden.profile, options);
    TrainState state = TrainState::fresh(genesis_parameters(engine.layout(), 2026));
    for (int step = 0; step < golden.steps; ++step) {
        const auto at = static_cast<std::uint64_t>(step);
        const auto tokens = make_tokens(config, golden.windows, at);
        if (const auto report = engine.train_step(state, tokens, make_hyper(1e-3), at); !report) {
            throw std::runtime_error(report.error().context);
        }
    }
    return state_hash(state);
}

void expect_golden(const Golden& golden, const ProfileOptions& options) {
    EXPECT_EQ(fmt::format("{:016x}", trained(golden, options)), fmt::format("{:016x}", golden.hash))
        << golden.profile << " " << golden.preset << " after " << golden.steps << " steps, "
        << kernels::isa_name(*options.isa) << ", threads " << options.threads;
}

// Every SIMD variant that this CPU has, with 1, 2 and 4 threads.
TEST(GoldenHashes, EveryInstructionSetAndThreadCount) {
    for (const Golden& golden : kGolden) {
        for (const kernels::Isa isa : kernels::available_isas()) {
            if (isa == kernels::Isa::kScalar) continue;
            for (const unsigned threads : {1U, 2U, 4U})
                expect_golden(golden, {.isa = isa, .threads = threads});
        }
    }
}

TEST(GoldenHashes, OneStepOfTheScalarReference) {
    for (const Golden& golden : {kScalarStep, kScalarStepF32}) {
        for (const kernels::Isa isa : kernels::available_isas())
            expect_golden(golden, {.isa = isa, .threads = 2});
    }
}

TEST(GoldenHashes, TellOneStepFromAnother) {
    const Golden one{kCanonBf16, "nano", 2, 0, 1, 0};
    const Golden two{kCanonBf16, "nano", 2, 0, 2, 0};
    EXPECT_NE(trained(one, {}), trained(two, {}));
    EXPECT_NE(trained(one, {}), trained({kCanonF32, "nano", 2, 0, 1, 0}, {}));
}

TEST(Determinism, LossHasTheSameBitsEverywhere) {
    const ModelConfig config = nano_config();
    const auto tokens = make_tokens(config, 11, 3);
    std::vector<std::uint64_t> bits;
    for (const kernels::Isa isa : kernels::available_isas()) {
        if (isa == kernels::Isa::kScalar) continue;
        for (const unsigned threads : {1U, 3U}) {
            Engine engine = make_engine(config, kCanonBf16, {.isa = isa, .threads = threads});
            const ParameterBuffer theta = genesis_parameters(engine.layout(), 11);
            bits.push_back(std::bit_cast<std::uint64_t>(engine.loss(theta, tokens).value()));
        }
    }
    for (const std::uint64_t one : bits)
        EXPECT_EQ(one, bits.front());
}

}  // namespace
}  // namespace covenant::engine::testing
