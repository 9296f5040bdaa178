// Which instruction sets this CPU and operating system can run: asked here and nowhere else.
#include "common/engine/kernels/kernels.hpp"

#include <array>

#include <cpuid.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace covenant::kernels {
namespace {

constexpr std::array<std::string_view, 4> kNames{"scalar", "avx2", "avx512", "amx"};

// gcc 12 knows no name for it: CPUID leaf 7, EDX bits 22 (AMX-BF16) and 24 (AMX-TILE).
bool cpu_has_amx() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d >> 22 & 1U) != 0 &&
           (d >> 24 & 1U) != 0;
}

// Linux hands out the tile registers' 8 KiB of state on request (Documentation/arch/x86/xstate).
bool request_amx() {
    constexpr long kRequestPermission = 0x1023;
    constexpr long kTileData = 18;
    return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

std::vector<Isa> detect() {
    std::vector<Isa> isas{Isa::kScalar};
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt")) {
        isas.push_back(Isa::kAvx2);
    }
    if (isas.size() == 2 && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq")) {
        isas.push_back(Isa::kAvx512);
    }
    if (isas.size() == 3 && cpu_has_amx() && request_amx()) isas.push_back(Isa::kAmx);
    return isas;
}

}  // namespace

std::vector<Isa> available_isas() {
    static const std::vector<Isa> isas = detect();
    return isas;
}

std::string_view isa_name(Isa isa) {
    return kNames[static_cast<std::size_t>(isa)];
}

Result<Isa> parse_isa(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i) {
        if (kNames[i] == name) return static_cast<Isa>(i);
    }
    return fail(Errc::kNotFound, fmt::format("no instruction set '{}'; known are {}", name,
                                             fmt::join(kNames, ", ")));
}

}  // namespace covenant::kernels
