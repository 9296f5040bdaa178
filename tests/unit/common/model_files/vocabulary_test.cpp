// The tokenizer as other programs see it.
#include "common/model_files/vocabulary.hpp"

#include "common/codec/json.hpp"
#include "common/model_files/tokenizer_json.hpp"
#include "tests/support/corpus_fixture.hpp"
#include "tests/unit/common/model_files/checkpoint_fixture.hpp"

#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace covenant::model_files {
namespace {

using codec::Json;
using testing::tokenizer;
using testing::vocabulary;

TEST(Vocabulary, IsWhatSentencePieceReads) {
    ASSERT_EQ(vocabulary().pieces.size(), tokenizer().vocab_size());
    EXPECT_EQ(vocabulary().pieces[0].type, PieceType::kUnknown);
    EXPECT_EQ(vocabulary().pieces[1].text, "<s>");
    EXPECT_EQ(vocabulary().pieces[3].text, "\n");
    EXPECT_EQ(vocabulary().pieces[3].type, PieceType::kUserDefined);
    for (data::Token id = 0; id < tokenizer().vocab_size(); ++id) {
        const Piece& piece = vocabulary().pieces[id];
        if (piece.type != PieceType::kNormal) continue;
        std::string text = piece.text;
        for (std::size_t at = text.find("▁"); at != std::string::npos; at = text.find("▁"))
            text.replace(at, 3, " ");
        const data::Token ids[] = {id};
        EXPECT_EQ(tokenizer().decode(ids).value(), text);
    }
    EXPECT_EQ(vocabulary().model, testing::tokenizer_model());
}

TEST(Vocabulary, RefusesOtherModels) {
    const Bytes& model = testing::tokenizer_model();
    for (std::size_t size = 0; size < model.size(); size += 61) {
        const auto cut = parse_vocabulary(ByteView(model).first(size));
        ASSERT_FALSE(cut) << size;
        EXPECT_EQ(cut.error().code, Errc::kMalformed);
    }
    EXPECT_FALSE(parse_vocabulary(testing::replaced(model, "<0x7F>", "<0x7E>")));  // twice
    EXPECT_FALSE(parse_vocabulary(testing::replaced(model, "<0x7F>", "<0x7G>")));  // missing
    EXPECT_FALSE(parse_vocabulary(testing::replaced(model, "<0x7F>", "\xff\xfe????")));
    EXPECT_FALSE(parse_vocabulary(Bytes(100, 0xff)));
    EXPECT_FALSE(parse_vocabulary(Bytes(100, 0)));
    // Fields appended to a message override: another normaliser, another kind of model.
    const auto and_then = [&](std::initializer_list<std::uint8_t> more) {
        Bytes out = model;
        out.insert(out.end(), more);
        return out;
    };
    ASSERT_TRUE(parse_vocabulary(and_then({0x1a, 2, 0x18, 0})));  // no dummy prefix, as it is
    EXPECT_FALSE(parse_vocabulary(and_then({0x1a, 2, 0x18, 1})));
    EXPECT_FALSE(parse_vocabulary(and_then({0x1a, 2, 0x20, 1})));
    EXPECT_FALSE(parse_vocabulary(and_then({0x1a, 3, 0x12, 1, 'x'})));
    EXPECT_FALSE(parse_vocabulary(and_then({0x12, 2, 0x18, 1})));  // unigram
    EXPECT_FALSE(parse_vocabulary(and_then({0x12, 3, 0xc8, 0x02, 3})));
    EXPECT_FALSE(parse_vocabulary(and_then({0x0b})));  // a group
    EXPECT_FALSE(parse_vocabulary(
        and_then({0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})));
}

// What Hugging Face's tokenizers do with tokenizer.json, in the plainest way.
class HuggingFace {
  public:
    explicit HuggingFace(const std::string& text) {
        const Json json = Json::parse(text, {.max_values = 1U << 22}).value();
        const Json model = json.at("model").value();
        const Json vocab = model.at("vocab").value();
        const std::vector<std::string> pieces = vocab.as_keys().value();
        for (const std::string& piece : pieces)
            ids_[piece] = vocab.u64(piece).value();
        const std::vector<Json> merges = model.items("merges").value();
        for (std::size_t rank = 0; rank < merges.size(); ++rank)
            ranks_.emplace(merges[rank].as_string().value(), rank);
        const std::vector<Json> tokens = json.items("added_tokens").value();
        for (const Json& token : tokens)  // special ones are found in a text as well
            added_.push_back(token.string("content").value());
    }

