#include "common/base/assert.hpp"
#include "common/model_files/gguf.hpp"

#include <bit>

namespace covenant::model_files {
namespace {

enum Type : std::uint32_t { kU32 = 4, kI32 = 5, kFloat = 6, kBool = 7, kString = 8, kArray = 9 };

class Builder {
  public:
    template <typename T>
    void integer(T value) {
        std::uint8_t bytes[sizeof(T)];
        store_le(value, bytes);
        append(out_, bytes);
    }
    void real(float value) { integer(std::bit_cast<std::uint32_t>(value)); }
    void text(std::string_view value) {
        integer<std::uint64_t>(value.size());
        append(out_, as_bytes(value));
    }
    void key(std::string_view name, Type type) {
        text(name);
        integer<std::uint32_t>(type);
        ++keys_;
    }
    void put(std::string_view name, std::uint32_t value) {
        key(name, kU32);
        integer(value);
    }
    void put(std::string_view name, float value) {
        key(name, kFloat);
        real(value);
    }
    void put(std::string_view name, bool value) {
        key(name, kBool);
        integer<std::uint8_t>(value ? 1 : 0);
    }
    void put(std::string_view name, std::string_view value) {
        key(name, kString);
        text(value);
    }
    void array(std::string_view name, Type of, std::uint64_t items) {
        key(name, kArray);
        integer<std::uint32_t>(of);
        integer(items);
    }
    void pad(std::size_t alignment) {
        out_.resize((out_.size() + alignment - 1) / alignment * alignment);
    }
    [[nodiscard]] std::uint64_t keys() const { return keys_; }
    Bytes& bytes() { return out_; }

  private:
    Bytes out_;
    std::uint64_t keys_ = 0;
};

void put_model(Builder& out, const engine::ModelConfig& config) {
    out.put("llama.context_length", config.seq_len);
    out.put("llama.embedding_length", config.d_model);
    out.put("llama.block_count", config.layers);
    out.put("llama.feed_forward_length", config.d_ff);
    out.put("llama.attention.head_count", config.heads);
    out.put("llama.attention.head_count_kv", config.kv_heads);
    out.put("llama.attention.key_length", config.head_dim());
    out.put("llama.attention.value_length", config.head_dim());
    out.put("llama.attention.layer_norm_rms_epsilon", config.norm_eps);
    out.put("llama.rope.dimension_count", config.head_dim());
    out.put("llama.rope.freq_base", config.rope_theta);
    out.put("llama.vocab_size", config.vocab_size);
}

void put_tokenizer(Builder& out, const std::vector<Piece>& pieces) {
    using namespace std::string_view_literals;
    out.put("tokenizer.ggml.model", "llama"sv);
    out.put("tokenizer.ggml.pre", "default"sv);
    out.array("tokenizer.ggml.tokens", kString, pieces.size());
    for (const Piece& piece : pieces)
        out.text(piece.text);
    out.array("tokenizer.ggml.scores", kFloat, pieces.size());
    for (const Piece& piece : pieces)
        out.real(piece.score);
    out.array("tokenizer.ggml.token_type", kI32, pieces.size());
    for (const Piece& piece : pieces)
        out.integer(static_cast<std::uint32_t>(piece.type));
    out.put("tokenizer.ggml.bos_token_id", std::uint32_t{1});
    out.put("tokenizer.ggml.eos_token_id", std::uint32_t{2});
    out.put("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
    out.put("tokenizer.ggml.add_bos_token", false);
    out.put("tokenizer.ggml.add_eos_token", false);
    out.put("tokenizer.ggml.add_space_prefix", false);
    out.put("tokenizer.ggml.remove_extra_whitespaces", false);
}

constexpr std::uint32_t type_number(TensorType type) {
    switch (type) {
        case TensorType::kF32:
            return 0;
        case TensorType::kF16:
            return 1;
        case TensorType::kBf16:
            return 30;
    }
    return 0;
}

}  // namespace

Bytes encode_gguf_header(const engine::ModelConfig& config, const Vocabulary& vocabulary,
                         const GgufDescription& description, std::span<StoredTensor> tensors) {
    using namespace std::string_view_literals;
    COVENANT_ASSERT(vocabulary.pieces.size() == config.vocab_size, "one piece for each row");
    Builder values;
    values.put("general.architecture", "llama"sv);
    values.put("general.type", "model"sv);
    values.put("general.name", std::string_view(description.name));
    values.put("general.alignment", static_cast<std::uint32_t>(kGgufAlignment));
    values.put("general.file_type",
               description.type == TensorType::kBf16 ? std::uint32_t{32} : std::uint32_t{0});
    put_model(values, config);
    put_tokenizer(values, vocabulary.pieces);
    for (const auto& [key, value] : description.notes)
        values.put(key, std::string_view(value));

    Builder out;
    append(out.bytes(), as_bytes("GGUF"));
    out.integer<std::uint32_t>(3);
    out.integer<std::uint64_t>(tensors.size());
    out.integer(values.keys());
    append(out.bytes(), values.bytes());
    std::uint64_t at = 0;
    for (StoredTensor& tensor : tensors) {
        out.text(tensor.name);
        out.integer<std::uint32_t>(static_cast<std::uint32_t>(tensor.shape.size()));
        for (auto dimension = tensor.shape.rbegin(); dimension != tensor.shape.rend(); ++dimension)
            out.integer(*dimension);
        out.integer(type_number(tensor.type));
        out.integer(at);
        tensor.offset = at;
        at += (tensor.bytes + kGgufAlignment - 1) / kGgufAlignment * kGgufAlignment;
    }
    out.pad(kGgufAlignment);
    for (StoredTensor& tensor : tensors)
        tensor.offset += out.bytes().size();
    return std::move(out.bytes());
}

}  // namespace covenant::model_files
