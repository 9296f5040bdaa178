#include "common/engine/profile.hpp"

#include "common/base/log.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"

#include <algorithm>
#include <bit>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace covenant::engine {
namespace {

constexpr int kRules = 1;  // version of rules E1 to E12
constexpr unsigned kMaxThreads = 256;

// The bits that the rules give for the self-test, whoever computes them.
constexpr std::uint64_t kSelfTestBf16 = 0xE3F603E9E58EE907U;
constexpr std::uint64_t kSelfTestF32 = 0x8C4B3D562ED8D76DU;

// Odd sizes: partial blocks of every kind, two strips of attention, grouped query heads.
constexpr ModelConfig kSelfTestModel{.vocab_size = 61,
                                     .d_model = 24,
                                     .layers = 2,
                                     .heads = 4,
                                     .kv_heads = 2,
                                     .d_ff = 35,
                                     .seq_len = 71};

// FNV-1a, 64 bits, over parameters and moments after two steps.
Result<std::uint64_t> self_test_value(Profile profile) {
    profile.threads = 1;
    COVENANT_TRY(Engine engine, Engine::create(kSelfTestModel, profile));
    TrainState state = TrainState::fresh(genesis_parameters(engine.layout(), 1));
    InnerHyper hyper;
    hyper.schedule = {{0, 1e-2}};
    std::vector<std::uint32_t> tokens(kSelfTestModel.seq_len + 1);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        tokens[i] = static_cast<std::uint32_t>(i * i * 7 + i * 13) % kSelfTestModel.vocab_size;
    }
    for (std::uint64_t step = 0; step < 2; ++step) {
        COVENANT_TRY(const StepReport report, engine.train_step(state, tokens, hyper, step));
        static_cast<void>(report);
    }
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const ParameterBuffer* buffer : {&state.theta, &state.m, &state.v}) {
        for (const float value : buffer->floats()) {
            hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3U;
        }
    }
    return hash;
}

// Completes the text of a canonical profile whose kernels compute what the rules say.
Status self_test(Profile& profile) {
    COVENANT_TRY(const std::uint64_t value, self_test_value(profile));
    const std::uint64_t expected =
        profile.precision == kernels::Precision::kBf16 ? kSelfTestBf16 : kSelfTestF32;
    if (value != expected) {
        return fail(Errc::kMismatch,
                    fmt::format("profile {}: the self-test of the {} kernels gave {:016x}, the "
                                "rules give {:016x}: this machine or build does not compute as it "
                                "should; check memory and clock settings",
                                profile.name, kernels::isa_name(profile.isa), value, expected));
    }
    profile.text =
        fmt::format("profile={}\nrules={}\nself-test={:016x}\n", profile.name, kRules, value);
    return {};
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

Result<Profile> load_profile(std::string_view name, const ProfileOptions& options) {
    if (std::ranges::find(kProfileNames, name) == kProfileNames.end()) {
        return fail(Errc::kNotFound, fmt::format("no profile '{}'; known are {}", name,
                                                 fmt::join(kProfileNames, ", ")));
    }
    Profile profile{.name = std::string(name), .text = {}};
    profile.native = name == kLibtorchF32 || name == kLibtorchBf16;
    const bool bf16 = name == kCanonBf16 || name == kLibtorchBf16;
    profile.precision = bf16 ? kernels::Precision::kBf16 : kernels::Precision::kF32;
    const unsigned threads =
        options.threads == 0 ? std::thread::hardware_concurrency() : options.threads;
    profile.threads = std::clamp(threads, 1U, kMaxThreads);
    profile.isa = options.isa.value_or(kernels::available_isas().back());
    COVENANT_CHECK(kernels::kernels_for(profile.isa));
    if (profile.native) {
        profile.text = fmt::format("profile={}\n", name);
        return profile;
    }
    Status passed = self_test(profile);
    while (!passed && !options.isa && profile.isa != kernels::Isa::kScalar) {
        log::warn("engine", passed.error().context + "; trying simpler kernels");
        profile.isa = static_cast<kernels::Isa>(static_cast<int>(profile.isa) - 1);
        passed = self_test(profile);
    }
    COVENANT_CHECK(passed);
    return profile;
}

std::string_view profile_name(std::string_view text) {
    constexpr std::string_view kKey = "profile=";
    for (const std::string_view line : lines_of(text)) {
        if (line.starts_with(kKey)) return line.substr(kKey.size());
    }
    return {};
}

Status check_profile(const Profile& profile, std::string_view expected_text) {
    if (profile.text == expected_text) return {};
    const std::vector<std::string_view> ours = lines_of(profile.text);
    const std::vector<std::string_view> theirs = lines_of(expected_text);
    std::string differences;
    for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
        const std::string_view mine = i < ours.size() ? ours[i] : "(nothing)";
        const std::string_view demanded = i < theirs.size() ? theirs[i] : "(nothing)";
        if (mine == demanded) continue;
        differences += fmt::format("{}the run demands '{}', this process has '{}'",
                                   differences.empty() ? "" : "; ", demanded, mine);
    }
    return fail(
        Errc::kMismatch,
        fmt::format(
            "profile {}: {}; this build of the engine is another one than the run was made for",
            profile.name, differences));
}

}  // namespace covenant::engine
