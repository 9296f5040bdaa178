#include "common/engine/kernels/kernels.hpp"

#include "common/engine/kernels/tables.hpp"

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace covenant::kernels {
namespace {

void gemm_amx_or_avx512(const Gemm& gemm) {
    gemm.precision == Precision::kBf16 ? gemm_amx(gemm) : gemm_avx512(gemm);
}

Kernels with_gemm(Isa isa, Kernels table, void (*gemm)(const Gemm&)) {
    table.isa = isa;
    table.gemm = gemm;
    return table;
}

}  // namespace

Result<const Kernels*> kernels_for(Isa isa) {
    static const std::array<Kernels, 4> tables{
        with_gemm(Isa::kScalar, row_kernels_scalar(), gemm_scalar),
        with_gemm(Isa::kAvx2, row_kernels_avx2(), gemm_avx2),
        with_gemm(Isa::kAvx512, row_kernels_avx512(), gemm_avx512),
        with_gemm(Isa::kAmx, row_kernels_avx512(), gemm_amx_or_avx512)};
    std::vector<std::string_view> names;
    for (const Isa one : available_isas()) {
        if (one == isa) return &tables[static_cast<std::size_t>(isa)];
        names.push_back(isa_name(one));
    }
    return fail(Errc::kPrecondition, fmt::format("this CPU cannot run the {} kernels; it has {}",
                                                 isa_name(isa), fmt::join(names, ", ")));
}

}  // namespace covenant::kernels
