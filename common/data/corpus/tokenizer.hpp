// Text to token ids and back: SentencePiece BPE with byte fallback and identity normalisation.
// Every byte string survives encode and decode exactly: what SentencePiece would alter (bytes that
// are not UTF-8, U+2581 which it uses for the space) is encoded as byte tokens.
//
// Ids: 0 unknown (never produced), 1 begin, 2 end of a document, 3 newline, then 256 byte tokens,
// then pieces.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/data/token.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::data {

// The bytes of a SentencePiece model file trained on the lines of these texts. The same texts in
// the same order give the same bytes (one thread, no sampling, fixed flags). kInvalidArgument:
// vocab_size outside [kMinVocabSize, kMaxVocabSize], or more pieces than the text can give.
Result<Bytes> train_tokenizer(std::span<const std::string_view> texts, std::uint32_t vocab_size);

class Tokenizer {
  public:
    // model: the bytes of a SentencePiece model file. kMalformed: not one, or one without the 256
    // byte tokens and the fixed ids above.
    static Result<Tokenizer> from_bytes(ByteView model);

    Tokenizer(Tokenizer&&) noexcept;
    Tokenizer& operator=(Tokenizer&&) noexcept;
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;
    ~Tokenizer();

    // Thread-safe. No begin or end token is added.
    [[nodiscard]] Result<std::vector<Token>> encode(std::string_view text) const;
    // Exactly the bytes that were encoded; the begin, end and unknown tokens give nothing.
    // kInvalidArgument: an id >= vocab_size().
    [[nodiscard]] Result<std::string> decode(std::span<const Token> tokens) const;
    // Bytes that decoding one token gives. token < vocab_size().
    [[nodiscard]] std::size_t byte_length(Token token) const;

    [[nodiscard]] std::uint32_t vocab_size() const;
    // SHA-256 of the model bytes: DataSpec.tokenizer_hash.
    [[nodiscard]] const Hash256& hash() const;

  private:
    struct Model;
    explicit Tokenizer(std::unique_ptr<Model> model);
    std::unique_ptr<Model> model_;
};

}  // namespace covenant::data
