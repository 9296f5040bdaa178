#include "common/base/safe_math.hpp"
#include "common/model_files/gguf.hpp"

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxName = 256;  // of keys and tensors
constexpr std::uint64_t kMaxAlignment = 65536;
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
enum Type : std::uint32_t {
    kU8 = 0,
    kI8 = 1,
    kU16 = 2,
    kI16 = 3,
    kU32 = 4,
    kI32 = 5,
    kFloat = 6,
    kBool = 7,
    kString = 8,
    kArray = 9,
    kU64 = 10,
    kI64 = 11,
    kDouble = 12,
};

tl::unexpected<Error> malformed(std::string reason) {
    return fail(Errc::kMalformed, "GGUF: " + std::move(reason));
}

// Bytes of a number of this type, 0 for what is none.
std::uint64_t width_of(std::uint32_t type) {
    switch (type) {
        case kU8:
        case kI8:
        case kBool:
            return 1;
        case kU16:
        case kI16:
            return 2;
        case kU32:
        case kI32:
        case kFloat:
            return 4;
        case kU64:
        case kI64:
        case kDouble:
            return 8;
        default:
            return 0;
    }
}

// Reads the header from the front, through a small buffer.
class Cursor {
  public:
    explicit Cursor(const Input& input)
        : input_(input), end_(std::min(input.size(), kMaxGgufHeader)) {}

    [[nodiscard]] std::uint64_t position() const { return position_; }

    Status bytes(MutableByteView out) {
        if (out.size() > end_ - position_) return too_long(out.size());
        while (!out.empty()) {
            if (position_ < start_ || position_ >= start_ + buffer_.size()) {
                start_ = position_;
                buffer_.resize(
                    static_cast<std::size_t>(std::min<std::uint64_t>(kBufferBytes, end_ - start_)));
                COVENANT_CHECK(input_.read(start_, buffer_));
            }
            const auto at = static_cast<std::size_t>(position_ - start_);
            const std::size_t length = std::min(out.size(), buffer_.size() - at);
            std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(at), length, out.begin());
            out = out.subspan(length);
            position_ += length;
        }
        return {};
    }
    template <typename T>
    Result<T> integer() {
        std::array<std::uint8_t, sizeof(T)> raw{};
        COVENANT_CHECK(bytes(raw));
        return load_le<T>(raw.data());
    }
    Result<std::string> text(std::uint64_t limit) {
        COVENANT_TRY(const auto length, integer<std::uint64_t>());
        if (length > limit || length > end_ - position_) {
            return malformed(fmt::format("a text of {} bytes at byte {}, at most {}", length,
                                         position_, std::min(limit, end_ - position_)));
        }
        std::string out(static_cast<std::size_t>(length), '\0');
        COVENANT_CHECK(bytes({reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
        return out;
    }
    Status skip(std::uint64_t length) {
        if (length > end_ - position_) return too_long(length);
        position_ += length;
        return {};
    }

  private:
    Status too_long(std::uint64_t length) const {
        return malformed(
            fmt::format("{} bytes wanted at byte {} of {}: cut off, or a header of "
                        "more than {}",
                        length, position_, input_.size(), kMaxGgufHeader));
    }
    const Input& input_;
    std::uint64_t end_;
    std::uint64_t position_ = 0;
    std::uint64_t start_ = 0;
    Bytes buffer_;
};

Result<GgufValue> read_number(Cursor& in, std::uint32_t type) {
    std::array<std::uint8_t, 8> raw{};
    const std::size_t width = static_cast<std::size_t>(width_of(type));
    COVENANT_CHECK(in.bytes(std::span(raw).first(width)));
    const auto bits = load_le<std::uint64_t>(raw.data());
    switch (type) {
        case kBool:
            if (bits > 1) return malformed(fmt::format("a boolean of {}", bits));
            return GgufValue(bits == 1);
        case kFloat:
            return GgufValue(
                static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits))));
        case kDouble:
            return GgufValue(std::bit_cast<double>(bits));
        case kI8:
            return GgufValue(std::int64_t{static_cast<std::int8_t>(bits)});
        case kI16:
            return GgufValue(std::int64_t{static_cast<std::int16_t>(bits)});
        case kI32:
            return GgufValue(std::int64_t{static_cast<std::int32_t>(bits)});
        case kI64:
            return GgufValue(static_cast<std::int64_t>(bits));
        default:
            return GgufValue(bits);
    }
}

Result<GgufValue> read_array(Cursor& in) {
    GgufArray array;
    COVENANT_TRY(array.type, in.integer<std::uint32_t>());
    COVENANT_TRY(array.items, in.integer<std::uint64_t>());
    if (const std::uint64_t width = width_of(array.type); width != 0) {
        const auto length = checked_mul(array.items, width);
        if (!length) return malformed(fmt::format("an array of {} items", array.items));
        COVENANT_CHECK(in.skip(*length));
        return GgufValue(array);
    }
    if (array.type != kString) return malformed(fmt::format("an array of type {}", array.type));
    for (std::uint64_t i = 0; i < array.items; ++i) {
        COVENANT_TRY(const auto length, in.integer<std::uint64_t>());
        COVENANT_CHECK(in.skip(length));
    }
    return GgufValue(array);
}

