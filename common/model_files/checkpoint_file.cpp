#include "common/model_files/checkpoint_file.hpp"

#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/model_files/gguf.hpp"
#include "common/model_files/llama_config.hpp"
#include "common/model_files/safetensors.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDecodeBytes = std::size_t{1} << 20;

// Every tensor stands in the file that the index says, and the index knows all.
Status check_index(const ShardIndex& index, const std::vector<std::string>& names,
                   std::span<const StoredTensor> tensors) {
    for (const StoredTensor& tensor : tensors) {
        const auto place = index.find(tensor.name);
        if (place == index.end() || place->second != names[tensor.file]) {
            return fail(Errc::kMalformed,
                        fmt::format("tensor {} is in {}, the index says {}", tensor.name,
                                    names[tensor.file],
                                    place == index.end() ? "nothing of it" : place->second));
        }
    }
    return {};
}

}  // namespace

std::string_view to_string(Format format) {
    return format == Format::kGguf ? "gguf" : "safetensors";
}

std::optional<Format> format_from(std::string_view text) {
    if (text == "gguf") return Format::kGguf;
    if (text == "safetensors") return Format::kSafetensors;
    return std::nullopt;
}

Status CheckpointFile::adopt(const engine::ModelConfig& config, std::vector<StoredTensor> stored) {
    // Before anything of the model's size is allocated.
    std::uint64_t bytes = 0;
    for (const StoredTensor& tensor : stored)
        bytes += tensor.bytes;  // each lies within a file
    if (bytes / 2 < config.parameter_count()) {
        return fail(Errc::kMalformed, fmt::format("{} bytes of tensors, the model's shape has {} "
                                                  "parameters",
                                                  bytes, config.parameter_count()));
    }
    layout_ = std::make_unique<engine::ParameterLayout>(config);
    COVENANT_TRY(tensors_,
                 match_tensors(*layout_, std::move(stored),
                               format_ == Format::kGguf ? Naming::kGguf : Naming::kHuggingFace));
    return {};
}

Result<std::unique_ptr<CheckpointFile>> CheckpointFile::from_safetensors(
    std::string_view config_json, std::vector<std::unique_ptr<Input>> files) {
    COVENANT_TRY(const engine::ModelConfig config, parse_llama_config(config_json));
    std::unique_ptr<CheckpointFile> out(new CheckpointFile);
    out->format_ = Format::kSafetensors;
    out->files_ = std::move(files);
    std::vector<StoredTensor> stored;
    for (std::uint32_t i = 0; i < out->files_.size(); ++i) {
        COVENANT_TRY(SafetensorsHeader header, read_safetensors_header(*out->files_[i]));
        for (StoredTensor& tensor : header.tensors) {
            tensor.file = i;
            stored.push_back(std::move(tensor));
        }
        if (stored.size() > kMaxTensors) {
            return fail(Errc::kMalformed,
                        fmt::format("more than {} tensors in all shards", kMaxTensors));
        }
        if (i == 0) out->metadata_ = std::move(header.metadata);
    }
    COVENANT_CHECK(out->adopt(config, std::move(stored)));
    return out;
}

Result<std::unique_ptr<CheckpointFile>> CheckpointFile::from_gguf(std::unique_ptr<Input> file) {
    COVENANT_TRY(GgufHeader header, read_gguf_header(*file));
    COVENANT_TRY(const engine::ModelConfig config, gguf_model_config(header));
    std::unique_ptr<CheckpointFile> out(new CheckpointFile);
    out->format_ = Format::kGguf;
    out->files_.push_back(std::move(file));
    for (auto& [key, value] : header.values) {
        if (auto* text = std::get_if<std::string>(&value)) {
            out->metadata_.emplace_back(key, std::move(*text));
        }
    }
    COVENANT_CHECK(out->adopt(config, std::move(header.tensors)));
    return out;
}

