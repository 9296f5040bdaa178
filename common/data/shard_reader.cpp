#include "common/data/shard_reader.hpp"

#include "common/base/assert.hpp"
#include "common/base/file.hpp"
#include "common/base/system_failure.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include <sys/mman.h>

namespace covenant::data {

Result<ShardReader> ShardReader::open(const std::filesystem::path& path, std::uint32_t number) {
    auto file = RegularFile::open(path);
    if (!file) return fail(std::move(file).error().within("open shard"));
    if (file->size() == 0) {
        return fail(Errc::kMalformed, "open shard " + path.string() + ": an empty file");
    }
    const auto size = static_cast<std::size_t>(file->size());
    void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file->descriptor(), 0);
    if (map == MAP_FAILED) return system_failure("map shard", path, errno);

    ShardReader reader;
    reader.map_ = static_cast<const std::uint8_t*>(map);
    reader.map_bytes_ = size;
    reader.number_ = number;
    auto header = decode_shard_header(
        {reader.map_, std::min(reader.map_bytes_, kMaxShardHeaderBytes)}, reader.map_bytes_);
    if (!header) return fail(std::move(header).error().within("open " + path.string()));
    reader.header_ = *header;
    return reader;
}

ShardReader::ShardReader(ShardReader&& other) noexcept
    : map_(std::exchange(other.map_, nullptr)),
      map_bytes_(std::exchange(other.map_bytes_, 0)),
      number_(other.number_),
      header_(other.header_) {}

ShardReader& ShardReader::operator=(ShardReader&& other) noexcept {
    if (this != &other) {
        close();
        map_ = std::exchange(other.map_, nullptr);
        map_bytes_ = std::exchange(other.map_bytes_, 0);
        number_ = other.number_;
        header_ = other.header_;
    }
    return *this;
}

ShardReader::~ShardReader() {
    close();
}

void ShardReader::close() {
    if (map_ != nullptr) ::munmap(const_cast<std::uint8_t*>(map_), map_bytes_);
    map_ = nullptr;
}

ByteView ShardReader::window_bytes(std::uint32_t index) const {
    COVENANT_ASSERT(index < header_.shape.windows, "callers stay within the shape");
    const std::size_t size = header_.shape.window_bytes();
    return {map_ + header_.data_offset + index * size, size};
}

std::vector<Token> ShardReader::window(std::uint32_t index) const {
    const ByteView bytes = window_bytes(index);
    std::vector<Token> out(header_.shape.window_tokens);
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = header_.shape.token_bytes == 2 ? load_le<std::uint16_t>(bytes.data() + 2 * i)
                                                : load_le<std::uint32_t>(bytes.data() + 4 * i);
    }
    return out;
}

Hash256 ShardReader::leaf(std::uint32_t index) const {
    return window_leaf(number_, index, window_bytes(index));
}

std::vector<Hash256> ShardReader::leaves() const {
    std::vector<Hash256> out(header_.shape.windows);
    for (std::uint32_t i = 0; i < header_.shape.windows; ++i) {
        out[i] = leaf(i);
    }
    return out;
}

crypto::MerkleProof ShardReader::proof(std::uint32_t index) const {
    COVENANT_ASSERT(index < header_.shape.windows, "callers stay within the shape");
    return crypto::merkle_proof(leaves(), index);
}

}  // namespace covenant::data
