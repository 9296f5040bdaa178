#include "common/base/result.hpp"

#include <set>

#include <gtest/gtest.h>

namespace covenant {
namespace {

Result<int> half(int value) {
    if (value % 2 != 0) return fail(Errc::kInvalidArgument, std::to_string(value) + " is odd");
    return value / 2;
}

Result<int> quarter(int value) {
    COVENANT_TRY(const int first, half(value));
    COVENANT_TRY(const int second, half(first));
    return second;
}

Status check_even(int value) {
    COVENANT_CHECK(half(value));
    return {};
}

TEST(Result, TryPassesValuesAndErrorsOn) {
    EXPECT_EQ(*quarter(8), 2);
    ASSERT_FALSE(quarter(6));
    EXPECT_EQ(quarter(6).error().context, "3 is odd");
    EXPECT_TRUE(check_even(2));
    EXPECT_EQ(check_even(5).error().code, Errc::kInvalidArgument);
}

TEST(Result, ContextGrowsOutwards) {
    Error error{Errc::kIo, "disk full", false};
    EXPECT_EQ(std::move(error).within("write x").within("save").context,
              "save: write x: disk full");
}

TEST(Result, OnlyRemoteTroubleIsRetryable) {
    const auto retryable = [](Errc code) { return Result<int>(fail(code, "")).error().retryable; };
    EXPECT_TRUE(retryable(Errc::kUnavailable));
    EXPECT_TRUE(retryable(Errc::kTimeout));
    EXPECT_FALSE(retryable(Errc::kIo));
    EXPECT_FALSE(retryable(Errc::kRejected));
}

TEST(Result, EveryCodeHasItsOwnName) {
    std::set<std::string_view> names;
    for (int code = 0; code <= static_cast<int>(Errc::kInterrupted); ++code) {
        names.insert(to_string(static_cast<Errc>(code)));
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(Errc::kInterrupted) + 1);
    EXPECT_FALSE(names.contains("unknown"));
    EXPECT_EQ(to_string(static_cast<Errc>(200)), "unknown");
}

}  // namespace
}  // namespace covenant
