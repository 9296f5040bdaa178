#include "common/model_files/vocabulary.hpp"

#include <bit>
#include <cmath>
#include <optional>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

tl::unexpected<Error> malformed(std::string reason) {
    return fail(Errc::kMalformed, "tokenizer model: " + std::move(reason));
}

// One field of a protobuf message.
struct Field {
    std::uint32_t number = 0;
    std::uint64_t value = 0;  // of a varint or of fixed bytes
    ByteView bytes;           // of a length-delimited one
};

// Protobuf wire format; groups, which proto3 and SentencePiece do not have, end the reading.
class Message {
  public:
    explicit Message(ByteView data) : rest_(data) {}

    // Nothing at the end and after a failure.
    std::optional<Field> next() {
        if (!good_ || rest_.empty()) return std::nullopt;
        Field field;
        const std::uint64_t key = varint();
        field.number = static_cast<std::uint32_t>(key >> 3);
        switch (key & 7) {
            case 0:
                field.value = varint();
                break;
            case 1:
                field.bytes = take(8);
                if (good_) field.value = load_le<std::uint64_t>(field.bytes.data());
                break;
            case 2:
                field.bytes = take(varint());
                break;
            case 5:
                field.bytes = take(4);
                if (good_) field.value = load_le<std::uint32_t>(field.bytes.data());
                break;
            default:
                good_ = false;
        }
        if (key == 0 || key >> 3 > (1U << 29)) good_ = false;
        if (!good_) return std::nullopt;
        return field;
    }
    [[nodiscard]] bool good() const { return good_; }

  private:
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (rest_.empty()) break;
            const std::uint8_t byte = rest_.front();
            rest_ = rest_.subspan(1);
            value |= std::uint64_t{byte & 0x7fU} << shift;
            if (byte < 0x80) return value;
        }
        good_ = false;
        return 0;
    }
    ByteView take(std::uint64_t length) {
        if (length > rest_.size()) {
            good_ = false;
            return {};
        }
        const ByteView out = rest_.first(static_cast<std::size_t>(length));
        rest_ = rest_.subspan(out.size());
        return out;
    }

    ByteView rest_;
    bool good_ = true;
};

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
        const unsigned first = at(i);
        std::size_t length = 1;
        unsigned low = 0x80;
        unsigned high = 0xbf;
        if (first >= 0xc2 && first <= 0xdf) {
            length = 2;
        } else if (first >= 0xe0 && first <= 0xef) {
            length = 3;
            if (first == 0xe0) low = 0xa0;
            if (first == 0xed) high = 0x9f;
        } else if (first >= 0xf0 && first <= 0xf4) {
            length = 4;
            if (first == 0xf0) low = 0x90;
            if (first == 0xf4) high = 0x8f;
        } else if (first >= 0x80) {
            return false;
        }
        if (length > text.size() - i) return false;
        for (std::size_t k = 1; k < length; ++k) {
            if (at(i + k) < low || at(i + k) > high) return false;
            low = 0x80;
            high = 0xbf;
        }
        i += length;
    }
    return true;
}

Result<Piece> parse_piece(ByteView bytes) {
    Piece piece;
    Message message(bytes);
    while (const auto field = message.next()) {
        if (field->number == 1) piece.text = as_text(field->bytes);
        if (field->number == 2) {
            piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field->value));
        }
        if (field->number == 3) {
            if (field->value < 1 || field->value > 6) {
                return malformed(fmt::format("a piece of type {}", field->value));
            }
            piece.type = static_cast<PieceType>(field->value);
        }
    }
    if (!message.good()) return malformed("a piece is cut off");
    if (piece.text.empty() || !is_utf8(piece.text)) return malformed("a piece that is no text");
    if (!std::isfinite(piece.score)) return malformed("a score that is no number");
    return piece;
}

