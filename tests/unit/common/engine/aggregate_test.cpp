#include "common/engine/aggregate.hpp"

#include "tests/unit/common/engine/engine_fixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

constexpr std::uint64_t kFullTokens = 1000;

class AggregateTest : public ::testing::Test {
  protected:
    // A compressed random update of about the given size.
    std::vector<SparseChunk> update(std::uint64_t seed, float scale,
                                    std::uint32_t keep = 1024) const {
        ParameterBuffer start(layout_);
        CounterRng rng(seed);
        for (const TensorSlot& slot : layout_.tensors()) {
            for (float& value : start.floats().subspan(slot.offset, slot.numel)) {
                value = (static_cast<float>(rng.next_u32()) / 4294967296.0F - 0.5F) * scale;
            }
        }
        const ParameterBuffer zero(layout_);
        return compress(layout_, {0.0F, keep}, start, zero, zero)->chunks;
    }

    // Dense, straight from the formula, with long double where the engine has double.
    ParameterBuffer naive(std::span<const Contribution> all, const OuterHyper& hyper, double median,
                          double exponent) const {
        ParameterBuffer out = theta_.clone();
        std::vector<std::vector<float>> dense;
        std::vector<std::vector<bool>> sent;
        std::vector<double> norms;
        for (const Contribution& one : all) {
            std::vector<float> values(layout_.total_floats(), 0.0F);
            std::vector<bool> mask(layout_.total_floats(), false);
            double squares = 0.0;
            for (std::size_t c = 0; c < one.chunks.size(); ++c) {
                for (std::size_t i = 0; i < one.chunks[c].indices.size(); ++i) {
                    const std::size_t at = c * kChunkFloats + one.chunks[c].indices[i];
                    values[at] = one.chunks[c].value(i);
                    mask[at] = true;
                    squares += static_cast<double>(values[at]) * static_cast<double>(values[at]);
                }
            }
            dense.push_back(values);
            sent.push_back(mask);
            norms.push_back(std::sqrt(squares));
        }
        double total = 0.0;
        for (std::size_t p = 0; p < all.size(); ++p) {
            if (norms[p] >= 0.1 * median) {
                total += static_cast<double>(all[p].tokens) / static_cast<double>(kFullTokens);
            }
        }
        for (std::size_t j = 0; j < out.size(); ++j) {
            double top = 0.0;
            double support = 0.0;
            for (std::size_t p = 0; p < all.size(); ++p) {
                if (norms[p] < 0.1 * median || !sent[p][j]) continue;
                const double w =
                    static_cast<double>(all[p].tokens) / static_cast<double>(kFullTokens);
                top += w * std::min(1.0, median / norms[p]) * static_cast<double>(dense[p][j]);
                support += w;
            }
            if (support == 0.0) continue;
            out.floats()[j] -=
                static_cast<float>(hyper.alpha * top /
                                   (std::pow(support, exponent) * std::pow(total, 1.0 - exponent)));
        }
        return out;
    }

    ParameterLayout layout_{tiny_config()};
    ParameterBuffer theta_ = genesis_parameters(layout_, 3);
};

TEST_F(AggregateTest, MatchesTheDenseFormulaForEachExponent) {
    const auto a = update(1, 1.0F);
    const auto b = update(2, 1.5F);
    const auto c = update(3, 9.0F);   // clipped
    const auto d = update(4, 0.01F);  // dropped
    const std::vector<Contribution> all{{2, 1000, a}, {5, 500, b}, {7, 900, c}, {11, 800, d}};
    for (const auto& [support, exponent] :
         {std::pair{SupportExponent::kZero, 0.0}, std::pair{SupportExponent::kHalf, 0.5},
          std::pair{SupportExponent::kOne, 1.0}}) {
        const OuterHyper hyper{0.7, support, kFullTokens};
        ParameterBuffer next = theta_.clone();
        const AggregateReport report = aggregate(layout_, hyper, all, next).value();
        EXPECT_EQ(report.median_norm,
                  report.contributions[0].norm);  // 0.8 + 1.0 of 3.2: half is 1.6
        EXPECT_EQ(report.contributions[0].clip, 1.0);
        EXPECT_LT(report.contributions[2].clip, 0.2);
        EXPECT_TRUE(report.contributions[3].dropped);
        EXPECT_EQ(report.contributions[3].clip, 0.0);
        const ParameterBuffer expected = naive(all, hyper, report.median_norm, exponent);
        for (std::size_t j = 0; j < next.size(); ++j) {
            ASSERT_NEAR(next.floats()[j], expected.floats()[j], 1e-6F) << j;
        }
        EXPECT_TRUE(check_state(layout_, next));
    }
}

