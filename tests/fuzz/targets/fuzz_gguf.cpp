// GGUF files from strangers. What is accepted lies within the file, and reads.
#include "common/base/assert.hpp"
#include "common/model_files/checkpoint_file.hpp"
#include "common/model_files/gguf.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::model_files;
    const ByteView input(data, size);
    const auto header = read_gguf_header(*memory_input(input));
    if (!header) return 0;
    std::uint64_t last = 0;
    for (const StoredTensor& tensor : header->tensors) {
        COVENANT_ASSERT(tensor.offset <= size && tensor.bytes <= size - tensor.offset,
                        "an accepted tensor lies within the file");
        last = std::max(last, tensor.offset + tensor.bytes);
    }
    COVENANT_ASSERT(size - last < 65536, "accepted tensors explain the file");
    if (const auto config = gguf_model_config(*header)) {
        COVENANT_ASSERT(config->validate(), "an accepted config is valid");
    }
    if (const auto file = CheckpointFile::from_gguf(memory_input(input))) {
        const auto root = scan(**file, {});
        COVENANT_ASSERT(root || root.error().code == Errc::kMalformed,
                        "only values can be at fault");
    }
    return 0;
}
