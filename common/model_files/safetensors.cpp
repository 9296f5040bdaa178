#include "common/model_files/safetensors.hpp"

#include "common/base/assert.hpp"
#include "common/base/safe_math.hpp"
#include "common/codec/json.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

using codec::Json;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 8;
constexpr std::size_t kMaxMetadata = 1024;
constexpr std::size_t kMaxDimensions = 8;
constexpr std::string_view kMetadataKey = "__metadata__";
constexpr std::string_view kShardSuffix = ".safetensors";

tl::unexpected<Error> malformed(std::string reason) {
    return fail(Errc::kMalformed, "safetensors: " + std::move(reason));
}

Result<Metadata> read_metadata(const Json& json) {
    COVENANT_TRY(const std::vector<std::string> keys, json.as_keys());
    if (keys.size() > kMaxMetadata) {
        return malformed(
            fmt::format("{} entries of metadata, at most {}", keys.size(), kMaxMetadata));
    }
    Metadata out;
    for (const std::string& key : keys) {
        COVENANT_TRY(std::string value, json.string(key));
        out.emplace_back(key, std::move(value));
    }
    return out;
}

// Offsets still relative to the data.
Result<StoredTensor> read_tensor(const std::string& name, const Json& json) {
    COVENANT_CHECK(json.only_keys({"dtype", "shape", "data_offsets"}));
    StoredTensor tensor;
    tensor.name = name;
    COVENANT_TRY(const std::string dtype, json.string("dtype"));
    const auto type = tensor_type_from(dtype);
    if (!type) {
        return malformed("tensor " + name + " is " + dtype + ", only F32, F16 and BF16 are read");
    }
    tensor.type = *type;
    COVENANT_TRY(const std::vector<Json> shape, json.items("shape"));
    if (shape.size() > kMaxDimensions) {
        return malformed(fmt::format("tensor {} has {} dimensions", name, shape.size()));
    }
    std::optional<std::uint64_t> size = bytes_of(tensor.type);
    for (const Json& dimension : shape) {
        COVENANT_TRY(const std::uint64_t length, dimension.as_u64());
        tensor.shape.push_back(length);
        if (size) size = checked_mul(*size, length);
    }
    COVENANT_TRY(const std::vector<Json> offsets, json.items("data_offsets"));
    if (offsets.size() != 2) return malformed("tensor " + name + " has not two data_offsets");
    COVENANT_TRY(const std::uint64_t begin, offsets[0].as_u64());
    COVENANT_TRY(const std::uint64_t end, offsets[1].as_u64());
    if (!size || end < begin || end - begin != *size) {
        return malformed(
            fmt::format("tensor {}: offsets {} to {} do not hold its shape", name, begin, end));
    }
    tensor.offset = begin;
    tensor.bytes = *size;
    return tensor;
}

bool is_shard_name(std::string_view name) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
    };
    return name.size() > kShardSuffix.size() && name.size() <= 255 &&
           name.ends_with(kShardSuffix) && name.front() != '.' && std::ranges::all_of(name, plain);
}

}  // namespace

Bytes encode_safetensors_header(std::span<StoredTensor> tensors, const Metadata& metadata) {
    COVENANT_ASSERT(!tensors.empty() && tensors.size() <= kMaxTensors, "a file holds tensors");
    Json extra = Json::object();
    for (const auto& [key, value] : metadata)
        extra.set(key, value);
    // Written by hand: setting a key of a Json looks for it among all.
    std::string text = fmt::format("{{\"{}\":{}", kMetadataKey, extra.dump());
    std::uint64_t at = 0;
    for (StoredTensor& tensor : tensors) {
        text += fmt::format(R"(,{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                            Json(tensor.name).dump(), to_string(tensor.type),
                            fmt::join(tensor.shape, ","), at, at + tensor.bytes);
        tensor.offset = at;
        at += tensor.bytes;
    }
    text += '}';
    text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
    Bytes out(kLengthBytes + text.size());
    store_le<std::uint64_t>(text.size(), out.data());
    std::ranges::copy(text, out.begin() + kLengthBytes);
    for (StoredTensor& tensor : tensors)
        tensor.offset += out.size();
    return out;
}