Result<std::unique_ptr<CheckpointFile>> CheckpointFile::open(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return fail(Errc::kNotFound, "there is no " + path.string());
    const auto named = [&](Error problem) {
        return fail(std::move(problem).within(path.string()));
    };
    if (!fs::is_directory(status)) {
        if (path.extension() == ".safetensors") {
            return fail(Errc::kInvalidArgument,
                        path.string() +
                            " is a part of a checkpoint: name its folder, where "
                            "config.json is");
        }
        if (!fs::is_regular_file(status)) {
            return fail(Errc::kInvalidArgument,
                        path.string() + " is neither a regular file nor a checkpoint's folder");
        }
        COVENANT_TRY(auto input, open_input(path));
        auto out = from_gguf(std::move(input));
        if (!out) return named(std::move(out).error());
        return out;
    }
    COVENANT_TRY(const std::string config, read_text_file(path / kConfigName, kMaxConfigBytes));
    std::vector<std::unique_ptr<Input>> files;
    std::vector<std::string> names;
    std::optional<ShardIndex> index;
    if (fs::exists(path / kShardIndexName, error) && !fs::exists(path / kWeightsName, error)) {
        COVENANT_TRY(const std::string text,
                     read_text_file(path / kShardIndexName, kMaxShardIndexBytes));
        auto parsed = parse_shard_index(text);
        if (!parsed) return named(std::move(parsed).error());
        index = std::move(*parsed);
        for (const auto& [tensor, file] : *index)
            names.push_back(file);
        std::ranges::sort(names);
        names.erase(std::unique(names.begin(), names.end()), names.end());
    } else {
        names.emplace_back(kWeightsName);
    }
    for (const std::string& name : names) {
        COVENANT_TRY(auto input, open_input(path / name));
        files.push_back(std::move(input));
    }
    auto out = from_safetensors(config, std::move(files));
    if (!out) return named(std::move(out).error());
    if (index) {
        if (auto same = check_index(*index, names, (*out)->tensors_); !same) {
            return named(std::move(same).error());
        }
        if (index->size() != (*out)->tensors_.size()) {
            return fail(Errc::kMalformed,
                        path.string() + ": the index names tensors that no file has");
        }
    }
    return out;
}

Status CheckpointFile::read_stored(const StoredTensor& tensor, std::size_t first,
                                   std::span<float> out) const {
    const std::size_t width = bytes_of(tensor.type);
    std::uint64_t at = tensor.offset + std::uint64_t{first} * width;
    if (tensor.type == TensorType::kF32) {
        return files_[tensor.file]->read(
            at, {reinterpret_cast<std::uint8_t*>(out.data()), out.size_bytes()});
    }
    Bytes buffer(std::min(out.size() * width, kDecodeBytes));
    while (!out.empty()) {
        const std::size_t count = std::min(out.size(), buffer.size() / width);
        const MutableByteView part = std::span(buffer).first(count * width);
        COVENANT_CHECK(files_[tensor.file]->read(at, part));
        decode(tensor.type, part, out.first(count));
        out = out.subspan(count);
        at += part.size();
    }
    return {};
}

Status CheckpointFile::read(std::size_t tensor, std::size_t first, std::span<float> out) const {
    const StoredTensor& stored = tensors_[tensor];
    const engine::TensorSlot& slot = layout_->tensors()[tensor];
    if (format_ != Format::kGguf || !is_rotary(slot.name)) return read_stored(stored, first, out);
    return read_reordered(
        [&](std::size_t at, std::span<float> part) { return read_stored(stored, at, part); },
        interleaved_row, layout_->config().head_dim(), slot.cols, first, out);
}

std::uint64_t CheckpointFile::file_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& file : files_)
        sum += file->size();
    return sum;
}

std::optional<std::string> CheckpointFile::metadata(std::string_view key) const {
    for (const auto& [name, value] : metadata_) {
        if (name == key) return value;
    }
    return std::nullopt;
}

Result<std::optional<Hash256>> CheckpointFile::declared_root() const {
    const auto text = metadata(kRootKey);
    if (!text || !is_exact()) return std::optional<Hash256>{};  // 16 bits round: another root
    const auto root = fixed_from_hex<Hash256>(*text);
    if (!root) return fail(Errc::kMalformed, "the file's own root '" + *text + "' is none");
    return *root;
}

bool CheckpointFile::is_exact() const {
    return std::ranges::all_of(
        tensors_, [](const StoredTensor& tensor) { return tensor.type == TensorType::kF32; });
}

}  // namespace covenant::model_files
