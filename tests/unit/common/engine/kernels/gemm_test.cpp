#include "tests/unit/common/engine/kernels/gemm_fixture.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::kernels {
namespace {

constexpr Precision kPrecisions[] = {Precision::kBf16, Precision::kF32};

void expect_law(const Problem& problem) {
    const std::vector<float> want = problem.result(textbook);
    for (const Implementation& one : implementations()) {
        if (problem.gemm().precision == Precision::kF32 && !one.f32) continue;
        EXPECT_EQ(difference(problem.result(one.gemm), want), "")
            << one.name << ": " << problem.describe();
    }
}

class GemmTest : public ::testing::Test {
  protected:
    CanonicalFloatMode mode_;
};

TEST_F(GemmTest, SmallShapesOfAllKindsFollowTheLaw) {
    std::mt19937_64 random(1);
    const auto size = [&random](std::size_t most) { return 1 + random() % most; };
    for (unsigned round = 0; round < 400; ++round) {
        const Problem problem(kPrecisions[round % 2], size(40), size(70), size(80),
                              (round & 2) != 0, (round & 4) != 0, (round & 8) != 0,
                              kAllValues[round % std::size(kAllValues)], round);
        expect_law(problem);
        if (HasFailure()) return;
    }
}

TEST_F(GemmTest, LongSumsFollowTheLaw) {
    for (unsigned round = 0; round < 20; ++round) {
        const std::size_t k = round % 3 == 0 ? 777 : round % 3 == 1 ? 257 : 512;
        const Problem problem(kPrecisions[round % 2], 13, 17, k, (round & 2) != 0, (round & 4) != 0,
                              round % 5 < 2, kAllValues[round / 2 % std::size(kAllValues)], round);
        expect_law(problem);
        if (HasFailure()) return;
    }
}

// Larger than every block of rows and columns that an implementation works in.
TEST_F(GemmTest, ManyBlocksFollowTheLaw) {
    for (const Precision precision : kPrecisions) {
        expect_law(Problem(precision, 3, 3201, 33, false, true, false, Values::kPlain, 3));
        expect_law(Problem(precision, 777, 35, 65, true, false, true, Values::kWide, 4));
    }
}

TEST_F(GemmTest, SplittingTheSumAtItsBlocksChangesNothing) {
    for (const Precision precision : kPrecisions) {
        const std::size_t block = precision == Precision::kBf16 ? 32 : 256;
        for (const bool accumulate : {false, true}) {
            const Problem problem(precision, 21, 37, 3 * block + 9, accumulate, true, accumulate,
                                  Values::kWide, 5);
            const Gemm& whole = problem.gemm();
            for (const Implementation& one : implementations()) {
                if (precision == Precision::kF32 && !one.f32) continue;
                const std::vector<float> want = problem.result(one.gemm);
                for (const std::size_t first : {block, 2 * block}) {
                    std::vector<float> c = Problem(precision, 21, 37, 3 * block + 9, accumulate,
                                                   true, accumulate, Values::kWide, 5)
                                               .c();
                    Gemm part = whole;
                    part.c = c.data();
                    part.k = first;
                    one.gemm(part);
                    part.a += first * whole.a_col;
                    part.b += first * whole.b_row;
                    part.k = whole.k - first;
                    part.accumulate = true;
                    one.gemm(part);
                    EXPECT_EQ(difference(c, want), "") << one.name << ": " << problem.describe();
                }
            }
        }
    }
}

TEST_F(GemmTest, SplittingRowsOrColumnsChangesNothing) {
    std::mt19937_64 random(6);
    for (unsigned round = 0; round < 24; ++round) {
        Problem problem(kPrecisions[round % 2], 65, 83, 290, (round & 2) != 0, (round & 4) != 0,
                        (round & 8) != 0, Values::kPlain, round);
        const Gemm& whole = problem.gemm();
        const std::size_t row = random() % 66;
        const std::size_t column = random() % 84;
        for (const Implementation& one : implementations()) {
            if (whole.precision == Precision::kF32 && !one.f32) continue;
            const std::vector<float> want = problem.result(one.gemm);
            std::vector<float> c = problem.c();
            for (const bool low : {false, true}) {
                for (const bool right : {false, true}) {
                    Gemm part = whole;
                    const std::size_t i = low ? row : 0;
                    const std::size_t j = right ? column : 0;
                    part.m = low ? whole.m - row : row;
                    part.n = right ? whole.n - column : column;
                    part.a += i * whole.a_row;
                    part.b += j * whole.b_col;
                    part.c = c.data() + i * whole.c_row + j;
                    one.gemm(part);
                }
            }
            EXPECT_EQ(difference(c, want), "") << one.name << ": " << problem.describe();
        }
    }
}

TEST_F(GemmTest, EmptyShapesWriteZerosOrNothing) {
    for (const Precision precision : kPrecisions) {
        for (const Implementation& one : implementations()) {
            if (precision == Precision::kF32 && !one.f32) continue;
            std::vector<float> c(12, 5.0F);
            Gemm gemm{.precision = precision,
                      .m = 2,
                      .n = 3,
                      .k = 0,
                      .a = nullptr,
                      .a_row = 0,
                      .a_col = 1,
                      .b = nullptr,
                      .b_row = 3,
                      .b_col = 1,
                      .c = c.data(),
                      .c_row = 6,
                      .accumulate = true,
                      .workspace = workspace()};
            one.gemm(gemm);
            EXPECT_EQ(c, std::vector<float>(12, 5.0F)) << one.name;
            gemm.accumulate = false;
            gemm.m = 0;
            one.gemm(gemm);
            gemm.m = 2;
            gemm.n = 0;
            one.gemm(gemm);
            EXPECT_EQ(c, std::vector<float>(12, 5.0F)) << one.name;
            gemm.n = 3;
            one.gemm(gemm);
            EXPECT_EQ(c, (std::vector<float>{0, 0, 0, 5, 5, 5, 0, 0, 0, 5, 5, 5})) << one.name;
        }
    }
}

// The sum is -0 here, and C + -0 is +0 for the C that starts at +0.
TEST_F(GemmTest, ANegativeZeroSumBecomesPositive) {
    for (const Precision precision : kPrecisions) {
        for (const std::size_t k : {1U, 32U, 64U}) {
            Problem problem(precision, 7, 9, k, false, false, false, Values::kPlain, 7);
            std::fill_n(problem.a(), 7 * k, -0x1p-100F);
            std::fill_n(problem.b(), 9 * k, 0x1p-100F);
            expect_law(problem);
            for (const Implementation& one : implementations()) {
                if (precision == Precision::kF32 && !one.f32) continue;
                const std::vector<float> c = problem.result(one.gemm);
                EXPECT_EQ(std::bit_cast<std::uint32_t>(c[0]), 0U) << one.name << " k " << k;
            }
        }
    }
}

TEST_F(GemmTest, InfinityAndNanStayInTheirRowsAndColumns) {
    constexpr std::size_t kSize = 39;
    const float poisons[] = {std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity(),
                             std::bit_cast<float>(0x7F800001U), std::bit_cast<float>(0x7FFFFFFFU),
                             std::bit_cast<float>(0xFFFFFFFFU)};
    for (const Precision precision : kPrecisions) {
        for (const float poison : poisons) {
            for (const bool by_columns : {false, true}) {
                Problem problem(precision, kSize, kSize, kSize, by_columns, by_columns, false,
                                Values::kPlain, 8);
                const Gemm& g = problem.gemm();
                problem.a()[5 * g.a_row + 38 * g.a_col] = poison;
                problem.b()[3 * g.b_row + 30 * g.b_col] = poison;
                for (const Implementation& one : implementations()) {
                    if (precision == Precision::kF32 && !one.f32) continue;
                    const std::vector<float> c = problem.result(one.gemm);
                    for (std::size_t i = 0; i < kSize; ++i) {
                        for (std::size_t j = 0; j < kSize; ++j) {
                            ASSERT_EQ(std::isfinite(c[i * g.c_row + j]), i != 5 && j != 30)
                                << one.name << " " << i << "," << j << ": " << problem.describe();
                        }
                    }
                }
            }
        }
    }
}

TEST_F(GemmTest, OperandsRoundToBf16) {
    // Ties to even both ways, just above a tie, a carry into the exponent, overflow, a denormal
    // that would round up to a normal number, the smallest normal number.
    constexpr std::pair<std::uint32_t, std::uint32_t> kCases[] = {
        {0x3F808000U, 0x3F800000U}, {0x3F818000U, 0x3F820000U}, {0x3F808001U, 0x3F810000U},
        {0x3FFFFFFFU, 0x40000000U}, {0x7F7FFFFFU, 0x7F800000U}, {0x7F7F7FFFU, 0x7F7F0000U},
        {0x007FFFFFU, 0x00000000U}, {0x00800000U, 0x00800000U}, {0x80FFFFFFU, 0x81000000U}};
    for (const Implementation& one : implementations()) {
        for (const auto& [from, to] : kCases) {
            for (const bool left : {false, true}) {
                const float x = std::bit_cast<float>(from);
                const float unit = 1.0F;
                float c = 0.0F;
                one.gemm({.precision = Precision::kBf16,
                          .m = 1,
                          .n = 1,
                          .k = 1,
                          .a = left ? &x : &unit,
                          .a_row = 1,
                          .a_col = 1,
                          .b = left ? &unit : &x,
                          .b_row = 1,
                          .b_col = 1,
                          .c = &c,
                          .c_row = 1,
                          .accumulate = false,
                          .workspace = workspace()});
                EXPECT_EQ(std::bit_cast<std::uint32_t>(c), to) << one.name << " " << x;
            }
        }
    }
}

// The scalar product does not look at the thread's flags.
TEST(GemmScalarTest, NeedsNoFloatMode) {
    for (const Precision precision : kPrecisions) {
        const Problem problem(precision, 9, 11, 300, false, true, true, Values::kTiny, 9);
        std::vector<float> want;
        {
            const CanonicalFloatMode mode;
            want = problem.result(textbook);
        }
        EXPECT_EQ(difference(problem.result(kernels_for(Isa::kScalar).value()->gemm), want), "");
    }
}

}  // namespace
}  // namespace covenant::kernels
