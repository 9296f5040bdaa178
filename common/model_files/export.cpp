#include "common/model_files/export.hpp"

#include "common/base/hex.hpp"
#include "common/base/new_folder.hpp"
#include "common/model_files/gguf.hpp"
#include "common/model_files/llama_config.hpp"
#include "common/model_files/safetensors.hpp"
#include "common/model_files/tokenizer_json.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 7> kNames = {kConfigName,
                                                    kWeightsName,
                                                    kShardIndexName,
                                                    kTokenizerModelName,
                                                    "tokenizer.json",
                                                    "tokenizer_config.json",
                                                    "generation_config.json"};

std::string shard_name(std::size_t index, std::size_t count) {
    return count == 1 ? std::string(kWeightsName)
                      : fmt::format("model-{:05}-of-{:05}.safetensors", index + 1, count);
}

// What an export writes into a folder.
bool is_ours(std::string_view name) {
    if (std::ranges::find(kNames, name) != kNames.end()) return true;
    constexpr std::string_view kPattern = "model-#####-of-#####.safetensors";
    return std::ranges::equal(name, kPattern, [](char c, char wanted) {
        return wanted == '#' ? c >= '0' && c <= '9' : c == wanted;
    });
}

class Exporter {
  public:
    Exporter(const ParameterSource& source, const ExportOptions& options, const Monitor& monitor)
        : source_(source),
          options_(options),
          monitor_(monitor),
          values_(std::min(kBlockFloats, source.layout().total_floats())) {
        const bool gguf = options.format == Format::kGguf;
        for (const engine::TensorSlot& slot : source.layout().tensors()) {
            StoredTensor tensor;
            tensor.name = gguf ? gguf_name(slot.name) : slot.name;
            tensor.type = gguf && slot.is_norm ? TensorType::kF32 : options.type;
            if (!slot.is_norm) tensor.shape.push_back(slot.rows);
            tensor.shape.push_back(slot.cols);
            tensor.bytes = slot.numel * bytes_of(tensor.type);
            total_ += tensor.bytes;
            tensors_.push_back(std::move(tensor));
        }
        bytes_.resize(values_.size() * bytes_of(TensorType::kF32));
    }

    Result<Written> folder(const fs::path& path, const Vocabulary& vocabulary) {
        COVENANT_TRY(NewFolder out, NewFolder::create(path, options_.overwrite, is_ours));
        std::vector<std::size_t> starts{0};  // the first tensor of each shard
        std::uint64_t in_shard = 0;
        for (std::size_t i = 0; i < tensors_.size(); ++i) {
            if (in_shard != 0 && in_shard + tensors_[i].bytes > options_.shard_bytes) {
                starts.push_back(i);
                in_shard = 0;
            }
            in_shard += tensors_[i].bytes;
        }
        const std::size_t shards = starts.size();
        starts.push_back(tensors_.size());
        Written written{.bytes = 0, .files = shards};
        std::vector<std::string> names;
        for (std::size_t shard = 0; shard < shards; ++shard) {
            names.push_back(shard_name(shard, shards));
            COVENANT_TRY(const std::uint64_t bytes,
                         weights(out, names.back(), starts[shard], starts[shard + 1]));
            written.bytes += bytes;
            for (std::size_t i = starts[shard]; i < starts[shard + 1]; ++i)
                tensors_[i].file = static_cast<std::uint32_t>(shard);
        }
        if (shards > 1) {
            COVENANT_CHECK(out.add(kShardIndexName, as_bytes(shard_index_json(tensors_, names))));
        }
        const engine::ModelConfig& config = source_.layout().config();
        const std::pair<std::string_view, std::string> texts[] = {
            {kConfigName, llama_config_json(config, options_.type)},
            {"generation_config.json", generation_config_json()},
            {"tokenizer.json", tokenizer_json(vocabulary)},
            {"tokenizer_config.json", tokenizer_config_json(vocabulary, config.seq_len)},
        };
        for (const auto& [name, text] : texts)
            COVENANT_CHECK(out.add(name, as_bytes(text)));
        COVENANT_CHECK(out.add(kTokenizerModelName, vocabulary.model));
        COVENANT_CHECK(monitor_.report(total_, total_));
        COVENANT_CHECK(out.publish());
        return written;
    }

