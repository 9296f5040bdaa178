// The devnet's text: the King James Bible from Debian's packages bible-kjv and bible-kjv-text
// (text in the public domain).
#pragma once

#include "common/base/result.hpp"
#include "common/data/corpus/corpus_builder.hpp"

#include <filesystem>
#include <string>

namespace covenant::data {

// vocabulary 2048, T 128, at least 256 held-out windows
CorpusOptions king_james_options();

// All 66 books, a line each verse. program: the `bible` executable, found on PATH. kPrecondition
// when it is missing, with the packages to install; kIo when it fails or prints too little.
Result<std::string> read_king_james(const std::string& program = "bible");

// build_corpus of that text. Takes a few seconds the first time; afterwards it is checked and
// reused.
Result<CorpusManifest> prepare_king_james(const std::filesystem::path& folder,
                                          const CorpusOptions& options = king_james_options(),
                                          const CorpusProgress& progress = {});

}  // namespace covenant::data
