// The tokenizer of a data folder. Apart from window_reader.hpp on purpose: Debian's
// libsentencepiece exports a protobuf of its own under the names of libprotobuf, which libtorch
// needs, and a process that loads both dies before main(). A program that trains must not refer to
// the tokenizer.
#pragma once

#include "common/base/result.hpp"
#include "common/data/corpus/tokenizer.hpp"
#include "common/data/corpus_manifest.hpp"

#include <filesystem>

namespace covenant::data {

// kCorrupt: the file's hash is not the manifest's; kMalformed: no tokenizer, or one with another
// number of ids; kNotFound, kIo.
Result<Tokenizer> open_tokenizer(const std::filesystem::path& folder,
                                 const CorpusManifest& manifest);

}  // namespace covenant::data
