// A checkpoint in another program's format, read as hostile input: a folder in Hugging Face's Llama
// layout (config.json, model.safetensors or its shards) or a GGUF file. Its parameters read as a
// ParameterSource in our layout, whatever the file's types, names and order of rows.
#pragma once

#include "common/model_files/input.hpp"
#include "common/model_files/parameter_source.hpp"
#include "common/model_files/tensor_names.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace covenant::model_files {

enum class Format : std::uint8_t { kSafetensors, kGguf };
std::string_view to_string(Format format);  // "safetensors", "gguf"
std::optional<Format> format_from(std::string_view text);

class CheckpointFile final : public ParameterSource {
  public:
    // The structure is checked whole before this returns; values are not looked at (scan does).
    // kNotFound, kIo; kMalformed with the reason.
    static Result<std::unique_ptr<CheckpointFile>> open(const std::filesystem::path& path);
    // The same from parts that are open already.
    static Result<std::unique_ptr<CheckpointFile>> from_safetensors(
        std::string_view config_json, std::vector<std::unique_ptr<Input>> files);
    static Result<std::unique_ptr<CheckpointFile>> from_gguf(std::unique_ptr<Input> file);

    [[nodiscard]] const engine::ParameterLayout& layout() const override { return *layout_; }
    [[nodiscard]] Status read(std::size_t tensor, std::size_t first,
                              std::span<float> out) const override;

    [[nodiscard]] Format format() const { return format_; }
    // In the order of the layout, as stored.
    [[nodiscard]] std::span<const StoredTensor> tensors() const { return tensors_; }
    [[nodiscard]] std::uint64_t file_bytes() const;  // of all files
    [[nodiscard]] std::size_t file_count() const { return files_.size(); }
    // Text that the file carries of itself: __metadata__, or the text keys of GGUF.
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& metadata() const {
        return metadata_;
    }
    [[nodiscard]] std::optional<std::string> metadata(std::string_view key) const;
    // What an export in F32 wrote into the metadata. kMalformed: a text that is no root.
    [[nodiscard]] Result<std::optional<Hash256>> declared_root() const override;
    // Every tensor is F32: what an import gives is what was exported, bit for bit.
    [[nodiscard]] bool is_exact() const;

  private:
    CheckpointFile() = default;
    Status adopt(const engine::ModelConfig& config, std::vector<StoredTensor> stored);
    [[nodiscard]] Status read_stored(const StoredTensor& tensor, std::size_t first,
                                     std::span<float> out) const;

    Format format_ = Format::kSafetensors;
    std::unique_ptr<engine::ParameterLayout> layout_;
    std::vector<std::unique_ptr<Input>> files_;
    std::vector<StoredTensor> tensors_;
    std::vector<std::pair<std::string, std::string>> metadata_;
};

// Keys of the metadata that an export writes.
inline constexpr std::string_view kRootKey = "covenant.parameters_root";
inline constexpr std::string_view kRunKey = "covenant.run";
inline constexpr std::string_view kRoundKey = "covenant.round";

// Names inside a folder.
inline constexpr std::string_view kConfigName = "config.json";
inline constexpr std::string_view kWeightsName = "model.safetensors";
inline constexpr std::string_view kShardIndexName = "model.safetensors.index.json";
inline constexpr std::string_view kTokenizerModelName = "tokenizer.model";

}  // namespace covenant::model_files