Result<GgufValue> read_value(Cursor& in) {
    COVENANT_TRY(const auto type, in.integer<std::uint32_t>());
    if (type == kArray) return read_array(in);
    if (type == kString) {
        COVENANT_TRY(std::string text, in.text(kMaxGgufText));
        return GgufValue(std::move(text));
    }
    if (width_of(type) == 0) return malformed(fmt::format("a value of type {}", type));
    return read_number(in, type);
}

// The offset still relative to the data.
Result<StoredTensor> read_tensor(Cursor& in) {
    StoredTensor tensor;
    COVENANT_TRY(tensor.name, in.text(kMaxName));
    COVENANT_TRY(const auto dimensions, in.integer<std::uint32_t>());
    if (dimensions < 1 || dimensions > kMaxDimensions) {
        return malformed(fmt::format("tensor {} has {} dimensions", tensor.name, dimensions));
    }
    for (std::uint32_t i = 0; i < dimensions; ++i) {
        COVENANT_TRY(const auto length, in.integer<std::uint64_t>());
        tensor.shape.push_back(length);
    }
    std::ranges::reverse(tensor.shape);
    COVENANT_TRY(const auto type, in.integer<std::uint32_t>());
    COVENANT_TRY(tensor.offset, in.integer<std::uint64_t>());
    switch (type) {
        case 0:
            tensor.type = TensorType::kF32;
            break;
        case 1:
            tensor.type = TensorType::kF16;
            break;
        case 30:
            tensor.type = TensorType::kBf16;
            break;
        default:
            return malformed(fmt::format(
                "tensor {} is of type {}: only F32, F16 and BF16 are read, no quantised model",
                tensor.name, type));
    }
    std::optional<std::uint64_t> size = bytes_of(tensor.type);
    for (const std::uint64_t length : tensor.shape) {
        if (size) size = checked_mul(*size, length);
    }
    if (!size || *size == 0) return malformed("tensor " + tensor.name + " has no such shape");
    tensor.bytes = *size;
    return tensor;
}

Result<std::uint64_t> alignment_of(const GgufHeader& header) {
    const auto value = header.values.find("general.alignment");
    if (value == header.values.end()) return kGgufAlignment;
    const auto* number = std::get_if<std::uint64_t>(&value->second);
    if (number == nullptr || *number < 8 || *number > kMaxAlignment ||
        !std::has_single_bit(*number)) {
        return malformed("general.alignment is no power of two from 8 to 65536");
    }
    return *number;
}

// Turns offsets into those of the file: back to back but for the padding, nothing left over.
Status place(const Input& input, std::uint64_t header_end, std::uint64_t alignment,
             std::vector<StoredTensor>& tensors) {
    const auto aligned = [&](std::uint64_t at) {  // at < 2^63: it lies within a file
        return (at + alignment - 1) / alignment * alignment;
    };
    const std::uint64_t start = aligned(header_end);
    if (start > input.size()) return malformed("the file ends before its data");
    const std::uint64_t size = input.size() - start;
    std::vector<StoredTensor*> order;
    order.reserve(tensors.size());
    for (StoredTensor& tensor : tensors)
        order.push_back(&tensor);
    std::ranges::sort(order, {}, &StoredTensor::offset);
    std::uint64_t at = 0;
    std::uint64_t end = 0;
    for (StoredTensor* tensor : order) {
        if (tensor->offset != at || at > size || tensor->bytes > size - at) {
            return malformed(
                fmt::format("tensor {} of {} bytes stands at byte {} of the data, "
                            "expected {} of {}",
                            tensor->name, tensor->bytes, tensor->offset, at, size));
        }
        end = at + tensor->bytes;
        at = aligned(end);
        tensor->offset += start;
    }
    if (size < end || size > at) {
        return malformed(
            fmt::format("{} bytes of data, the tensors have {}: more than it says", size, at));
    }
    return {};
}

Result<std::uint64_t> number(const GgufHeader& header, const std::string& key) {
    const auto value = header.values.find(key);
    if (value == header.values.end()) return malformed("key " + key + " is missing");
    if (const auto* natural = std::get_if<std::uint64_t>(&value->second)) return *natural;
    if (const auto* integer = std::get_if<std::int64_t>(&value->second); integer && *integer >= 0) {
        return static_cast<std::uint64_t>(*integer);
    }
    return malformed("key " + key + " is no natural number");
}

Result<std::uint32_t> u32(const GgufHeader& header, const std::string& key) {
    COVENANT_TRY(const std::uint64_t value, number(header, key));
    if (value > 0xffffffffU) return malformed(fmt::format("key {} is {}", key, value));
    return static_cast<std::uint32_t>(value);
}