    Result<Written> gguf(const fs::path& path, const Vocabulary& vocabulary) {
        COVENANT_TRY(NewFile out, NewFile::create(path, {.overwrite = options_.overwrite}));
        GgufDescription description{
            .name = options_.name, .type = options_.type, .notes = metadata()};
        COVENANT_CHECK(out.write(
            encode_gguf_header(source_.layout().config(), vocabulary, description, tensors_)));
        for (std::size_t i = 0; i < tensors_.size(); ++i) {
            COVENANT_CHECK(data(out, i));
            constexpr std::array<std::uint8_t, kGgufAlignment> kZeros{};
            const std::uint64_t over = out.position() % kGgufAlignment;
            if (over != 0) {
                COVENANT_CHECK(out.write(
                    ByteView(kZeros).first(static_cast<std::size_t>(kGgufAlignment - over))));
            }
        }
        const Written written{.bytes = out.position(), .files = 1};
        COVENANT_CHECK(out.publish());
        return written;
    }

  private:
    [[nodiscard]] Metadata metadata() const {
        Metadata out;
        if (!options_.root.is_zero()) out.emplace_back(kRootKey, to_0x(options_.root));
        if (!options_.run.empty()) out.emplace_back(kRunKey, options_.run);
        if (!options_.round.empty()) out.emplace_back(kRoundKey, options_.round);
        return out;
    }

    Result<std::uint64_t> weights(const NewFolder& folder, const std::string& name,
                                  std::size_t begin, std::size_t end) {
        COVENANT_TRY(NewFile file, folder.file(name));
        Metadata extra{{"format", "pt"}};
        const Metadata own = metadata();
        extra.insert(extra.end(), own.begin(), own.end());
        COVENANT_CHECK(file.write(
            encode_safetensors_header(std::span(tensors_).subspan(begin, end - begin), extra)));
        for (std::size_t i = begin; i < end; ++i)
            COVENANT_CHECK(data(file, i));
        const std::uint64_t bytes = file.position();
        COVENANT_CHECK(file.publish());
        return bytes;
    }

    Status data(NewFile& file, std::size_t tensor) {
        const engine::TensorSlot& slot = source_.layout().tensors()[tensor];
        const TensorType type = tensors_[tensor].type;
        const bool reorder = options_.format == Format::kGguf && is_rotary(slot.name);
        const auto plain = [&](std::size_t at, std::span<float> part) {
            return source_.read(tensor, at, part);
        };
        for (std::size_t first = 0; first < slot.numel;) {
            const auto values =
                std::span(values_).first(std::min(slot.numel - first, values_.size()));
            COVENANT_CHECK(reorder ? read_reordered(plain, halves_row,
                                                    source_.layout().config().head_dim(), slot.cols,
                                                    first, values)
                                   : plain(first, values));
            const auto bytes = std::span(bytes_).first(values.size() * bytes_of(type));
            encode(type, values, bytes);
            COVENANT_CHECK(file.write(bytes));
            first += values.size();
            done_ += bytes.size();
            COVENANT_CHECK(monitor_.report(done_, total_));
        }
        return {};
    }

    const ParameterSource& source_;
    const ExportOptions& options_;
    const Monitor& monitor_;
    std::vector<StoredTensor> tensors_;
    std::vector<float> values_;
    Bytes bytes_;
    std::uint64_t done_ = 0;
    std::uint64_t total_ = 0;
};

}  // namespace

Result<Written> export_checkpoint(const ParameterSource& source, const Vocabulary& vocabulary,
                                  const ExportOptions& options, const fs::path& path,
                                  const Monitor& monitor) {
    const std::uint32_t wanted = source.layout().config().vocab_size;
    if (vocabulary.pieces.size() != wanted) {
        return fail(Errc::kMismatch, fmt::format("the tokenizer has {} tokens, the model {}: "
                                                 "they do not belong together",
                                                 vocabulary.pieces.size(), wanted));
    }
    if (options.type == TensorType::kF16) {
        return fail(Errc::kInvalidArgument, "F16 is read, not written: its range is too small");
    }
    Exporter exporter(source, options, monitor);
    return options.format == Format::kGguf ? exporter.gguf(path, vocabulary)
                                           : exporter.folder(path, vocabulary);
}

Result<Hash256> write_raw(const ParameterSource& source, const fs::path& path, Overwrite overwrite,
                          const Monitor& monitor) {
    COVENANT_TRY(NewFile out, NewFile::create(path, {.overwrite = overwrite}));
    COVENANT_TRY(const Hash256 root, scan(source, monitor, [&](std::span<const float> chunks) {
                     return out.write(ByteView(reinterpret_cast<const std::uint8_t*>(chunks.data()),
                                               chunks.size_bytes()));
                 }));
    COVENANT_CHECK(out.publish());
    return root;
}

}  // namespace covenant::model_files
