#include "common/engine/profile.hpp"

#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"

#include <array>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <malloc.h>
#include <torch/csrc/api/include/torch/version.h>
#include <unistd.h>

namespace covenant::engine {
namespace {

constexpr const char* kMarker = "COVENANT_PROFILE_ENVIRONMENT";

constexpr std::array<std::pair<const char*, const char*>, 6> kSettings{{
    {"OPENBLAS_CORETYPE", "Haswell"},
    {"OPENBLAS_NUM_THREADS", "1"},
    {"OMP_NUM_THREADS", "1"},
    {"OMP_WAIT_POLICY", "passive"},
    {"ATEN_CPU_CAPABILITY", "avx2"},
    {"DNNL_MAX_CPU_ISA", "AVX2"},
}};

const std::pair<const char*, const char*>* first_missing() {
    for (const auto& setting : kSettings) {
        const char* value = std::getenv(setting.first);
        if (value == nullptr || std::strcmp(value, setting.second) != 0) return &setting;
    }
    return nullptr;
}

template <typename Function>
Function* library_symbol(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

Result<std::string> blas_description() {
    auto* const config = library_symbol<char*()>("openblas_get_config");
    auto* const core = library_symbol<char*()>("openblas_get_corename");
    if (config == nullptr || core == nullptr) {
        return fail(Errc::kPrecondition,
                    "the BLAS library is not OpenBLAS; install libopenblas0-pthread and select it "
                    "with update-alternatives --config libblas.so.3-x86_64-linux-gnu");
    }
    if (const std::string_view name = core(); name != "Haswell") {
        return fail(Errc::kPrecondition,
                    fmt::format("OpenBLAS runs its {} kernels, the profile needs Haswell; call "
                                "ensure_profile_environment first in main()",
                                name));
    }
    std::string text = config();
    while (!text.empty() && text.back() == ' ')
        text.pop_back();
    return text;
}

// FNV-1a, 64 bits, over the parameters after two steps of the nano model from zero moments.
Result<std::uint64_t> self_test_value(const Profile& profile) {
    COVENANT_TRY(Engine engine, Engine::create(nano_config(), profile));
    TrainState state = TrainState::fresh(genesis_parameters(engine.layout(), 1));
    InnerHyper hyper;
    hyper.schedule = {{0, 1e-3}};
    std::vector<std::uint32_t> tokens(2 * (std::size_t{engine.config().seq_len} + 1));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        tokens[i] = static_cast<std::uint32_t>(i * i * 7 + i * 13) % engine.config().vocab_size;
    }
    for (std::uint64_t step = 0; step < 2; ++step) {
        COVENANT_TRY(const StepReport report, engine.train_step(state, tokens, hyper, step));
        static_cast<void>(report);
    }
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (const float value : state.theta.floats()) {
        hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001B3U;
    }
    return hash;
}

Result<Profile> make_blas_pinned_1() {
    if (const auto* missing = first_missing()) {
        return fail(Errc::kPrecondition,
                    fmt::format("profile {}: the environment has no {}={}; call "
                                "ensure_profile_environment first in main()",
                                kBlasPinned1, missing->first, missing->second));
    }
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
        return fail(Errc::kPrecondition,
                    fmt::format("profile {}: this CPU has no AVX2 and FMA; run on one that has",
                                kBlasPinned1));
    }
    // Freed blocks stay with the process: a step would otherwise fault its pages in again and
    // again.
    ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 512 << 20);
    at::set_num_threads(1);
    COVENANT_TRY(const std::string blas, blas_description());
    if (at::show_config().find("CPU capability usage: AVX2") == std::string::npos) {
        return fail(Errc::kPrecondition,
                    fmt::format("profile {}: libtorch does not run its AVX2 kernels although "
                                "ATEN_CPU_CAPABILITY=avx2 is set",
                                kBlasPinned1));
    }
    Profile profile{
        .kernels = KernelSet::kBlasPinned, .name = std::string(kBlasPinned1), .text = {}};
    COVENANT_TRY(const std::uint64_t first, self_test_value(profile));
    COVENANT_TRY(const std::uint64_t second, self_test_value(profile));
    if (first != second) {
        return fail(Errc::kMismatch,
                    fmt::format("profile {}: two self-tests of this process gave {:016x} and "
                                "{:016x}; check the machine's memory and clock settings",
                                kBlasPinned1, first, second));
    }
    profile.text =
        fmt::format("profile={}\ntorch={}\nblas={}\naten=avx2\nthreads=1\nself-test={:016x}\n",
                    profile.name, TORCH_VERSION, blas, first);
    return profile;
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

Status ensure_profile_environment(int argc, char** argv) {
    const auto* missing = first_missing();
    if (missing == nullptr) return {};
    if (std::getenv(kMarker) != nullptr) {
        return fail(Errc::kPrecondition,
                    fmt::format("the environment still has no {}={} after a re-execution; unset {} "
                                "and start again",
                                missing->first, missing->second, kMarker));
    }
    ::setenv(kMarker, "1", 1);
    for (const auto& [name, value] : kSettings)
        ::setenv(name, value, 1);
    std::vector<char*> arguments(argv, argv + argc);
    arguments.push_back(nullptr);
    ::execv("/proc/self/exe", arguments.data());
    return fail(Errc::kIo, fmt::format("re-executing /proc/self/exe: {}", std::strerror(errno)));
}

Result<Profile> load_profile(std::string_view name) {
    if (name != kBlasPinned1) {
        return fail(Errc::kNotFound,
                    fmt::format("no profile '{}'; this build has {}", name, kBlasPinned1));
    }
    static std::mutex mutex;
    static Result<Profile> profile = fail(Errc::kPrecondition, "not loaded");
    static bool loaded = false;
    const std::scoped_lock lock(mutex);
    if (!loaded) {
        profile = make_blas_pinned_1();
        loaded = profile.has_value();
    }
    return profile;
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
    return fail(Errc::kMismatch,
                fmt::format("profile {}: {}; install the package versions the run names",
                            profile.name, differences));
}

}  // namespace covenant::engine
