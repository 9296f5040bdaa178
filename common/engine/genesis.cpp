#include "common/engine/genesis.hpp"

#include "common/base/counter_rng.hpp"

#include <cmath>

namespace covenant::engine {
namespace {

constexpr double kStd = 0.02;
constexpr double kUnit = 1.0 / 4294967296.0;  // 2^-32

bool is_output_projection(const std::string& name) {
    return name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
}

}  // namespace

ParameterBuffer genesis_parameters(const ParameterLayout& layout, std::uint64_t seed) {
    ParameterBuffer theta(layout);
    const double output_std = kStd / std::sqrt(2.0 * static_cast<double>(layout.config().layers));
    std::uint64_t stream = 0;
    for (const TensorSlot& slot : layout.tensors()) {
        const CounterRng rng(seed, stream++);
        const double std = is_output_projection(slot.name) ? output_std : kStd;
        const std::span<float> out = theta.floats().subspan(slot.offset, slot.numel);
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (slot.is_norm) {
                out[i] = 1.0F;
                continue;
            }
            std::uint64_t sum = 0;
            for (std::uint64_t b = 0; b < 3; ++b) {
                for (const std::uint32_t word : rng.block(3 * i + b))
                    sum += word;
            }
            out[i] = static_cast<float>((static_cast<double>(sum) * kUnit - 6.0) * std);
        }
    }
    return theta;
}

}  // namespace covenant::engine
