// The pieces of a SentencePiece model file. The file is read here and not by SentencePiece's
// library: its protobuf may not share a process with libtorch's.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace covenant::model_files {

inline constexpr std::size_t kMaxVocabularyBytes = std::size_t{64} << 20;

// The numbers of SentencePiece and of GGUF.
enum class PieceType : std::uint8_t {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6,
};

struct Piece {
    std::string text;  // UTF-8, spaces as U+2581
    float score = 0.0F;
    PieceType type = PieceType::kNormal;
};

// Ids are indices. The ids 0, 1 and 2 are unknown, begin and end.
struct Vocabulary {
    std::vector<Piece> pieces;
    Bytes model;  // the file
};

// Any input is safe. kMalformed: no SentencePiece model, or one that other programs could not be
// told how to follow: not BPE with byte fallback, a normaliser that changes text, a space put in
// front, other ids for unknown, begin and end, a piece twice.
Result<Vocabulary> parse_vocabulary(ByteView model);

}  // namespace covenant::model_files
