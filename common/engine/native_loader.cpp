#include "common/engine/native_loader.hpp"

#include "common/engine/native_module.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <dlfcn.h>
#include <fmt/format.h>

namespace covenant::engine {
namespace {

// What libgomp, OpenBLAS and libtorch read when they are loaded (native_module.hpp).
void set_environment(unsigned threads) {
    const std::string count = std::to_string(threads);
    // NOLINTBEGIN(concurrency-mt-unsafe): written once, at the start, when no thread of ours reads
    ::setenv("OMP_WAIT_POLICY", "passive", 0);
    ::setenv("OMP_NUM_THREADS", count.c_str(), 0);
    ::setenv("OPENBLAS_NUM_THREADS", count.c_str(), 0);
    if (kernels::available_isas().back() >= kernels::Isa::kAvx512) {
        ::setenv("ATEN_CPU_CAPABILITY", "avx512", 0);
    }
    // NOLINTEND(concurrency-mt-unsafe)
}

Result<NativeOpsFactory*> factory() {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    // Executables stand in bin/, tests beside it.
    for (const auto& folder : {self.parent_path(), self.parent_path().parent_path() / "bin"}) {
        const std::filesystem::path module = folder / kNativeModuleFile;
        if (!std::filesystem::exists(module, error)) continue;
        void* const handle = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
        void* const symbol = handle == nullptr ? nullptr : ::dlsym(handle, kNativeOpsSymbol);
        if (symbol == nullptr) {
            // NOLINTNEXTLINE(concurrency-mt-unsafe): this text is the thread's own in glibc
            const char* const reason = ::dlerror();
            return fail(Errc::kPrecondition,
                        fmt::format("loading {}: {}", module.string(), reason));
        }
        return reinterpret_cast<NativeOpsFactory*>(symbol);
    }
    return fail(Errc::kPrecondition,
                fmt::format("native profiles need {} beside {}; build with -DCOVENANT_TORCH=ON",
                            kNativeModuleFile, self.string()));
}

}  // namespace

Result<std::unique_ptr<Ops>> load_native_ops(const ModelConfig& config, const Profile& profile) {
    set_environment(profile.threads);
    COVENANT_TRY(NativeOpsFactory* const make, factory());
    std::array<char, 512> error{};
    const int precision = profile.precision == kernels::Precision::kBf16 ? kNativeBf16 : kNativeF32;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes this variable
    const char* wish = std::getenv("COVENANT_NATIVE_GPU");
    const bool gpu = wish != nullptr && *wish != '\0';  // an empty variable is as none
    Ops* const ops =
        make(&config, precision, profile.threads, gpu ? 1 : 0, error.data(), error.size());
    if (ops == nullptr) {
        return fail(Errc::kPrecondition, fmt::format("native module: {}", error.data()));
    }
    return std::unique_ptr<Ops>(ops);
}

}  // namespace covenant::engine
