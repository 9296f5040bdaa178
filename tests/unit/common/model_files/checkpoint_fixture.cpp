#include "tests/unit/common/model_files/checkpoint_fixture.hpp"

#include "common/base/assert.hpp"
#include "common/base/counter_rng.hpp"
#include "common/base/file.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/sha256.hpp"
#include "common/model_files/llama_config.hpp"
#include "tests/support/corpus_fixture.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace covenant::model_files::testing {

namespace fs = std::filesystem;

engine::ModelConfig small_config() {
    return {.vocab_size = 400,
            .d_model = 16,
            .layers = 2,
            .heads = 4,
            .kv_heads = 2,
            .d_ff = 24,
            .seq_len = 8};
}

const engine::ParameterLayout& small_layout() {
    static const engine::ParameterLayout layout(small_config());
    return layout;
}

const engine::ParameterBuffer& small_parameters() {
    static const engine::ParameterBuffer buffer = [] {
        engine::ParameterBuffer out(small_layout());
        const CounterRng random(3);
        std::uint64_t i = 0;
        for (const engine::TensorSlot& slot : small_layout().tensors()) {
            for (float& value : out.floats().subspan(slot.offset, slot.numel)) {
                const auto word = static_cast<std::int32_t>(random.block(i++)[0] >> 7);
                value = static_cast<float>(word - (1 << 24)) * 0x1p-28F;
            }
        }
        return out;
    }();
    return buffer;
}

Hash256 root_of(const engine::ParameterBuffer& buffer) {
    std::vector<Hash256> leaves(buffer.chunk_count());
    crypto::sha256_leaves(buffer.bytes(), engine::kChunkBytes, leaves);
    return crypto::merkle_root(leaves);
}

std::unique_ptr<RawParameters> small_source() {
    return RawParameters::over(small_parameters(), small_config()).value();
}

const Bytes& tokenizer_model() {
    static const Bytes model = [] {
        const std::string text = data::testing::sample_text(40'000);
        const std::string_view texts[] = {text};
        return data::train_tokenizer(texts, small_config().vocab_size).value();
    }();
    return model;
}

const data::Tokenizer& tokenizer() {
    static const data::Tokenizer out = data::Tokenizer::from_bytes(tokenizer_model()).value();
    return out;
}

const Vocabulary& vocabulary() {
    static const Vocabulary out = parse_vocabulary(tokenizer_model()).value();
    return out;
}

Scratch::Scratch() {
    std::string pattern = (fs::temp_directory_path() / "covenant-checkpoint-XXXXXX").string();
    COVENANT_ASSERT(::mkdtemp(pattern.data()) != nullptr, "a temporary folder");
    path_ = pattern;
}

Scratch::~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::vector<std::string> Scratch::names() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(path_))
        out.push_back(entry.path().filename().string());
    std::ranges::sort(out);
    return out;
}

Bytes bytes_of_file(const fs::path& path) {
    return read_file(path, std::uint64_t{1} << 30).value();
}

void write_bytes(const fs::path& path, ByteView bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << as_text(bytes);
}

Bytes safetensors_bytes(TensorType type) {
    const Scratch scratch;
    ExportOptions options;
    options.type = type;
    options.root = root_of(small_parameters());
    const auto written =
        export_checkpoint(*small_source(), vocabulary(), options, scratch / "hf", {});
    COVENANT_ASSERT(written, "an export");
    return bytes_of_file(scratch / "hf/model.safetensors");
}

Bytes gguf_bytes(TensorType type) {
    const Scratch scratch;
    ExportOptions options;
    options.format = Format::kGguf;
    options.type = type;
    options.root = root_of(small_parameters());
    const auto written =
        export_checkpoint(*small_source(), vocabulary(), options, scratch / "m.gguf", {});
    COVENANT_ASSERT(written, "an export");
    return bytes_of_file(scratch / "m.gguf");
}

std::string config_text() {
    return llama_config_json(small_config(), TensorType::kF32);
}

Bytes replaced(Bytes bytes, std::string_view from, std::string_view to) {
    const auto found = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
    COVENANT_ASSERT(found != bytes.end(), "the text is there");
    const auto at = bytes.erase(found, found + static_cast<std::ptrdiff_t>(from.size()));
    bytes.insert(at, to.begin(), to.end());
    return bytes;
}

}  // namespace covenant::model_files::testing
