#include "common/crypto/secret.hpp"

#include "common/base/log.hpp"

#include <algorithm>
#include <ostream>
#include <type_traits>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace covenant::crypto {
namespace {

template <typename T>
concept Streamable = requires(std::ostream& out, const T& value) {
    out << value;
};
// log::Field takes what is a number or makes a string_view.
template <typename T>
concept Loggable = std::is_arithmetic_v<T> || std::is_constructible_v<std::string_view, const T&>;

static_assert(Loggable<std::string> && Loggable<int>);
static_assert(!Loggable<SecretBytes>);
static_assert(!std::is_convertible_v<SecretBytes, log::Field>);
static_assert(!Streamable<SecretBytes>);
static_assert(!fmt::is_formattable<SecretBytes>::value);
static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);
static_assert(std::is_nothrow_move_constructible_v<SecretBytes>);

TEST(SecretBytes, StartsAsZeros) {
    const SecretBytes secret(40);
    EXPECT_EQ(secret.size(), 40U);
    EXPECT_TRUE(std::all_of(secret.expose().begin(), secret.expose().end(),
                            [](std::uint8_t byte) { return byte == 0; }));
    EXPECT_TRUE(SecretBytes().empty());
    EXPECT_TRUE(SecretBytes(0).empty());
}

TEST(SecretBytes, MovesAndLeavesNothingBehind) {
    SecretBytes first = SecretBytes::copy_of(as_bytes("key"));
    SecretBytes second = std::move(first);
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_TRUE(second.equals(as_bytes("key")));
    second = SecretBytes::copy_of(as_bytes("other"));
    EXPECT_TRUE(second.equals(as_bytes("other")));
    SecretBytes& alias = second;
    second = std::move(alias);
    EXPECT_TRUE(second.equals(as_bytes("other")));
    EXPECT_TRUE(second.clone().equals(as_bytes("other")));
}

TEST(SecretBytes, RandomOnesDiffer) {
    EXPECT_FALSE(SecretBytes::random(32).equals(SecretBytes::random(32).expose()));
}

TEST(SecretBytes, TruncateWipesTheRest) {
    SecretBytes secret = SecretBytes::copy_of(as_bytes("keepdrop"));
    const std::uint8_t* rest = secret.expose().data() + 4;
    secret.truncate(4);
    EXPECT_TRUE(secret.equals(as_bytes("keep")));
    EXPECT_EQ(as_text({rest, 4}), std::string_view("\0\0\0\0", 4));
}

TEST(SecretBytesDeathTest, TruncateOnlyShortens) {
    EXPECT_DEATH(SecretBytes(3).truncate(4), "only shortens");
}

// Guard pages: a read past the end is no leak but a crash.
TEST(SecretBytesDeathTest, ReadingPastTheEndStopsTheProcess) {
    EXPECT_DEATH(
        {
            const SecretBytes secret(16);
            const volatile std::uint8_t* data = secret.expose().data();
            (void)data[16];
        },
        "");
}

TEST(Secret, WipeAndCompare) {
    Bytes bytes{1, 2, 3};
    wipe(bytes);
    EXPECT_EQ(bytes, (Bytes{0, 0, 0}));
    wipe({});
    EXPECT_TRUE(equal_constant_time(Bytes{1, 2}, Bytes{1, 2}));
    EXPECT_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1, 3}));
    EXPECT_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1}));
    EXPECT_TRUE(equal_constant_time({}, {}));
}

}  // namespace
}  // namespace covenant::crypto
