#include "common/data/corpus/tokenizer.hpp"

#include "common/base/assert.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <unordered_map>
#include <utility>

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

namespace covenant::data {
namespace {

constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581
constexpr std::size_t kMaxTrainingLine = 16 * 1024;

// Lines of the texts, without their newline, cut where a line is longer than the trainer takes.
class Lines final : public sentencepiece::SentenceIterator {
  public:
    explicit Lines(std::span<const std::string_view> texts) : texts_(texts) { Next(); }
    bool done() const override { return done_; }
    void Next() override {
        while (rest_.empty()) {
            if (next_text_ == texts_.size()) {
                done_ = true;
                return;
            }
            rest_ = texts_[next_text_++];
        }
        std::size_t end = std::min(rest_.find('\n'), rest_.size());
        if (end > kMaxTrainingLine) {
            end = kMaxTrainingLine;
            while (end > kMaxTrainingLine - 4 &&
                   (static_cast<unsigned char>(rest_[end]) & 0xc0) == 0x80) {
                --end;  // not inside a character
            }
            line_ = rest_.substr(0, end);
            rest_.remove_prefix(end);
        } else {
            line_ = rest_.substr(0, end);
            rest_.remove_prefix(std::min(end + 1, rest_.size()));
        }
    }
    const std::string& value() const override { return line_; }
    sentencepiece::util::Status status() const override { return {}; }