// llama.cpp's large models lie in several files; each describes the whole and holds a part.
Status check_whole(const GgufHeader& header) {
    if (!header.values.contains("split.count")) return {};
    COVENANT_TRY(const std::uint64_t parts, number(header, "split.count"));
    if (parts <= 1) return {};
    return malformed(
        fmt::format("this is one of {} parts of a split model: join them with "
                    "`llama-gguf-split --merge` first",
                    parts));
}

Result<float> real(const GgufHeader& header, const std::string& key) {
    const auto value = header.values.find(key);
    if (value == header.values.end()) return malformed("key " + key + " is missing");
    const auto* out = std::get_if<double>(&value->second);
    if (out == nullptr) return malformed("key " + key + " is no number");
    return static_cast<float>(*out);
}

}  // namespace

std::optional<std::string> GgufHeader::text(const std::string& key) const {
    const auto value = values.find(key);
    if (value == values.end()) return std::nullopt;
    const auto* out = std::get_if<std::string>(&value->second);
    return out == nullptr ? std::nullopt : std::optional(*out);
}

Result<GgufHeader> read_gguf_header(const Input& input) {
    Cursor in(input);
    COVENANT_TRY(const auto magic, in.integer<std::uint32_t>());
    COVENANT_TRY(const auto version, in.integer<std::uint32_t>());
    if (magic != 0x46554747U) return malformed("the file does not begin with GGUF");
    if (version != kVersion) return malformed(fmt::format("version {}, only 3 is read", version));
    COVENANT_TRY(const auto tensors, in.integer<std::uint64_t>());
    COVENANT_TRY(const auto keys, in.integer<std::uint64_t>());
    if (tensors > kMaxTensors || keys > kMaxGgufKeys) {
        return malformed(fmt::format("{} tensors and {} keys, at most {} and {}", tensors, keys,
                                     kMaxTensors, kMaxGgufKeys));
    }
    GgufHeader out;
    for (std::uint64_t i = 0; i < keys; ++i) {
        COVENANT_TRY(std::string key, in.text(kMaxName));
        auto value = read_value(in);
        if (!value) return fail(std::move(value).error().within("key " + key));
        if (!out.values.emplace(key, std::move(*value)).second) {
            return malformed("key " + key + " is there twice");
        }
    }
    COVENANT_CHECK(check_whole(out));
    if (tensors == 0) return malformed("the file has no tensors");
    for (std::uint64_t i = 0; i < tensors; ++i) {
        COVENANT_TRY(StoredTensor tensor, read_tensor(in));
        out.tensors.push_back(std::move(tensor));
    }
    COVENANT_TRY(const std::uint64_t alignment, alignment_of(out));
    COVENANT_CHECK(place(input, in.position(), alignment, out.tensors));
    return out;
}

Result<engine::ModelConfig> gguf_model_config(const GgufHeader& header) {
    COVENANT_CHECK(check_gguf_keys(header));
    engine::ModelConfig config;
    COVENANT_TRY(config.seq_len, u32(header, "llama.context_length"));
    COVENANT_TRY(config.d_model, u32(header, "llama.embedding_length"));
    COVENANT_TRY(config.layers, u32(header, "llama.block_count"));
    COVENANT_TRY(config.d_ff, u32(header, "llama.feed_forward_length"));
    COVENANT_TRY(config.heads, u32(header, "llama.attention.head_count"));
    config.kv_heads = config.heads;
    if (header.values.contains("llama.attention.head_count_kv")) {
        COVENANT_TRY(config.kv_heads, u32(header, "llama.attention.head_count_kv"));
    }
    COVENANT_TRY(config.norm_eps, real(header, "llama.attention.layer_norm_rms_epsilon"));
    config.rope_theta = 10000.0F;
    if (header.values.contains("llama.rope.freq_base")) {
        COVENANT_TRY(config.rope_theta, real(header, "llama.rope.freq_base"));
    }
    const auto tokens = header.values.find("tokenizer.ggml.tokens");
    const auto* pieces =
        tokens == header.values.end() ? nullptr : std::get_if<GgufArray>(&tokens->second);
    if (pieces == nullptr || pieces->items > 0xffffffffU) return malformed("there is no tokenizer");
    config.vocab_size = static_cast<std::uint32_t>(pieces->items);
    if (auto valid = config.validate(); !valid) return malformed(valid.error().context);
    const std::pair<const char*, std::uint32_t> same[] = {
        {"llama.vocab_size", config.vocab_size},
        {"llama.rope.dimension_count", config.head_dim()},
        {"llama.attention.key_length", config.head_dim()},
        {"llama.attention.value_length", config.head_dim()},
    };
    for (const auto& [key, wanted] : same) {
        if (!header.values.contains(key)) continue;
        COVENANT_TRY(const std::uint64_t value, number(header, key));
        if (value != wanted) {
            return malformed(fmt::format("{} is {}, the model's is {}", key, value, wanted));
        }
    }
    return config;
}

}  // namespace covenant::model_files