    [[nodiscard]] std::vector<data::Token> encode(std::string_view text) const {
        std::vector<data::Token> out;
        while (!text.empty()) {
            std::size_t end = text.size();
            std::string found;
            for (const std::string& token : added_) {
                if (const std::size_t at = text.find(token); at < end) {
                    end = at;
                    found = token;
                }
            }
            part(text.substr(0, end), out);
            if (found.empty()) break;
            out.push_back(static_cast<data::Token>(ids_.at(found)));
            text.remove_prefix(end + found.size());
        }
        return out;
    }

  private:
    void part(std::string_view text, std::vector<data::Token>& out) const {
        std::vector<std::string> pieces;
        for (const char c : text) {
            if (c == ' ') {
                pieces.emplace_back("▁");
            } else if ((static_cast<unsigned char>(c) & 0xc0U) == 0x80) {
                pieces.back() += c;
            } else {
                pieces.emplace_back(1, c);
            }
        }
        while (true) {
            std::size_t best = ranks_.size();
            std::size_t place = 0;
            for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
                const auto rank = ranks_.find(pieces[i] + " " + pieces[i + 1]);
                if (rank != ranks_.end() && rank->second < best) {
                    best = rank->second;
                    place = i;
                }
            }
            if (best == ranks_.size()) break;
            pieces[place] += pieces[place + 1];
            pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(place) + 1);
        }
        for (const std::string& piece : pieces) {
            if (const auto id = ids_.find(piece); id != ids_.end()) {
                out.push_back(static_cast<data::Token>(id->second));
                continue;
            }
            for (const char c : piece)
                out.push_back(static_cast<data::Token>(
                    ids_.at(fmt::format("<0x{:02X}>", static_cast<unsigned char>(c)))));
        }
    }

    std::map<std::string, std::uint64_t> ids_;
    std::map<std::string, std::size_t> ranks_;
    std::vector<std::string> added_;
};

TEST(TokenizerJson, TokenisesAsSentencePieceDoes) {
    const HuggingFace other(tokenizer_json(vocabulary()));
    const std::string sample = data::testing::sample_text(4'000, 9);
    std::vector<std::string> texts{"",
                                   " ",
                                   "   the  light ",
                                   "the\nriver\n\n of",
                                   "日本語 and bread",
                                   "\t\"quoted\" 1 27 777\r\n",
                                   "aaaaaaaaaaaaaaaaaaaa",
                                   "a</s>b",  // control pieces are no text
                                   "a<s>b",
                                   "x<unk>y",
                                   "</s>",
                                   "thethethe ofof\xf0\x9f\x98\x80 <0x41>"};
    for (std::size_t at = 0; at + 50 < sample.size(); at += 50)
        texts.push_back(sample.substr(at, 50));
    for (const std::string& text : texts)
        EXPECT_EQ(other.encode(text), tokenizer().encode(text).value()) << text;
}

TEST(TokenizerJson, TheOtherFilesAreJson) {
    const auto config = Json::parse(tokenizer_config_json(vocabulary(), 128));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->string("bos_token").value(), "<s>");
    EXPECT_EQ(config->u64("model_max_length").value(), 128U);
    EXPECT_TRUE(config->boolean("split_special_tokens").value())
        << "else the class finds bos, eos and unk in a text";
    EXPECT_TRUE(Json::parse(generation_config_json()));
}

}  // namespace
}  // namespace covenant::model_files