  private:
    std::span<const std::string_view> texts_;
    std::size_t next_text_ = 0;
    std::string_view rest_;
    std::string line_;
    bool done_ = false;
};

// Length of the UTF-8 character at the front, 0 when the bytes are none (Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return i < text.size() && at(i) >= low && at(i) <= high;
    };
    const unsigned first = at(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = first == 0xed ? 0x9f : 0xbf;
        return follows(1, low, high) && follows(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const unsigned low = first == 0xf0 ? 0x90 : 0x80;
        const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
        return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

// Bytes at the front that must become byte tokens; 0 when SentencePiece keeps what stands there.
std::size_t verbatim_length(std::string_view text) {
    if (text.front() == '\0') return 1;
    if (text.starts_with(kSpaceMark)) return kSpaceMark.size();
    return utf8_length(text) == 0 ? 1 : 0;
}

std::string piece_text(std::string piece) {
    for (std::size_t at = piece.find(kSpaceMark); at != std::string::npos;
         at = piece.find(kSpaceMark, at + 1)) {
        piece.replace(at, kSpaceMark.size(), " ");
    }
    return piece;
}

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

std::string byte_piece(unsigned byte) {  // "<0x0A>"
    return {'<', '0', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15], '>'};
}

tl::unexpected<Error> bad_model(std::string reason) {
    return fail(Errc::kMalformed, "tokenizer model: " + std::move(reason));
}

}  // namespace

struct Tokenizer::Model {
    sentencepiece::SentencePieceProcessor processor;
    Hash256 hash;
    std::vector<std::string> texts;  // bytes that each token decodes to
    std::array<Token, 256> byte_tokens{};
};

Result<Bytes> train_tokenizer(std::span<const std::string_view> texts, std::uint32_t vocab_size) {
    if (vocab_size < kMinVocabSize || vocab_size > kMaxVocabSize) {
        return fail(Errc::kInvalidArgument, "train tokenizer: vocabulary of " +
                                                std::to_string(vocab_size) + " is outside [" +
                                                std::to_string(kMinVocabSize) + ", " +
                                                std::to_string(kMaxVocabSize) + "]");
    }
    // Every flag is set here, so that a library default that changes cannot change the model.
    const std::unordered_map<std::string, std::string> flags = {
        {"model_type", "bpe"},
        {"vocab_size", std::to_string(vocab_size)},
        {"byte_fallback", "true"},
        {"split_digits", "true"},
        {"normalization_rule_name", "identity"},
        {"remove_extra_whitespaces", "false"},
        {"add_dummy_prefix", "false"},
        {"character_coverage", "0.9999"},
        {"user_defined_symbols", "\n"},
        {"unk_id", "0"},
        {"bos_id", "1"},
        {"eos_id", "2"},
        {"pad_id", "-1"},
        {"num_threads", "1"},
        {"input_sentence_size", "0"},
        {"shuffle_input_sentence", "false"},
        {"max_sentence_length", std::to_string(2 * kMaxTrainingLine)},
        {"minloglevel", "2"},
    };
    try {
        Lines lines(texts);
        std::string model;
        const auto status = sentencepiece::SentencePieceTrainer::Train(flags, &lines, &model);
        if (!status.ok()) {
            return fail(Errc::kInvalidArgument,
                        "train tokenizer with a vocabulary of " + std::to_string(vocab_size) +
                            ": " + status.ToString() + "; give more text or a smaller vocabulary");
        }
        const ByteView bytes = as_bytes(model);
        return Bytes(bytes.begin(), bytes.end());
    } catch (const std::exception& error) {
        return fail(Errc::kIo, std::string("train tokenizer: ") + error.what());
    }
}

Tokenizer::Tokenizer(std::unique_ptr<Model> model) : model_(std::move(model)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::from_bytes(ByteView bytes) {
    if (bytes.empty() || bytes.size() > kMaxTokenizerBytes) {
        return bad_model(std::to_string(bytes.size()) + " bytes, expected 1 to " +
                         std::to_string(kMaxTokenizerBytes));
    }
    try {
        auto model = std::make_unique<Model>();
        const auto status = model->processor.LoadFromSerializedProto(as_text(bytes));
        if (!status.ok()) return bad_model(status.ToString());
        const auto& processor = model->processor;
        if (processor.unk_id() != static_cast<int>(kUnknownToken) ||
            processor.bos_id() != static_cast<int>(kBeginToken) ||
            processor.eos_id() != static_cast<int>(kEndToken)) {
            return bad_model("unknown, begin and end are not the ids 0, 1 and 2");
        }
        const int size = processor.GetPieceSize();
        model->texts.resize(static_cast<std::size_t>(size));
        for (int id = 0; id < size; ++id) {
            if (processor.IsControl(id) || processor.IsUnknown(id) || processor.IsByte(id))
                continue;
            model->texts[static_cast<std::size_t>(id)] = piece_text(processor.IdToPiece(id));
        }
        for (unsigned byte = 0; byte < 256; ++byte) {
            const int id = processor.PieceToId(byte_piece(byte));
            if (id <= 0 || id >= size || !processor.IsByte(id)) {
                return bad_model("byte token " + byte_piece(byte) + " is missing");
            }
            model->byte_tokens[byte] = static_cast<Token>(id);
            model->texts[static_cast<std::size_t>(id)] = std::string(1, static_cast<char>(byte));
        }
        model->hash = crypto::sha256(bytes);
        return Tokenizer(std::move(model));
    } catch (const std::exception& error) {
        return bad_model(error.what());
    }
}

Result<std::vector<Token>> Tokenizer::encode(std::string_view text) const {
    try {
        std::vector<Token> out;
        std::vector<int> ids;
        std::size_t start = 0;
        const auto flush = [&](std::size_t end) -> Status {
            if (start == end) return {};
            const auto status = model_->processor.Encode(text.substr(start, end - start), &ids);
            if (!status.ok()) return fail(Errc::kInvalidArgument, "encode: " + status.ToString());
            for (const int id : ids)
                out.push_back(static_cast<Token>(id));
            return {};
        };
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t verbatim = verbatim_length(text.substr(at));
            if (verbatim == 0) {
                at += utf8_length(text.substr(at));
                continue;
            }
            COVENANT_CHECK(flush(at));
            for (std::size_t i = 0; i < verbatim; ++i) {
                out.push_back(model_->byte_tokens[static_cast<unsigned char>(text[at + i])]);
            }
            at += verbatim;
            start = at;
        }
        COVENANT_CHECK(flush(text.size()));
        return out;
    } catch (const std::exception& error) {
        return fail(Errc::kIo, std::string("encode: ") + error.what());
    }
}

Result<std::string> Tokenizer::decode(std::span<const Token> tokens) const {
    std::string out;
    for (const Token token : tokens) {
        if (token >= model_->texts.size()) {
            return fail(Errc::kInvalidArgument, "decode: token " + std::to_string(token) +
                                                    " is not below " +
                                                    std::to_string(model_->texts.size()));
        }
        out += model_->texts[token];
    }
    return out;
}

std::size_t Tokenizer::byte_length(Token token) const {
    COVENANT_ASSERT(token < model_->texts.size(), "callers stay within the vocabulary");
    return model_->texts[token].size();
}

std::uint32_t Tokenizer::vocab_size() const {
    return static_cast<std::uint32_t>(model_->texts.size());
}

const Hash256& Tokenizer::hash() const {
    return model_->hash;
}

}  // namespace covenant::data
