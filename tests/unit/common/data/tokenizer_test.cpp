#include "common/data/corpus/tokenizer.hpp"

#include "common/crypto/sha256.hpp"
#include "tests/support/corpus_fixture.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace covenant::data {
namespace {

const Bytes& model() {
    static const Bytes bytes = [] {
        const std::string text = testing::sample_text(60'000);
        const std::string_view view = text;
        return train_tokenizer({&view, 1}, 400).value();
    }();
    return bytes;
}

const Tokenizer& tokenizer() {
    static const Tokenizer value = Tokenizer::from_bytes(model()).value();
    return value;
}

void expect_round_trip(std::string_view text) {
    const auto tokens = tokenizer().encode(text);
    ASSERT_TRUE(tokens) << tokens.error().context;
    EXPECT_EQ(tokenizer().decode(*tokens).value(), text);
    std::size_t bytes = 0;
    for (const Token token : *tokens) {
        ASSERT_LT(token, tokenizer().vocab_size());
        EXPECT_NE(token, kUnknownToken);
        bytes += tokenizer().byte_length(token);
    }
    EXPECT_EQ(bytes, text.size());
}

TEST(Tokenizer, RoundTripsText) {
    expect_round_trip("");
    expect_round_trip("and the light was good");
    expect_round_trip(" leading, trailing and  double  spaces ");
    expect_round_trip("tabs\tand\r\nline ends\n\n\n");
    expect_round_trip("日本語のテキスト、漢字とかな");
    expect_round_trip("emoji 🙂👩‍👩‍👧 and accents: naïve café");
    expect_round_trip("0123456789 <s> </s> <unk> <0x41>");
}

TEST(Tokenizer, RoundTripsWhatSentencePieceWouldChange) {
    expect_round_trip("the mark \xe2\x96\x81 itself");
    expect_round_trip(std::string_view("a\0b\0", 4));
    expect_round_trip("\xff\xfe broken \xc3");
    expect_round_trip("\xed\xa0\x80 surrogate \xf5\x80\x80\x80 too large \xc0\xaf overlong");
    expect_round_trip("\xe2\x96");
    expect_round_trip("\xef\xbf\xbd replacement");
}

TEST(Tokenizer, RoundTripsEveryPairOfBytes) {
    std::string text;
    for (unsigned first = 0; first < 256; first += 5) {
        for (unsigned second = 0; second < 256; ++second) {
            text.push_back(static_cast<char>(first));
            text.push_back(static_cast<char>(second));
        }
    }
    expect_round_trip(text);
}

TEST(Tokenizer, NewlineIsOneToken) {
    const auto tokens = tokenizer().encode("\n").value();
    ASSERT_EQ(tokens.size(), 1U);
    EXPECT_EQ(tokens[0], 3U);
    EXPECT_EQ(tokenizer().encode("the\nthe").value().size(),
              2 * tokenizer().encode("the").value().size() + 1);
}

TEST(Tokenizer, SplitsDigitsAndMergesWords) {
    EXPECT_EQ(tokenizer().encode("777").value().size(), 3U);
    EXPECT_LT(tokenizer().encode(" the light").value().size(), 10U);
}

TEST(Tokenizer, ByteTokensAreTheFixedIds) {
    const auto tokens = tokenizer().encode("\xff").value();
    ASSERT_EQ(tokens.size(), 1U);
    EXPECT_EQ(tokens[0], 4U + 0xff);
    EXPECT_EQ(tokenizer().byte_length(kBeginToken), 0U);
    const Token control[] = {kUnknownToken, kBeginToken, kEndToken};
    EXPECT_EQ(tokenizer().decode(control).value(), "");
}

TEST(Tokenizer, TrainingIsDeterministic) {
    const std::string text = testing::sample_text(60'000);
    const std::string_view view = text;
    EXPECT_EQ(train_tokenizer({&view, 1}, 400).value(), model());
    EXPECT_EQ(tokenizer().hash(), crypto::sha256(model()));
    EXPECT_EQ(tokenizer().vocab_size(), 400U);
}

TEST(Tokenizer, TrainsOnLinesLongerThanTheTrainerTakes) {
    std::string text = testing::sample_text(80'000);
    std::replace(text.begin(), text.end(), '\n', ' ');
    const std::string_view view = text;
    ASSERT_TRUE(train_tokenizer({&view, 1}, 400));
}

TEST(Tokenizer, RefusesImpossibleVocabularies) {
    const std::string text = testing::sample_text(1'000);
    const std::string_view view = text;
    for (const std::uint32_t size : {0U, kMinVocabSize - 1, kMaxVocabSize + 1, 50'000U}) {
        const auto trained = train_tokenizer({&view, 1}, size);
        ASSERT_FALSE(trained) << size;
        EXPECT_EQ(trained.error().code, Errc::kInvalidArgument);
        EXPECT_NE(trained.error().context.find(std::to_string(size)), std::string::npos);
    }
    EXPECT_FALSE(train_tokenizer({}, 400));
}

TEST(Tokenizer, RefusesModelsThatAreNone) {
    EXPECT_EQ(Tokenizer::from_bytes({}).error().code, Errc::kMalformed);
    EXPECT_EQ(Tokenizer::from_bytes(as_bytes("not a model")).error().code, Errc::kMalformed);
    const ByteView cut = ByteView(model()).first(model().size() / 2);
    EXPECT_EQ(Tokenizer::from_bytes(cut).error().code, Errc::kMalformed);
}

TEST(Tokenizer, RefusesTokensOutsideTheVocabulary) {
    const Token outside[] = {tokenizer().vocab_size()};
    EXPECT_EQ(tokenizer().decode(outside).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace covenant::data
