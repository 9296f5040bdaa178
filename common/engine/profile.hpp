// A profile names the kernels a process runs and everything that decides their bits. Its text is
// hashed into the profile id: two processes with the same text produce the same bits.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace covenant::engine {

enum class KernelSet : unsigned char {
    kBlasPinned,  // libtorch operations on OpenBLAS, one thread, AVX2 kernels
};

struct Profile {
    KernelSet kernels = KernelSet::kBlasPinned;
    std::string name;  // "blas-pinned-1"
    // Lines "key=value": the name, library versions, settings, and the self-test value. Stable
    // across machines that give the same bits.
    std::string text;
};

inline constexpr std::string_view kBlasPinned1 = "blas-pinned-1";

// The first statement of main() in every process that trains: the settings below must stand before
// libgomp, OpenBLAS and libtorch load, so the process executes itself once more with them set.
// Returns in the second process (or at once where they already stand). Does not return in the first
// one.
//   OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
//   ATEN_CPU_CAPABILITY=avx2 DNNL_MAX_CPU_ISA=AVX2
// kPrecondition: the settings are still not in force after the re-execution; kIo: it failed.
Status ensure_profile_environment(int argc, char** argv);

// The profile by name. Checks that its settings stand and the libraries obey them (OpenBLAS is the
// BLAS, its core is Haswell, the CPU has AVX2 and FMA), limits libtorch to one thread, and runs the
// self-test: three training steps of a tiny model, twice; the value (FNV-1a-64 over the bits of the
// parameters) becomes part of the text. Costs milliseconds; the result is computed once per
// process. kNotFound: no such profile; kPrecondition: environment or library is not as the profile
// says (the message names it and what to do); kMismatch: two self-test runs differ (broken hardware
// or overclocking).
Result<Profile> load_profile(std::string_view name);

// Compares the process's profile with the text a run demands. kMismatch lists the lines that
// differ.
Status check_profile(const Profile& profile, std::string_view expected_text);

}  // namespace covenant::engine
