#include "chain/participant/kernel_options.hpp"

namespace covenant::participant {

void describe(node::OptionTable& table, KernelOptions& options) {
    table.add("threads", options.threads, "threads of the engine; 0 takes one per core")
        .group("Kernels")
        .value_name("N")
        .range(0, 256);
    table.add("isa", options.isa, "instruction set of the kernels; the bits are the same")
        .group("Kernels")
        .value_name("ISA")
        .choices({"auto", "scalar", "avx2", "avx512", "amx"});
}

Result<engine::ProfileOptions> profile_options(const KernelOptions& options) {
    engine::ProfileOptions result;
    result.threads = options.threads;
    if (options.isa != "auto") {
        auto isa = kernels::parse_isa(options.isa);
        if (!isa) {
            return fail(Errc::kInvalidArgument, "--isa: " + isa.error().context);
        }
        result.isa = *isa;
    }
    return result;
}

}  // namespace covenant::participant