Result<SafetensorsHeader> read_safetensors_header(const Input& input) {
    if (input.size() < kLengthBytes) {
        return malformed(fmt::format("{} bytes are no file", input.size()));
    }
    Bytes length_bytes(kLengthBytes);
    COVENANT_CHECK(input.read(0, length_bytes));
    const auto length = load_le<std::uint64_t>(length_bytes.data());
    if (length > kMaxSafetensorsHeader || length > input.size() - kLengthBytes) {
        return malformed(fmt::format("a header of {} bytes in a file of {}, at most {}", length,
                                     input.size(), kMaxSafetensorsHeader));
    }
    Bytes text(static_cast<std::size_t>(length));
    COVENANT_CHECK(input.read(kLengthBytes, text));
    if (text.empty() || text.front() != '{') return malformed("the header is no JSON object");
    // Per tensor: itself, its dtype, two lists and their numbers.
    constexpr std::size_t kMaxValues = kMaxTensors * (4 + kMaxDimensions + 2) + kMaxMetadata + 2;
    auto parsed =
        Json::parse(as_text(text),
                    {.max_bytes = kMaxSafetensorsHeader, .max_depth = 4, .max_values = kMaxValues});
    if (!parsed) return fail(std::move(parsed).error().within("safetensors header"));
    COVENANT_TRY(const std::vector<std::string> keys, parsed->as_keys());
    if (keys.size() > kMaxTensors + 1) {
        return malformed(fmt::format("{} tensors, at most {}", keys.size(), kMaxTensors));
    }
    SafetensorsHeader out;
    for (const std::string& key : keys) {
        COVENANT_TRY(const Json value, parsed->at(key));
        if (key == kMetadataKey) {
            COVENANT_TRY(out.metadata, read_metadata(value));
            continue;
        }
        COVENANT_TRY(StoredTensor tensor, read_tensor(key, value));
        out.tensors.push_back(std::move(tensor));
    }
    std::ranges::sort(out.tensors, [](const StoredTensor& a, const StoredTensor& b) {
        return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
    });
    const std::uint64_t start = kLengthBytes + length;
    std::uint64_t at = 0;
    for (StoredTensor& tensor : out.tensors) {
        if (tensor.offset != at || tensor.bytes > input.size() - start - at) {
            return malformed(
                fmt::format("tensor {} stands at byte {} of the data, expected {} of {}",
                            tensor.name, tensor.offset, at, input.size() - start));
        }
        at += tensor.bytes;
        tensor.offset += start;
    }
    if (at != input.size() - start) {
        return malformed(
            fmt::format("{} bytes of data, the tensors have {}: cut off, or more "
                        "than it says",
                        input.size() - start, at));
    }
    return out;
}

std::string shard_index_json(std::span<const StoredTensor> tensors,
                             std::span<const std::string> files) {
    std::uint64_t total = 0;
    std::string map;
    for (const StoredTensor& tensor : tensors) {
        total += tensor.bytes;
        map += fmt::format("{}\n    {}: {}", map.empty() ? "" : ",", Json(tensor.name).dump(),
                           Json(files[tensor.file]).dump());
    }
    return fmt::format(
        "{{\n  \"metadata\": {{\n    \"total_size\": {}\n  }},\n  \"weight_map\": {{{}\n  }}\n}}\n",
        total, map);
}

Result<ShardIndex> parse_shard_index(std::string_view json) {
    COVENANT_TRY(const Json document, Json::parse(json, {.max_bytes = kMaxShardIndexBytes,
                                                         .max_depth = 8,
                                                         .max_values = 4 * kMaxTensors}));
    COVENANT_TRY(const Json map, document.at("weight_map"));
    COVENANT_TRY(const std::vector<std::string> names, map.as_keys());
    if (names.empty() || names.size() > kMaxTensors) {
        return malformed(
            fmt::format("the index names {} tensors, must be 1 to {}", names.size(), kMaxTensors));
    }
    ShardIndex out;
    std::set<std::string> files;
    for (const std::string& name : names) {
        COVENANT_TRY(std::string file, map.string(name));
        if (!is_shard_name(file)) {
            return malformed(
                fmt::format("the index puts {} into '{}', which is no plain name of a "
                            ".safetensors file",
                            name, file));
        }
        files.insert(file);
        if (files.size() > kMaxShards) {
            return malformed(fmt::format("the index names more than {} files", kMaxShards));
        }
        out.emplace(name, std::move(file));
    }
    return out;
}

}  // namespace covenant::model_files
