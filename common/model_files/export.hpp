// Parameters into the formats that other programs load, and back into ours. Streaming: memory does
// not grow with the model. What is written appears whole under its name or not at all.
#pragma once

#include "common/base/durable_file.hpp"
#include "common/model_files/checkpoint_file.hpp"
#include "common/model_files/parameter_source.hpp"
#include "common/model_files/vocabulary.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace covenant::model_files {

struct ExportOptions {
    Format format = Format::kSafetensors;
    TensorType type = TensorType::kF32;  // or kBf16
    // Of a safetensors file's data; a tensor that is larger has a file of its own.
    std::uint64_t shard_bytes = std::uint64_t{5'000'000'000};
    std::string name = "covenant";  // general.name
    // The parameters' root (scan) and where they come from, for the file's metadata. Empty texts
    // are left out.
    Hash256 root;
    std::string run;
    std::string round;
    // Of a safetensors folder: only one that holds nothing but what an export writes.
    Overwrite overwrite = Overwrite::kNo;
};

struct Written {
    std::uint64_t bytes = 0;  // of the tensors' files
    std::size_t files = 0;    // that hold tensors
};

// Safetensors: a folder `path` with the weights, config.json, generation_config.json,
// tokenizer.json, tokenizer_config.json and tokenizer.model. GGUF: the file `path`.
// kMismatch: the vocabulary has another size than the model's. kAlreadyExists: `path` is taken and
// not to be replaced; kInterrupted; kIo.
Result<Written> export_checkpoint(const ParameterSource& source, const Vocabulary& vocabulary,
                                  const ExportOptions& options, const std::filesystem::path& path,
                                  const Monitor& monitor);

// The flat layout as little-endian fp32 into the file `path`, and its root. kMalformed: a value
// that is not finite. Errors as above.
Result<Hash256> write_raw(const ParameterSource& source, const std::filesystem::path& path,
                          Overwrite overwrite, const Monitor& monitor);

}  // namespace covenant::model_files
