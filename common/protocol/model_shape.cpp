#include "common/protocol/model_shape.hpp"

#include <algorithm>

namespace covenant::protocol {

std::vector<std::uint64_t> tensor_elements(const ModelSpec& model) {
    const std::uint64_t width = model.d_model;
    const std::uint64_t kv_width = width / model.heads * model.kv_heads;
    const std::uint64_t ff = model.d_ff;
    const std::uint64_t table = std::uint64_t{model.vocab_size} * width;
    std::vector<std::uint64_t> sizes{table};
    for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
        sizes.insert(sizes.end(), {width, width * width, kv_width * width, kv_width * width,
                                   width * width, width, ff * width, ff * width, ff * width});
    }
    sizes.insert(sizes.end(), {width, table});
    return sizes;
}

std::uint64_t parameter_count(const ModelSpec& model) {
    std::uint64_t count = 0;
    for (const std::uint64_t elements : tensor_elements(model)) {
        count += elements;
    }
    return count;
}

std::uint64_t chunk_count(const ModelSpec& model) {
    std::uint64_t count = 0;
    for (const std::uint64_t elements : tensor_elements(model)) {
        count += (elements + kChunkElements - 1) / kChunkElements;
    }
    return count;
}

std::vector<std::uint16_t> chunk_elements(const ModelSpec& model) {
    std::vector<std::uint16_t> chunks;
    for (std::uint64_t left : tensor_elements(model)) {
        for (; left > 0; left -= std::min<std::uint64_t>(left, kChunkElements)) {
            chunks.push_back(
                static_cast<std::uint16_t>(std::min<std::uint64_t>(left, kChunkElements)));
        }
    }
    return chunks;
}

}  // namespace covenant::protocol