TEST_F(AggregateTest, ArrivalOrderDoesNotMatterOnceSorted) {
    std::vector<std::vector<SparseChunk>> updates;
    for (std::uint64_t seed = 0; seed < 6; ++seed)
        updates.push_back(update(seed, 1.0F, 512));
    std::vector<Contribution> sorted;
    for (std::uint16_t i = 0; i < 6; ++i) {
        sorted.push_back({i, std::uint64_t{700} + i, updates[i]});
    }
    ParameterBuffer first = theta_.clone();
    ASSERT_TRUE(aggregate(layout_, {1.0, SupportExponent::kHalf, kFullTokens}, sorted, first));
    std::vector<Contribution> arrived{sorted[4], sorted[0], sorted[5],
                                      sorted[2], sorted[1], sorted[3]};
    ParameterBuffer refused = theta_.clone();
    EXPECT_EQ(aggregate(layout_, {1.0, SupportExponent::kHalf, kFullTokens}, arrived, refused)
                  .error()
                  .code,
              Errc::kInvalidArgument);
    EXPECT_TRUE(same_bits(refused, theta_));
    std::ranges::sort(arrived, {}, &Contribution::uid);
    ParameterBuffer second = theta_.clone();
    ASSERT_TRUE(aggregate(layout_, {1.0, SupportExponent::kHalf, kFullTokens}, arrived, second));
    EXPECT_TRUE(same_bits(first, second));
}

TEST_F(AggregateTest, OnePeerAloneAppliesItsUpdateInFull) {
    const auto a = update(1, 1.0F);
    for (const auto support :
         {SupportExponent::kZero, SupportExponent::kHalf, SupportExponent::kOne}) {
        ParameterBuffer next = theta_.clone();
        const std::vector<Contribution> all{{3, kFullTokens, a}};
        ASSERT_TRUE(aggregate(layout_, {1.0, support, kFullTokens}, all, next));
        ParameterBuffer expected = theta_.clone();
        for (std::size_t c = 0; c < a.size(); ++c) {
            for (std::size_t i = 0; i < a[c].indices.size(); ++i) {
                float& value = expected.chunk(c)[a[c].indices[i]];
                value = static_cast<float>(static_cast<double>(value) -
                                           static_cast<double>(a[c].value(i)));
            }
        }
        EXPECT_TRUE(same_bits(next, expected));
    }
}

TEST_F(AggregateTest, NothingToAddLeavesTheParameters) {
    ParameterBuffer next = theta_.clone();
    const OuterHyper hyper{1.0, SupportExponent::kHalf, kFullTokens};
    EXPECT_EQ(aggregate(layout_, hyper, {}, next)->median_norm, 0.0);
    const auto zero = update(1, 0.0F);
    const std::vector<Contribution> all{{1, 10, zero}, {2, 10, zero}};
    const AggregateReport report = aggregate(layout_, hyper, all, next).value();
    EXPECT_TRUE(report.contributions[0].dropped);
    EXPECT_TRUE(report.contributions[1].dropped);
    EXPECT_TRUE(same_bits(next, theta_));
}

TEST_F(AggregateTest, RefusesBadInput) {
    const auto a = update(1, 1.0F);
    ParameterBuffer next = theta_.clone();
    const auto code = [&](std::vector<Contribution> all, OuterHyper hyper) {
        const auto report = aggregate(layout_, hyper, all, next);
        return report ? Errc::kInterrupted : report.error().code;
    };
    const OuterHyper good{1.0, SupportExponent::kHalf, kFullTokens};
    EXPECT_EQ(code({{1, 5, a}, {1, 5, a}}, good), Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 0, a}}, good), Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, ~std::uint64_t{0}, a}}, good), Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, std::span(a).first(2)}}, good), Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, a}}, {0.0, SupportExponent::kHalf, kFullTokens}),
              Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, a}},
                   {std::numeric_limits<double>::quiet_NaN(), SupportExponent::kHalf, kFullTokens}),
              Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, a}}, {1.0, SupportExponent::kHalf, 0}), Errc::kInvalidArgument);
    EXPECT_TRUE(same_bits(next, theta_));
    ParameterBuffer foreign{ParameterLayout(nano_config())};
    EXPECT_EQ(aggregate(layout_, good, {}, foreign).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, a}}, {1e300, SupportExponent::kHalf, kFullTokens}), Errc::kRejected);
}

}  // namespace
}  // namespace covenant::engine::testing
