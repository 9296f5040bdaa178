#include "common/base/assert.hpp"

#include <gtest/gtest.h>

namespace covenant {
namespace {

TEST(Assert, HoldsSilently) {
    COVENANT_ASSERT(1 + 1 == 2, "arithmetic");
}

TEST(AssertDeathTest, AbortsWithConditionAndReason) {
    EXPECT_DEATH(COVENANT_ASSERT(1 > 2, "order of integers"),
                 "bug: 1 > 2 does not hold: order of integers");
}

}  // namespace
}  // namespace covenant
