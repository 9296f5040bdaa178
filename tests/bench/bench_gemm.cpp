// The canonical matrix product against OpenBLAS' sgemm, one thread each, over the products of a
// training step of the presets 10M and 50M: 1024 tokens, the head in chunks of 256; forward, dX,
// dW. Both sides of a ratio run by turns in one benchmark, and the best CPU time of each counts.
#include "common/engine/kernels/kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <fmt/format.h>

namespace covenant::kernels {
namespace {

constexpr int kTurns = 9;
constexpr double kTurnOperations = 2e8;  // so many multiplications and additions a turn, or more

struct Free {
    void operator()(float* p) const { std::free(p); }
};
using Floats = std::unique_ptr<float, Free>;

Floats floats(std::size_t count) {
    const std::size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
    Floats memory(static_cast<float*>(std::aligned_alloc(64, bytes)));
    std::mt19937_64 random(1);
    for (std::size_t i = 0; i < count; ++i) {
        memory.get()[i] = static_cast<float>(static_cast<std::int32_t>(random())) * 0x1p-31F;
    }
    return memory;
}

double cpu_seconds() {
    std::timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Y[tokens, out] = X[tokens, in] W[out, in]^T, and its gradients.
enum class Pass : unsigned char { kForward, kInput, kWeight };

struct Shape {
    const char* model;
    Pass pass;
    std::size_t tokens, in, out;
};

Gemm product(const Shape& shape, const float* left, const float* right, float* c,
             float* workspace) {
    Gemm gemm{.a = left, .b = right, .c = c, .workspace = workspace};
    switch (shape.pass) {
        case Pass::kForward:
            gemm.m = shape.tokens, gemm.n = shape.out, gemm.k = shape.in;
            gemm.a_row = gemm.k, gemm.b_row = 1, gemm.b_col = gemm.k;
            break;
        case Pass::kInput:
            gemm.m = shape.tokens, gemm.n = shape.in, gemm.k = shape.out;
            gemm.a_row = gemm.k, gemm.b_row = gemm.n;
            break;
        case Pass::kWeight:
            gemm.m = shape.out, gemm.n = shape.in, gemm.k = shape.tokens;
            gemm.a_row = 1, gemm.a_col = gemm.m, gemm.b_row = gemm.n;
            gemm.accumulate = true;
            break;
    }
    gemm.c_row = gemm.n;
    return gemm;
}

void openblas(const Gemm& g) {
    const auto number = [](std::size_t x) { return static_cast<int>(x); };
    cblas_sgemm(CblasRowMajor, g.a_col == 1 ? CblasNoTrans : CblasTrans,
                g.b_col == 1 ? CblasNoTrans : CblasTrans, number(g.m), number(g.n), number(g.k),
                1.0F, g.a, number(std::max(g.a_row, g.a_col)), g.b,
                number(std::max(g.b_row, g.b_col)), g.accumulate ? 1.0F : 0.0F, g.c,
                number(g.c_row));
}

// Sums of logarithms over the shapes that ran.
struct Means {
    double f32 = 0.0, bf16 = 0.0;
    int shapes = 0;
};
Means means;

void run_shape(benchmark::State& state, const Shape& shape) {
    const CanonicalFloatMode mode;
    const Kernels& kernels = *kernels_for(available_isas().back()).value();
    const Floats workspace = floats(kGemmWorkspaceFloats);
    Gemm gemm = product(shape, nullptr, nullptr, nullptr, workspace.get());
    const Floats a = floats(gemm.m * gemm.k);
    const Floats b = floats(gemm.k * gemm.n);
    const Floats c = floats(gemm.m * gemm.n);
    gemm = product(shape, a.get(), b.get(), c.get(), workspace.get());
    const double operations = 2.0 * static_cast<double>(gemm.m * gemm.n * gemm.k);
    const int repeats = 1 + static_cast<int>(kTurnOperations / operations);
    std::array<double, 3> best{1e9, 1e9, 1e9};
    for (auto _ : state) {
        for (int turn = 0; turn < kTurns; ++turn) {
            for (std::size_t which = 0; which < best.size(); ++which) {
                gemm.precision = which == 1 ? Precision::kF32 : Precision::kBf16;
                const double start = cpu_seconds();
                for (int i = 0; i < repeats; ++i)
                    which == 0 ? openblas(gemm) : kernels.gemm(gemm);
                best[which] = std::min(best[which], (cpu_seconds() - start) / repeats);
            }
        }
        benchmark::ClobberMemory();
    }
    state.counters["openblas_gflops"] = 1e-9 * operations / best[0];
    state.counters["f32_gflops"] = 1e-9 * operations / best[1];
    state.counters["bf16_gflops"] = 1e-9 * operations / best[2];
    state.counters["f32_of_openblas"] = best[0] / best[1];
    state.counters["bf16_of_openblas"] = best[0] / best[2];
    means.f32 += std::log(best[0] / best[1]);
    means.bf16 += std::log(best[0] / best[2]);
    ++means.shapes;
}

void run_means(benchmark::State& state) {
    for (auto _ : state) {
    }
    if (means.shapes == 0) {
        state.SkipWithError("no shape ran before it: leave out the filter");
        return;
    }
    state.counters["f32_of_openblas"] = std::exp(means.f32 / means.shapes);
    state.counters["bf16_of_openblas"] = std::exp(means.bf16 / means.shapes);
    state.counters["shapes"] = means.shapes;
}

void add_model(const char* name, std::size_t width, std::size_t hidden, std::size_t vocabulary) {
    const std::array<Shape, 5> products{
        Shape{name, Pass::kForward, 1024, width, width},      // q, o
        Shape{name, Pass::kForward, 1024, width, width / 2},  // k, v
        Shape{name, Pass::kForward, 1024, width, hidden},     // gate, up
        Shape{name, Pass::kForward, 1024, hidden, width},     // down
        Shape{name, Pass::kForward, 256, width, vocabulary},  // head
    };
    constexpr std::array<const char*, 3> kNames{"forward", "dX", "dW"};
    for (Shape shape : products) {
        for (const Pass pass : {Pass::kForward, Pass::kInput, Pass::kWeight}) {
            shape.pass = pass;
            const Gemm g = product(shape, nullptr, nullptr, nullptr, nullptr);
            benchmark::RegisterBenchmark(
                fmt::format("{}/{}/{}x{}x{}", name, kNames[static_cast<std::size_t>(pass)], g.m,
                            g.n, g.k)
                    .c_str(),
                run_shape, shape)
                ->Iterations(1)
                ->Unit(benchmark::kMillisecond);
        }
    }
}

}  // namespace
}  // namespace covenant::kernels

int main(int argc, char** argv) {
    using namespace covenant::kernels;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    openblas_set_num_threads(1);
    benchmark::AddCustomContext("isa", std::string(isa_name(available_isas().back())));
    benchmark::AddCustomContext("openblas", openblas_get_corename());
    add_model("10M", 256, 688, 8192);
    add_model("50M", 512, 1408, 16384);
    benchmark::RegisterBenchmark("all", run_means)->Iterations(1);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
