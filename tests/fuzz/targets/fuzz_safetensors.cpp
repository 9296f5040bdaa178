// Safetensors files from strangers, and the index and the config beside them. What is accepted
// explains the whole file.
#include "common/base/assert.hpp"
#include "common/model_files/checkpoint_file.hpp"
#include "common/model_files/llama_config.hpp"
#include "common/model_files/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace covenant;
using namespace covenant::model_files;

void read_all(const CheckpointFile& file) {
    const auto root = scan(file, {});
    COVENANT_ASSERT(root || root.error().code == Errc::kMalformed, "only values can be at fault");
}

// The shape of the one model that a seed holds.
std::string config() {
    return llama_config_json({.vocab_size = 4,
                              .d_model = 4,
                              .layers = 1,
                              .heads = 2,
                              .kv_heads = 1,
                              .d_ff = 2,
                              .seq_len = 2},
                             TensorType::kF32);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    if (const auto header = read_safetensors_header(*memory_input(input))) {
        std::uint64_t bytes = 0;
        for (const StoredTensor& tensor : header->tensors) {
            COVENANT_ASSERT(tensor.offset <= size && tensor.bytes <= size - tensor.offset,
                            "an accepted tensor lies within the file");
            bytes += tensor.bytes;
        }
        const std::uint64_t start = 8 + load_le<std::uint64_t>(data);
        COVENANT_ASSERT(start + bytes == size, "accepted tensors explain the file");
        std::vector<std::unique_ptr<Input>> files;
        files.push_back(memory_input(input));
        if (const auto file = CheckpointFile::from_safetensors(config(), std::move(files))) {
            read_all(**file);
        }
    }
    if (const auto index = parse_shard_index(as_text(input))) {
        for (const auto& [tensor, file] : *index) {
            COVENANT_ASSERT(file.find('/') == std::string::npos && !file.starts_with('.'),
                            "a file of the index lies in its folder");
        }
    }
    if (const auto model = parse_llama_config(as_text(input))) {
        COVENANT_ASSERT(model->validate(), "an accepted config is valid");
        COVENANT_ASSERT(parse_llama_config(llama_config_json(*model, TensorType::kF32)) == *model,
                        "a config survives writing");
    }
    return 0;
}
