#include "common/data/shard_format.hpp"

#include "common/crypto/merkle.hpp"

#include <charconv>
#include <cstring>
#include <string>

namespace covenant::data {
namespace {

constexpr std::string_view kNumpyMagic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t kTextOffset = 10;
constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kAlignment = 64;
constexpr std::string_view kBeforeType = "{'descr': '<u";
constexpr std::string_view kBeforeWindows = "', 'fortran_order': False, 'shape': (";
constexpr std::string_view kBeforeTokens = ", ";
constexpr std::string_view kAfterTokens = "), }";

tl::unexpected<Error> bad_header(std::string reason) {
    return fail(Errc::kMalformed, "shard header: " + std::move(reason));
}

bool take(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

// A decimal number without sign or leading zeros; 0 when there is none in range.
std::uint32_t take_number(std::string_view& text) {
    std::uint32_t value = 0;
    if (text.empty() || text.front() < '1' || text.front() > '9') return 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return 0;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

}  // namespace

std::uint32_t token_bytes_for(std::uint32_t vocab_size) {
    return vocab_size <= 65'536 ? 2 : 4;
}

Bytes encode_shard_header(const ShardShape& shape) {
    std::string text;
    text.append(kBeforeType).append(std::to_string(shape.token_bytes)).append(kBeforeWindows);
    text.append(std::to_string(shape.windows)).append(kBeforeTokens);
    text.append(std::to_string(shape.window_tokens)).append(kAfterTokens);
    text.resize(kHeaderBytes - kTextOffset - 1, ' ');
    text.push_back('\n');
    Bytes out;
    out.reserve(kHeaderBytes);
    append(out, as_bytes(kNumpyMagic));
    out.push_back(static_cast<std::uint8_t>(text.size()));
    out.push_back(0);
    append(out, as_bytes(text));
    return out;
}

Result<ShardHeader> decode_shard_header(ByteView prefix, std::uint64_t file_bytes) {
    if (prefix.size() < kTextOffset) {
        return bad_header("the file has " + std::to_string(prefix.size()) + " bytes, too few");
    }
    if (as_text(prefix.first(kNumpyMagic.size())) != kNumpyMagic) {
        return bad_header("not a .npy file of version 1.0");
    }
    const std::size_t length = load_le<std::uint16_t>(prefix.data() + kNumpyMagic.size());
    const std::size_t data_offset = kTextOffset + length;
    if (data_offset > kMaxShardHeaderBytes || data_offset > prefix.size()) {
        return bad_header("text of " + std::to_string(length) +
                          " bytes is longer than allowed or there");
    }
    if (data_offset % kAlignment != 0) {
        return bad_header("data at offset " + std::to_string(data_offset) + " is not 64-aligned");
    }
    std::string_view text = as_text(prefix.subspan(kTextOffset, length));
    ShardHeader header;
    header.data_offset = data_offset;
    ShardShape& shape = header.shape;
    if (!take(text, kBeforeType)) return bad_header("expected descr '<u2' or '<u4' first");
    shape.token_bytes = take_number(text);
    if (shape.token_bytes != 2 && shape.token_bytes != 4) {
        return bad_header("expected descr '<u2' or '<u4'");
    }
    if (!take(text, kBeforeWindows)) {
        return bad_header("expected fortran_order False, then shape (windows, tokens)");
    }
    shape.windows = take_number(text);
    const bool comma = take(text, kBeforeTokens);
    shape.window_tokens = take_number(text);
    if (!comma || !take(text, kAfterTokens)) {
        return bad_header("expected shape (windows, tokens) and nothing after it");
    }
    if (shape.windows < 1 || shape.windows > kMaxShardWindows || shape.window_tokens < 2 ||
        shape.window_tokens > kMaxWindowTokens) {
        return bad_header("shape (" + std::to_string(shape.windows) + ", " +
                          std::to_string(shape.window_tokens) + ") is out of range");
    }
    if (text.empty() || text.back() != '\n' || text.find_first_not_of(' ') != text.size() - 1) {
        return bad_header("padding is not spaces and one newline");
    }
    if (file_bytes != data_offset + shape.data_bytes()) {
        return bad_header("shape needs " + std::to_string(data_offset + shape.data_bytes()) +
                          " bytes, the file has " + std::to_string(file_bytes));
    }
    return header;
}

Hash256 window_leaf(std::uint32_t shard, std::uint32_t index, ByteView window_bytes) {
    Bytes data(8 + window_bytes.size());
    store_le(shard, data.data());
    store_le(index, data.data() + 4);
    if (!window_bytes.empty()) {
        std::memcpy(data.data() + 8, window_bytes.data(), window_bytes.size());
    }
    return crypto::merkle_leaf(data);
}

Hash256 window_leaf(std::uint32_t shard, std::uint32_t index, std::span<const Token> tokens,
                    std::uint32_t token_bytes) {
    Bytes raw(tokens.size() * token_bytes);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (token_bytes == 2) {
            if (tokens[i] > 0xffff) return {};
            store_le(static_cast<std::uint16_t>(tokens[i]), raw.data() + 2 * i);
        } else {
            store_le(tokens[i], raw.data() + 4 * i);
        }
    }
    return window_leaf(shard, index, raw);
}

}  // namespace covenant::data
