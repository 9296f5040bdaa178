// The door to libcovenant-native.so: the model's operations by libtorch. The module is opened with
// dlopen, so that only processes that run a native profile pay for libtorch (half a second and
// 170 MB), and is never closed: libtorch keeps threads and thread-local objects.
//
// Settings read once, when the libraries load. The loader sets those that are not set, before
// dlopen(path, RTLD_NOW | RTLD_LOCAL) and before the process has other threads (setenv):
//   OMP_WAIT_POLICY=passive       idle workers sleep; by default they spin, and a second busy
//                                 process makes both several times slower
//   OMP_NUM_THREADS=<threads>     as in the call below
//   OPENBLAS_NUM_THREADS=<threads>  OpenBLAS listens to no one else at its start
//   ATEN_CPU_CAPABILITY=avx512    only where the CPU has AVX-512 F, BW, DQ and VL: libtorch alone
//                                 stops at AVX2
#pragma once

#include "common/engine/ops.hpp"

#include <cstddef>

namespace covenant::engine {

enum NativePrecision : int {
    kNativeF32 = 0,
    // Operands of matrix products in bf16. Where the hardware multiplies bf16, products come out
    // in bf16 and are added in fp32; elsewhere operands are rounded to bf16 and multiplied in fp32.
    // Norms, softmax, loss, sums and all that is kept stay fp32 in either case.
    kNativeBf16 = 1,
};

inline constexpr const char* kNativeModuleFile = "libcovenant-native.so";
inline constexpr const char* kNativeOpsSymbol = "covenant_native_ops";

// Operations for a valid config, to be destroyed with delete; nullptr with a text in error[0 ..
// error_size) (cut to fit, ends in 0; error may be nullptr) when precision is unknown, threads is
// 0, or gpu is not 0 and this libtorch has no usable CUDA device. Throws nothing.
//
// threads: of libtorch and of its BLAS, for the whole process: the last call decides.
// gpu: 0 = the operations work on host memory; otherwise on the first CUDA device.
// Also tells malloc, for the whole process, to keep large blocks instead of returning them to the
// kernel after every operation.
//
// The Ops returned is for one thread at a time. allocate() returns nullptr when there is no memory;
// any operation may throw an exception derived from std::exception (a device out of memory).
// Results are those of the installed libraries: bits differ between machines, thread counts and
// versions.
using NativeOpsFactory = Ops*(const ModelConfig* config, int precision, unsigned threads, int gpu,
                              char* error, std::size_t error_size);

}  // namespace covenant::engine

extern "C" __attribute__((visibility("default"))) covenant::engine::Ops* covenant_native_ops(
    const covenant::engine::ModelConfig* config, int precision, unsigned threads, int gpu,
    char* error, std::size_t error_size);
