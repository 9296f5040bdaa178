// A small model with a trained tokenizer, and its files in memory and on disk.
#pragma once

#include "common/data/corpus/tokenizer.hpp"
#include "common/engine/parameter_buffer.hpp"
#include "common/model_files/export.hpp"
#include "common/model_files/raw_parameters.hpp"

#include <filesystem>
#include <string>

namespace covenant::model_files::testing {

// d 16, 2 layers, 4 heads, 2 KV heads, SwiGLU 24, vocabulary 400, T 8; head size 4.
engine::ModelConfig small_config();
const engine::ParameterLayout& small_layout();
const engine::ParameterBuffer& small_parameters();  // all distinct enough, exact in no 16 bits
Hash256 root_of(const engine::ParameterBuffer& buffer);
std::unique_ptr<RawParameters> small_source();

const Bytes& tokenizer_model();
const data::Tokenizer& tokenizer();
const Vocabulary& vocabulary();

// An empty folder that goes with the object.
class Scratch {
  public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
        return path_ / name;
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    // Names in it, also hidden ones.
    [[nodiscard]] std::vector<std::string> names() const;

  private:
    std::filesystem::path path_;
};

Bytes bytes_of_file(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, ByteView bytes);

// The files of an export of small_parameters.
Bytes safetensors_bytes(TensorType type = TensorType::kF32);
Bytes gguf_bytes(TensorType type = TensorType::kF32);
std::string config_text();

// `bytes` with one change; the first occurrence of `from` must be there.
Bytes replaced(Bytes bytes, std::string_view from, std::string_view to);

}  // namespace covenant::model_files::testing
