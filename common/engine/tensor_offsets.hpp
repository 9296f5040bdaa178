// Where a model's tensors begin in a ParameterBuffer, by what they do: for whoever computes with
// them.
#pragma once

#include "common/engine/parameter_layout.hpp"

#include <cstddef>
#include <vector>

namespace covenant::engine {

struct LayerOffsets {
    std::size_t norm1, q, k, v, o, norm2, gate, up, down;
};

struct TensorOffsets {
    explicit TensorOffsets(const ParameterLayout& layout);

    std::size_t embedding = 0;
    std::vector<LayerOffsets> layers;
    std::size_t norm = 0;
    std::size_t head = 0;
};

}  // namespace covenant::engine
