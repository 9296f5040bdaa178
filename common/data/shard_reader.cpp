#include "common/data/shard_reader.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant::data {
namespace {

tl::unexpected<Error> open_failure(const std::filesystem::path& path, int error) {
    return fail(error == ENOENT ? Errc::kNotFound : Errc::kIo,
                "open shard " + path.string() + ": " + std::generic_category().message(error));
}

}  // namespace

Result<ShardReader> ShardReader::open(const std::filesystem::path& path, std::uint32_t number) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return open_failure(path, errno);
    struct stat info {};
    const bool inspected = ::fstat(fd, &info) == 0;
    const int inspect_error = errno;
    void* map = MAP_FAILED;
    if (inspected && S_ISREG(info.st_mode) && info.st_size > 0) {
        map = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_SHARED, fd, 0);
    }
    const int map_error = errno;
    ::close(fd);
    if (!inspected) return open_failure(path, inspect_error);
    if (!S_ISREG(info.st_mode) || info.st_size == 0) {
        return fail(Errc::kMalformed, "open shard " + path.string() + ": an empty or no file");
    }
    if (map == MAP_FAILED) return open_failure(path, map_error);

    ShardReader reader;
    reader.map_ = static_cast<const std::uint8_t*>(map);
    reader.map_bytes_ = static_cast<std::size_t>(info.st_size);
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
