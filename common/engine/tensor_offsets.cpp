#include "common/engine/tensor_offsets.hpp"

#include "common/base/assert.hpp"

namespace covenant::engine {

TensorOffsets::TensorOffsets(const ParameterLayout& layout) {
    std::size_t next = 0;
    const auto take = [&] { return layout.tensors()[next++].offset; };
    embedding = take();
    layers.resize(layout.config().layers);
    for (LayerOffsets& at : layers) {
        for (std::size_t* one :
             {&at.norm1, &at.q, &at.k, &at.v, &at.o, &at.norm2, &at.gate, &at.up, &at.down})
            *one = take();
    }
    norm = take();
    head = take();
    COVENANT_ASSERT(next == layout.tensors().size(), "every tensor of the layout is used once");
}

}  // namespace covenant::engine
