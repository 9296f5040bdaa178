// The safetensors format: u64 length of the header | header, a JSON object padded with spaces to a
// multiple of 8 | tensors, back to back, little-endian, row-major. Readers take any input.
#pragma once

#include "common/model_files/input.hpp"
#include "common/model_files/tensor_names.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace covenant::model_files {

inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;
inline constexpr std::uint64_t kMaxShardIndexBytes = std::uint64_t{16} << 20;
inline constexpr std::size_t kMaxShards = 1024;

using Metadata = std::vector<std::pair<std::string, std::string>>;

struct SafetensorsHeader {
    std::vector<StoredTensor> tensors;  // by ascending offset; offsets are of the file
    Metadata metadata;                  // __metadata__
};

// The length and the header of a file with these tensors in this order; sets their offsets. Names
// are distinct, `bytes` is set, and there are 1 to kMaxTensors.
Bytes encode_safetensors_header(std::span<StoredTensor> tensors, const Metadata& metadata);

// kMalformed unless header and data explain the whole file: every tensor within it, none over
// another, no byte left over, sizes as shapes say, F32, F16 or BF16. kIo.
Result<SafetensorsHeader> read_safetensors_header(const Input& input);

// model.safetensors.index.json: which file holds each tensor.
using ShardIndex = std::map<std::string, std::string>;
std::string shard_index_json(std::span<const StoredTensor> tensors,
                             std::span<const std::string> files);
// kMalformed: no index, more than kMaxTensors or kMaxShards, or a file that is not a plain name
// ending in .safetensors.
Result<ShardIndex> parse_shard_index(std::string_view json);

}  // namespace covenant::model_files
