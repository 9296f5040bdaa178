#include "common/base/level.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant {
namespace {

TEST(Level, ValuesAreThoseOfTheFormula) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(level_value(0)), 0U);
    for (int code = 1; code < 256; ++code) {
        const double value = static_cast<double>(8 + code % 8) / 8.0 * std::exp2(code / 8 - 26);
        EXPECT_EQ(static_cast<double>(level_value(static_cast<std::uint8_t>(code))), value) << code;
    }
    EXPECT_EQ(level_value(1), 1.125F * std::exp2(-26.0F));
    EXPECT_EQ(level_value(26 * 8), 1.0F);
    EXPECT_EQ(level_value(kMaxLevel), 60.0F);
}

TEST(Level, EveryLevelIsNearestToItself) {
    for (int code = 0; code < 256; ++code) {
        const float value = level_value(static_cast<std::uint8_t>(code));
        EXPECT_EQ(nearest_level(value), code);
        EXPECT_TRUE(is_level(value));
        EXPECT_FALSE(is_level(std::nextafter(value, 100.0F)));
    }
}

TEST(Level, RoundsToTheNearestAndTiesToTheEvenCode) {
    for (int code = 0; code < 255; ++code) {
        const float below = level_value(static_cast<std::uint8_t>(code));
        const float above = level_value(static_cast<std::uint8_t>(code + 1));
        const float middle = below + (above - below) / 2;
        EXPECT_EQ(nearest_level(std::nextafter(middle, 0.0F)), code);
        EXPECT_EQ(nearest_level(std::nextafter(middle, 100.0F)), code + 1);
        EXPECT_EQ(nearest_level(middle), code % 2 == 0 ? code : code + 1);
    }
}

TEST(Level, WhatIsOutsideIsClamped) {
    EXPECT_EQ(nearest_level(0.0F), 0);
    EXPECT_EQ(nearest_level(std::numeric_limits<float>::denorm_min()), 0);
    EXPECT_EQ(nearest_level(1e-30F), 0);
    EXPECT_EQ(nearest_level(62.0F), kMaxLevel);
    EXPECT_EQ(nearest_level(std::numeric_limits<float>::max()), kMaxLevel);
}

TEST(Level, OtherFloatsAreNoLevels) {
    for (const float value :
         {-0.0F, -1.0F, 64.0F, 1.0F / 3.0F, level_value(1) / 2,
          std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
          std::numeric_limits<float>::quiet_NaN()}) {
        EXPECT_FALSE(is_level(value)) << value;
    }
}

}  // namespace
}  // namespace covenant