// Defaults are SentencePiece's.
struct Settings {
    std::uint64_t model_type = 1;
    std::uint64_t byte_fallback = 0;
    std::uint64_t whitespace_suffix = 0;
    std::uint64_t unknown = 0;
    std::uint64_t begin = 1;
    std::uint64_t end = 2;
    bool charsmap = false;
    std::uint64_t dummy_prefix = 1;
    std::uint64_t remove_extra_whitespaces = 1;
    std::uint64_t escape_whitespaces = 1;
};

Status parse_trainer(ByteView bytes, Settings& settings) {
    Message message(bytes);
    while (const auto field = message.next()) {
        switch (field->number) {
            case 3:
                settings.model_type = field->value;
                break;
            case 24:
                settings.whitespace_suffix = field->value;
                break;
            case 35:
                settings.byte_fallback = field->value;
                break;
            case 40:
                settings.unknown = field->value;
                break;
            case 41:
                settings.begin = field->value;
                break;
            case 42:
                settings.end = field->value;
                break;
            default:
                break;
        }
    }
    if (!message.good()) return malformed("the trainer's settings are cut off");
    return {};
}

Status parse_normalizer(ByteView bytes, Settings& settings) {
    Message message(bytes);
    while (const auto field = message.next()) {
        switch (field->number) {
            case 2:
                settings.charsmap = !field->bytes.empty();
                break;
            case 3:
                settings.dummy_prefix = field->value;
                break;
            case 4:
                settings.remove_extra_whitespaces = field->value;
                break;
            case 5:
                settings.escape_whitespaces = field->value;
                break;
            default:
                break;
        }
    }
    if (!message.good()) return malformed("the normaliser's settings are cut off");
    return {};
}

Status check(const Settings& settings, const std::vector<Piece>& pieces) {
    if (settings.model_type != 2 || settings.byte_fallback == 0) {
        return malformed("not BPE with byte fallback");
    }
    if (settings.charsmap || settings.dummy_prefix != 0 || settings.whitespace_suffix != 0 ||
        settings.remove_extra_whitespaces != 0 || settings.escape_whitespaces == 0) {
        return malformed("its normaliser changes text or spaces");
    }
    if (settings.unknown != 0 || settings.begin != 1 || settings.end != 2 || pieces.size() < 3 ||
        pieces[0].type != PieceType::kUnknown || pieces[1].type != PieceType::kControl ||
        pieces[2].type != PieceType::kControl) {
        return malformed("unknown, begin and end are not the ids 0, 1 and 2");
    }
    std::unordered_set<std::string_view> seen;
    for (const Piece& piece : pieces) {
        if (!seen.insert(piece.text).second) return malformed("a piece is there twice");
    }
    for (unsigned byte = 0; byte < 256; ++byte) {
        if (!seen.contains(fmt::format("<0x{:02X}>", byte))) {
            return malformed(fmt::format("byte token <0x{:02X}> is missing", byte));
        }
    }
    return {};
}

}  // namespace

Result<Vocabulary> parse_vocabulary(ByteView model) {
    if (model.empty() || model.size() > kMaxVocabularyBytes) {
        return malformed(
            fmt::format("{} bytes, expected 1 to {}", model.size(), kMaxVocabularyBytes));
    }
    Vocabulary out;
    Settings settings;
    Message message(model);
    while (const auto field = message.next()) {
        if (field->number == 1) {
            COVENANT_TRY(Piece piece, parse_piece(field->bytes));
            out.pieces.push_back(std::move(piece));
        }
        if (field->number == 2) COVENANT_CHECK(parse_trainer(field->bytes, settings));
        if (field->number == 3) COVENANT_CHECK(parse_normalizer(field->bytes, settings));
    }
    if (!message.good()) return malformed("cut off, or no SentencePiece model");
    COVENANT_CHECK(check(settings, out.pieces));
    out.model.assign(model.begin(), model.end());
    return out;
}

}  // namespace covenant::model_files
