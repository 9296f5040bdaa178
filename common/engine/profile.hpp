// A profile names the arithmetic of a run. Its text is hashed into the profile id: two processes
// with the same text produce the same bits.
//   canon-bf16, canon-f32   rules E1 to E12 of README.md: the same bits on every CPU, instruction
//                           set and thread count
//   native-f32, native-bf16 libtorch as fast as it goes: no promise of equal bits
#pragma once

#include "common/base/result.hpp"
#include "common/engine/kernels/kernels.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace covenant::engine {

inline constexpr std::string_view kCanonBf16 = "canon-bf16";
inline constexpr std::string_view kCanonF32 = "canon-f32";
inline constexpr std::string_view kLibtorchF32 = "native-f32";
inline constexpr std::string_view kLibtorchBf16 = "native-bf16";
inline constexpr std::array<std::string_view, 4> kProfileNames{kCanonBf16, kCanonF32, kLibtorchF32,
                                                               kLibtorchBf16};

// How this process carries a profile out; none of it changes a bit of a canonical profile.
struct ProfileOptions {
    std::optional<kernels::Isa> isa;  // default: the best this CPU has
    unsigned threads = 0;             // 0: one per core
};

struct Profile {
    std::string name;
    // Lines "key=value", 1..1024 characters; of a canonical profile the name, the version of the
    // rules and the self-test's value, equal on every machine.
    std::string text;
    kernels::Precision precision = kernels::Precision::kBf16;
    bool native = false;
    kernels::Isa isa = kernels::Isa::kScalar;
    unsigned threads = 1;  // at most 256
};

// The profile by name. A canonical one trains a tiny model for two steps and compares the bits of
// the result with the committed ones (milliseconds; about a tenth of a second with the scalar
// kernels). Where no instruction set is asked for, one that fails is logged and the next simpler
// one is tried.
// kNotFound: no such profile; kPrecondition: this CPU lacks the instruction set asked for;
// kMismatch: the self-test gave other bits (the process must not train or audit).
Result<Profile> load_profile(std::string_view name, const ProfileOptions& options = {});

// The name in a profile's text; empty when it has none.
[[nodiscard]] std::string_view profile_name(std::string_view text);

// Compares the process's profile with the text a run demands. kMismatch lists the lines that
// differ.
Status check_profile(const Profile& profile, std::string_view expected_text);

}  // namespace covenant::engine
