#include "common/engine/decoder.hpp"

#include "tests/support/engine_fixture.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include <gmock/gmock.h>

namespace covenant::engine {
namespace {

using ::testing::HasSubstr;
using testing::make_engine;
using testing::test_profile;

// Two query heads to a key head; longer than one block of tokens.
ModelConfig grouped_config() {
    return {.vocab_size = 67,
            .d_model = 48,
            .layers = 3,
            .heads = 4,
            .kv_heads = 2,
            .d_ff = 72,
            .seq_len = 75};
}

// Larger than at genesis, so that attention and norms have something to do.
ParameterBuffer some_parameters(const ModelConfig& config) {
    const ParameterLayout layout(config);
    ParameterBuffer theta = genesis_parameters(layout, 5);
    for (float& value : theta.floats())
        value *= 4.0F;
    return theta;
}

std::vector<std::uint32_t> some_tokens(const ModelConfig& config, std::size_t count) {
    std::vector<std::uint32_t> tokens = testing::make_tokens(config, 1, 11);
    tokens.resize(count);
    return tokens;
}

Decoder make_decoder(const ModelConfig& config, const ProfileOptions& options = {}) {
    return std::move(
        Decoder::create(config, some_parameters(config), test_profile(kCanonF32, options)).value());
}

// Logits after every prefix.
std::vector<std::vector<float>> one_by_one(Decoder& decoder,
                                           std::span<const std::uint32_t> tokens) {
    std::vector<std::vector<float>> all;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const auto logits = decoder.feed(tokens.subspan(i, 1));
        EXPECT_TRUE(logits) << logits.error().context;
        all.emplace_back(logits->begin(), logits->end());
    }
    return all;
}

bool same(std::span<const float> a, std::span<const float> b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

TEST(Decoder, agrees_with_the_forward_pass_at_every_position) {
    for (const ModelConfig& config : {tiny_config(), grouped_config()}) {
        Engine engine = make_engine(config);
        const ParameterBuffer theta = some_parameters(config);
        const auto tokens = some_tokens(config, config.seq_len);
        Decoder decoder = make_decoder(config);
        const auto all = one_by_one(decoder, tokens);
        double spread = 0.0;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            const auto expected = engine.logits(theta, std::span(tokens).first(i + 1));
            ASSERT_TRUE(expected) << expected.error().context;
            float largest = 0.0F;
            for (const float value : *expected)
                largest = std::max(largest, std::abs(value));
            for (std::size_t token = 0; token < expected->size(); ++token) {
                ASSERT_NEAR(all[i][token], (*expected)[token], 1e-4F * largest)
                    << "position " << i << ", token " << token;
            }
            spread += static_cast<double>(largest);
        }
        EXPECT_GT(spread, 0.0) << "zeros would agree whatever they come from";
    }
}

TEST(Decoder, gives_the_same_bits_however_a_prompt_is_split) {
    const ModelConfig config = grouped_config();
    const auto tokens = some_tokens(config, config.seq_len);
    Decoder single = make_decoder(config);
    const auto all = one_by_one(single, tokens);
    Decoder decoder = make_decoder(config);
    EXPECT_TRUE(same(*decoder.feed(tokens), all.back()));
    EXPECT_EQ(decoder.size(), tokens.size());
    decoder.reset();
    EXPECT_EQ(decoder.size(), 0U);
    for (std::size_t at = 0, count = 1; at < tokens.size(); at += count, count = count * 2 + 1) {
        count = std::min(count, tokens.size() - at);
        EXPECT_TRUE(same(*decoder.feed(std::span(tokens).subspan(at, count)), all[at + count - 1]));
    }
}

TEST(Decoder, gives_the_same_bits_with_every_instruction_set_and_thread_count) {
    // Wide enough that products are split among threads.
    const ModelConfig config = {.vocab_size = 1500,
                                .d_model = 128,
                                .layers = 1,
                                .heads = 4,
                                .kv_heads = 1,
                                .d_ff = 200,
                                .seq_len = 40};
    const auto tokens = some_tokens(config, 40);
    Decoder reference = make_decoder(config, {.isa = kernels::Isa::kScalar, .threads = 1});
    const auto wanted = reference.feed(tokens);
    ASSERT_TRUE(wanted);
    for (const kernels::Isa isa : kernels::available_isas()) {
        for (const unsigned threads : {1U, 3U}) {
            Decoder decoder = make_decoder(config, {.isa = isa, .threads = threads});
            EXPECT_TRUE(same(*decoder.feed(tokens), *wanted))
                << kernels::isa_name(isa) << ", " << threads << " threads";
        }
    }
}

TEST(Decoder, takes_no_more_tokens_than_the_model_sees) {
    const ModelConfig config = tiny_config();
    const auto tokens = some_tokens(config, config.seq_len + 1);
    Decoder decoder = make_decoder(config);
    const auto too_many = decoder.feed(tokens);
    ASSERT_FALSE(too_many);
    EXPECT_EQ(too_many.error().code, Errc::kInvalidArgument);
    EXPECT_THAT(too_many.error().context, HasSubstr("at most 8"));
    EXPECT_EQ(decoder.size(), 0U) << "a refused call leaves the context alone";
    ASSERT_TRUE(decoder.feed(std::span(tokens).first(config.seq_len)));
    EXPECT_EQ(decoder.room(), 0U);
    EXPECT_FALSE(decoder.feed(std::span(tokens).first(1)));
}

TEST(Decoder, refuses_what_it_cannot_decode) {
    const ModelConfig config = tiny_config();
    Decoder decoder = make_decoder(config);
    EXPECT_EQ(decoder.feed({}).error().code, Errc::kInvalidArgument);
    const std::vector<std::uint32_t> outside{config.vocab_size};
    EXPECT_THAT(decoder.feed(outside).error().context, HasSubstr("vocabulary"));
    EXPECT_EQ(decoder.size(), 0U);

    const Profile profile = test_profile();
    EXPECT_EQ(Decoder::create(config, some_parameters(grouped_config()), profile).error().code,
              Errc::kInvalidArgument);
    Profile native = profile;
    native.native = true;
    EXPECT_THAT(Decoder::create(config, some_parameters(config), native).error().context,
                HasSubstr("canonical"));
    ModelConfig broken = config;
    broken.heads = 3;
    EXPECT_EQ(Decoder::create(broken, some_parameters(config), profile).error().code,
              Errc::kInvalidArgument);

    ParameterBuffer infinite = some_parameters(config);
    infinite.floats()[0] = INFINITY;  // of token 0's embedding
    Decoder of_nonsense = std::move(Decoder::create(config, std::move(infinite), profile).value());
    const std::vector<std::uint32_t> zero{0};
    EXPECT_EQ(of_nonsense.feed(zero).error().code, Errc::kRejected);
}

}  // namespace
}  // namespace covenant::engine
