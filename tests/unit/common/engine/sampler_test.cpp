#include "common/engine/sampler.hpp"

#include "common/base/counter_rng.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace covenant::engine {
namespace {

using ::testing::HasSubstr;

std::vector<float> some_logits(std::size_t count, std::uint64_t seed) {
    CounterRng rng(seed);
    std::vector<float> logits(count);
    for (float& value : logits)
        value = static_cast<float>(rng.below(1000)) / 100.0F - 5.0F;
    return logits;
}

Sampler make_sampler(const SamplingOptions& options, kernels::Isa isa = kernels::Isa::kScalar) {
    return Sampler(options, *kernels::kernels_for(isa).value());
}

TEST(Sampler, without_temperature_takes_the_first_of_the_likeliest) {
    Sampler sampler = make_sampler({.temperature = 0.0});
    EXPECT_EQ(sampler.next(std::vector{0.5F, 2.0F, -1.0F, 2.0F}, 0), 1U);
    EXPECT_EQ(sampler.next(std::vector{-3.0F}, 7), 0U);
}

TEST(Sampler, follows_the_probabilities) {
    // 1/2, 1/4, 1/4 at temperature 1
    const std::vector<float> logits{std::log(2.0F), 0.0F, 0.0F};
    Sampler sampler = make_sampler({.temperature = 1.0, .top_p = 1.0, .seed = 3});
    std::map<std::uint32_t, int> counts;
    constexpr int kDraws = 20'000;
    for (int i = 0; i < kDraws; ++i)
        ++counts[sampler.next(logits, static_cast<std::uint64_t>(i))];
    EXPECT_NEAR(counts[0], kDraws / 2, 300);  // more than four standard deviations
    EXPECT_NEAR(counts[1], kDraws / 4, 260);
    EXPECT_NEAR(counts[2], kDraws / 4, 260);
}

TEST(Sampler, low_temperature_sharpens) {
    const std::vector<float> logits{1.0F, 0.0F};
    Sampler sampler = make_sampler({.temperature = 0.05, .top_p = 1.0, .seed = 3});
    for (std::uint64_t i = 0; i < 1000; ++i)
        EXPECT_EQ(sampler.next(logits, i), 0U);
}

TEST(Sampler, stays_within_the_nucleus) {
    // 0.5, 0.25, 0.125, 0.125: three of them reach 0.8, and of the last two the lower id is first
    const std::vector<float> logits{-std::log(8.0F), -std::log(2.0F), -std::log(4.0F),
                                    -std::log(8.0F)};
    Sampler sampler = make_sampler({.temperature = 1.0, .top_p = 0.8, .seed = 5});
    std::map<std::uint32_t, int> counts;
    for (std::uint64_t i = 0; i < 4000; ++i)
        ++counts[sampler.next(logits, i)];
    EXPECT_EQ(counts.size(), 3U);
    EXPECT_FALSE(counts.contains(3));
    EXPECT_GT(counts[0], 0);

    Sampler one = make_sampler({.temperature = 1.0, .top_p = 1e-9, .seed = 5});
    for (std::uint64_t i = 0; i < 100; ++i)
        EXPECT_EQ(one.next(logits, i), 1U) << "a nucleus has one token at least";
}

TEST(Sampler, is_a_function_of_seed_position_and_logits) {
    const std::vector<float> logits = some_logits(300, 1);
    const SamplingOptions options{.temperature = 1.0, .top_p = 0.9, .seed = 42};
    Sampler forwards = make_sampler(options);
    std::vector<std::uint32_t> drawn;
    for (std::uint64_t i = 0; i < 50; ++i)
        drawn.push_back(forwards.next(logits, i));
    for (const kernels::Isa isa : kernels::available_isas()) {
        Sampler backwards = make_sampler(options, isa);
        for (std::uint64_t i = 50; i-- > 0;)
            EXPECT_EQ(backwards.next(logits, i), drawn[i]) << kernels::isa_name(isa);
    }
    SamplingOptions other = options;
    other.seed = 43;
    Sampler different = make_sampler(other);
    std::vector<std::uint32_t> others;
    for (std::uint64_t i = 0; i < 50; ++i)
        others.push_back(different.next(logits, i));
    EXPECT_NE(others, drawn);
    EXPECT_GT(*std::ranges::max_element(drawn), *std::ranges::min_element(drawn));
}

TEST(Sampler, names_an_option_out_of_range) {
    EXPECT_TRUE(SamplingOptions{}.validate());
    EXPECT_TRUE((SamplingOptions{.temperature = 0.0, .top_p = 1.0}).validate());
    for (const double bad : {-1.0, 1e-40, 101.0, static_cast<double>(NAN)}) {
        const Status status = SamplingOptions{.temperature = bad}.validate();
        ASSERT_FALSE(status) << bad;
        EXPECT_THAT(status.error().context, HasSubstr("temperature"));
    }
    for (const double bad : {0.0, -0.5, 1.01, static_cast<double>(NAN)}) {
        const Status status = SamplingOptions{.top_p = bad}.validate();
        ASSERT_FALSE(status) << bad;
        EXPECT_THAT(status.error().context, HasSubstr("top-p"));
    }
}

}  // namespace
}  // namespace covenant::engine
