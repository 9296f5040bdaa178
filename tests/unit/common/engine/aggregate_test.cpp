#include "common/engine/aggregate.hpp"

#include "common/base/thread_pool.hpp"
#include "tests/support/engine_fixture.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

constexpr std::uint64_t kFullSegments = 1000;

class AggregateTest : public ::testing::Test {
  protected:
    explicit AggregateTest(const ModelConfig& config = tiny_config()) : layout_(config) {}
    // A compressed random update of about the given size.
    SparseUpdate update(std::uint64_t seed, float scale, std::uint16_t keep = 1024,
                        std::uint8_t code_bits = 2) const {
        ParameterBuffer start(layout_);
        CounterRng rng(seed);
        for (const TensorSlot& slot : layout_.tensors()) {
            for (float& value : start.floats().subspan(slot.offset, slot.numel)) {
                value = (static_cast<float>(rng.next_u32()) / 4294967296.0F - 0.5F) * scale;
            }
        }
        const ParameterBuffer zero(layout_);
        ParameterBuffer sum(layout_);
        return compress(layout_, {0.0F, {.keep = keep, .code_bits = code_bits}}, start, zero, sum)
            ->update;
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
            for (std::size_t c = 0; c < one.update->chunk_count(); ++c) {
                const SparseView chunk = one.update->chunk(c);
                for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
                    const std::size_t at = c * kChunkFloats + chunk.indices[i];
                    values[at] = chunk.value(i);
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
                total += static_cast<double>(all[p].segments) / static_cast<double>(kFullSegments);
            }
        }
        for (std::size_t j = 0; j < out.size(); ++j) {
            double top = 0.0;
            double support = 0.0;
            for (std::size_t p = 0; p < all.size(); ++p) {
                if (norms[p] < 0.1 * median || !sent[p][j]) continue;
                const double w =
                    static_cast<double>(all[p].segments) / static_cast<double>(kFullSegments);
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

    ParameterLayout layout_;
    ParameterBuffer theta_ = genesis_parameters(layout_, 3);
};

TEST_F(AggregateTest, MatchesTheDenseFormulaForEachExponent) {
    for (const std::uint8_t code_bits : std::vector<std::uint8_t>{1, 2, 3, 4}) {
        const auto a = update(1, 1.0F, 1024, code_bits);
        const auto b = update(2, 1.5F, 1024, code_bits);
        const auto c = update(3, 9.0F, 1024, code_bits);   // clipped
        const auto d = update(4, 0.01F, 1024, code_bits);  // dropped
        const std::vector<Contribution> all{
            {2, 1000, &a}, {5, 500, &b}, {7, 900, &c}, {11, 800, &d}};
        for (const auto& [support, exponent] :
             {std::pair{SupportExponent::kZero, 0.0}, std::pair{SupportExponent::kHalf, 0.5},
              std::pair{SupportExponent::kOne, 1.0}}) {
            const OuterHyper hyper{0.7, support, kFullSegments};
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
}

TEST_F(AggregateTest, IsTheWrittenArithmeticBitForBit) {
    // Counts of values and peers of which no vector's length is a divisor, all weights different.
    for (const std::uint16_t keep : std::vector<std::uint16_t>{1, 7, 64, 1023, 4096}) {
        std::vector<SparseUpdate> updates;
        std::vector<Contribution> all;
        for (std::uint64_t i = 0; i < 7; ++i)
            updates.push_back(update(100 + i, 1.0F + static_cast<float>(i) / 8.0F, keep));
        for (std::uint16_t i = 0; i < 7; ++i)
            all.push_back({i, std::uint64_t{900} + 31U * i, &updates[i]});
        for (const auto support :
             {SupportExponent::kZero, SupportExponent::kHalf, SupportExponent::kOne}) {
            const OuterHyper hyper{0.7, support, kFullSegments};
            ParameterBuffer next = theta_.clone();
            const AggregateReport report = aggregate(layout_, hyper, all, next).value();
            std::vector<double> numerators(layout_.total_floats(), 0.0);
            std::vector<double> supports(layout_.total_floats(), 0.0);
            double total = 0.0;
            for (std::size_t p = 0; p < all.size(); ++p) {
                const double weight =
                    static_cast<double>(all[p].segments) / static_cast<double>(kFullSegments);
                ASSERT_FALSE(report.contributions[p].dropped);
                const double clipped = weight * report.contributions[p].clip;
                total += weight;
                for (std::size_t c = 0; c < layout_.chunk_count(); ++c) {
                    const SparseView chunk = updates[p].chunk(c);
                    for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
                        const std::size_t at = c * kChunkFloats + chunk.indices[i];
                        numerators[at] += clipped * static_cast<double>(chunk.value(i));
                        supports[at] += weight;
                    }
                }
            }
            ParameterBuffer expected = theta_.clone();
            for (std::size_t j = 0; j < expected.size(); ++j) {
                if (supports[j] == 0.0) continue;
                const double divisor = support == SupportExponent::kZero ? total
                                       : support == SupportExponent::kOne
                                           ? supports[j]
                                           : std::sqrt(supports[j] * total);
                float& value = expected.floats()[j];
                value = static_cast<float>(static_cast<double>(value) -
                                           hyper.alpha * (numerators[j] / divisor));
            }
            ASSERT_TRUE(same_bits(next, expected)) << keep;
        }
    }
}

// Of enough chunks for several threads.
ModelConfig many_chunks() {
    ModelConfig config = nano_config();
    config.vocab_size = 512;
    config.layers = 1;
    return config;
}

class AggregateThreads : public AggregateTest {
  protected:
    AggregateThreads() : AggregateTest(many_chunks()) {}
};

TEST_F(AggregateThreads, ChangeNoBit) {
    ASSERT_GT(layout_.chunk_count(), 64U);
    for (const std::uint8_t code_bits : std::vector<std::uint8_t>{1, 2, 3, 4}) {
        std::vector<SparseUpdate> updates;
        std::vector<Contribution> all;
        for (std::uint64_t seed = 0; seed < 5; ++seed)
            updates.push_back(update(seed, seed == 3 ? 8.0F : 1.0F, 300, code_bits));
        for (std::uint16_t i = 0; i < 5; ++i)
            all.push_back({i, std::uint64_t{500} + 90U * i, &updates[i]});
        for (const auto support :
             {SupportExponent::kZero, SupportExponent::kHalf, SupportExponent::kOne}) {
            const OuterHyper hyper{0.9, support, kFullSegments};
            ParameterBuffer expected = theta_.clone();
            const AggregateReport report = aggregate(layout_, hyper, all, expected).value();
            EXPECT_FALSE(same_bits(expected, theta_));
            for (const unsigned threads : {1U, 2U, 3U}) {
                ThreadPool pool(threads);
                ParameterBuffer next = theta_.clone();
                const AggregateReport again = aggregate(layout_, hyper, all, next, &pool).value();
                EXPECT_TRUE(same_bits(next, expected)) << threads;
                EXPECT_EQ(again.median_norm, report.median_norm);
                for (std::size_t i = 0; i < all.size(); ++i) {
                    EXPECT_EQ(again.contributions[i].norm, report.contributions[i].norm);
                    EXPECT_EQ(again.contributions[i].clip, report.contributions[i].clip);
                }
            }
        }
    }
}

TEST_F(AggregateTest, UpdatesOfAnotherCodeNeverGetThere) {
    const Sparsity of_the_round{.keep = 1024, .code_bits = 2};
    EXPECT_TRUE(check_update(layout_, of_the_round, update(1, 1.0F)));
    for (const std::uint8_t code_bits : std::vector<std::uint8_t>{1, 3, 4}) {
        EXPECT_EQ(
            check_update(layout_, of_the_round, update(1, 1.0F, 1024, code_bits)).error().code,
            Errc::kMalformed);
    }
    EXPECT_EQ(check_update(layout_, of_the_round, update(1, 1.0F, 512)).error().code,
              Errc::kMalformed);
}

TEST_F(AggregateTest, ArrivalOrderDoesNotMatterOnceSorted) {
    std::vector<SparseUpdate> updates;
    for (std::uint64_t seed = 0; seed < 6; ++seed)
        updates.push_back(update(seed, 1.0F, 512));
    std::vector<Contribution> sorted;
    for (std::uint16_t i = 0; i < 6; ++i) {
        sorted.push_back({i, std::uint64_t{700} + i, &updates[i]});
    }
    ParameterBuffer first = theta_.clone();
    ASSERT_TRUE(aggregate(layout_, {1.0, SupportExponent::kHalf, kFullSegments}, sorted, first));
    std::vector<Contribution> arrived{sorted[4], sorted[0], sorted[5],
                                      sorted[2], sorted[1], sorted[3]};
    ParameterBuffer refused = theta_.clone();
    EXPECT_EQ(aggregate(layout_, {1.0, SupportExponent::kHalf, kFullSegments}, arrived, refused)
                  .error()
                  .code,
              Errc::kInvalidArgument);
    EXPECT_TRUE(same_bits(refused, theta_));
    std::ranges::sort(arrived, {}, &Contribution::uid);
    ParameterBuffer second = theta_.clone();
    ASSERT_TRUE(aggregate(layout_, {1.0, SupportExponent::kHalf, kFullSegments}, arrived, second));
    EXPECT_TRUE(same_bits(first, second));
}

TEST_F(AggregateTest, OnePeerAloneAppliesItsUpdateInFull) {
    const SparseUpdate a = update(1, 1.0F);
    for (const auto support :
         {SupportExponent::kZero, SupportExponent::kHalf, SupportExponent::kOne}) {
        ParameterBuffer next = theta_.clone();
        const std::vector<Contribution> all{{3, kFullSegments, &a}};
        ASSERT_TRUE(aggregate(layout_, {1.0, support, kFullSegments}, all, next));
        ParameterBuffer expected = theta_.clone();
        for (std::size_t c = 0; c < a.chunk_count(); ++c) {
            const SparseView chunk = a.chunk(c);
            for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
                float& value = expected.chunk(c)[chunk.indices[i]];
                value = static_cast<float>(static_cast<double>(value) -
                                           static_cast<double>(chunk.value(i)));
            }
        }
        EXPECT_TRUE(same_bits(next, expected));
    }
}

TEST_F(AggregateTest, NothingToAddLeavesTheParameters) {
    ParameterBuffer next = theta_.clone();
    const OuterHyper hyper{1.0, SupportExponent::kHalf, kFullSegments};
    EXPECT_EQ(aggregate(layout_, hyper, {}, next)->median_norm, 0.0);
    const auto zero = update(1, 0.0F);
    const std::vector<Contribution> all{{1, 10, &zero}, {2, 10, &zero}};
    const AggregateReport report = aggregate(layout_, hyper, all, next).value();
    EXPECT_TRUE(report.contributions[0].dropped);
    EXPECT_TRUE(report.contributions[1].dropped);
    EXPECT_TRUE(same_bits(next, theta_));
}

TEST_F(AggregateTest, RefusesBadInput) {
    const SparseUpdate a = update(1, 1.0F);
    ParameterBuffer next = theta_.clone();
    const auto code = [&](std::vector<Contribution> all, OuterHyper hyper) {
        const auto report = aggregate(layout_, hyper, all, next);
        return report ? Errc::kInterrupted : report.error().code;
    };
    const OuterHyper good{1.0, SupportExponent::kHalf, kFullSegments};
    EXPECT_EQ(code({{1, 5, &a}, {1, 5, &a}}, good), Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 0, &a}}, good), Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, ~std::uint64_t{0}, &a}}, good), Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, nullptr}}, good), Errc::kInvalidArgument);
    const SparseUpdate fewer(a.sparsity(), layout_.chunk_elements().first(2));
    EXPECT_EQ(code({{1, 5, &fewer}}, good), Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, &a}}, {0.0, SupportExponent::kHalf, kFullSegments}),
              Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, &a}}, {std::numeric_limits<double>::quiet_NaN(), SupportExponent::kHalf,
                                  kFullSegments}),
              Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, &a}}, {1.0, SupportExponent::kHalf, 0}), Errc::kInvalidArgument);
    EXPECT_TRUE(same_bits(next, theta_));
    ParameterBuffer foreign{ParameterLayout(nano_config())};
    EXPECT_EQ(aggregate(layout_, good, {}, foreign).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(code({{1, 5, &a}}, {1e300, SupportExponent::kHalf, kFullSegments}), Errc::kRejected);
}

}  // namespace
}  // namespace covenant::engine::testing
