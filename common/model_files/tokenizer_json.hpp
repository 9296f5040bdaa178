// What Hugging Face's libraries need to tokenise exactly as SentencePiece does.
#pragma once

#include "common/model_files/vocabulary.hpp"

#include <cstdint>
#include <string>

namespace covenant::model_files {

// BPE with byte fallback. Merges: every split of a normal piece into two normal pieces, per piece
// by (id of the left, id of the right), then all by score, highest first (stable): the order in
// which SentencePiece's best-score-first merging takes them.
std::string tokenizer_json(const Vocabulary& vocabulary);
std::string tokenizer_config_json(const Vocabulary& vocabulary, std::uint32_t seq_len);
std::string generation_config_json();

}  // namespace covenant::model_files
