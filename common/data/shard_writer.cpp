#include "common/data/shard_writer.hpp"

#include "common/base/assert.hpp"
#include "common/base/durable_file.hpp"
#include "common/crypto/merkle.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace covenant::data {

ShardWriter::ShardWriter(std::filesystem::path path, std::uint32_t number,
                         std::uint32_t window_tokens, std::uint32_t token_bytes)
    : path_(std::move(path)), number_(number), shape_{0, window_tokens, token_bytes} {
    COVENANT_ASSERT(token_bytes == 2 || token_bytes == 4, "tokens have 2 or 4 bytes");
    COVENANT_ASSERT(window_tokens >= 2 && window_tokens <= kMaxWindowTokens,
                    "a window has at least one token to predict and a bounded length");
    bytes_.resize(encode_shard_header(shape_).size());
}

Status ShardWriter::append(std::span<const Token> window) {
    if (window.size() != shape_.window_tokens) {
        return fail(Errc::kInvalidArgument, "append window to " + path_.string() + ": it has " +
                                                std::to_string(window.size()) +
                                                " tokens, expected " +
                                                std::to_string(shape_.window_tokens));
    }
    if (leaves_.size() >= kMaxShardWindows) {
        return fail(Errc::kInvalidArgument, "append window to " + path_.string() + ": it is full");
    }
    const std::size_t start = bytes_.size();
    bytes_.resize(start + shape_.window_bytes());
    std::uint8_t* out = bytes_.data() + start;
    for (const Token token : window) {
        if (shape_.token_bytes == 2) {
            if (token > 0xffff) {
                bytes_.resize(start);
                return fail(Errc::kInvalidArgument, "append window to " + path_.string() +
                                                        ": token " + std::to_string(token) +
                                                        " does not fit 2 bytes");
            }
            store_le(static_cast<std::uint16_t>(token), out);
        } else {
            store_le(token, out);
        }
        out += shape_.token_bytes;
    }
    leaves_.push_back(window_leaf(number_, static_cast<std::uint32_t>(leaves_.size()),
                                  ByteView(bytes_).subspan(start)));
    return {};
}

Result<ShardSummary> ShardWriter::finish() {
    if (leaves_.empty()) {
        return fail(Errc::kInvalidArgument, "write " + path_.string() + ": it has no window");
    }
    shape_.windows = windows();
    const Bytes header = encode_shard_header(shape_);
    std::copy(header.begin(), header.end(), bytes_.begin());
    COVENANT_CHECK(write_file_durably(path_, bytes_));
    return ShardSummary{number_, windows(), crypto::merkle_root(leaves_)};
}

}  // namespace covenant::data
