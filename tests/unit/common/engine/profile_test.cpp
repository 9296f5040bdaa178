#include "common/engine/profile.hpp"

#include "tests/support/engine_fixture.hpp"

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

TEST(Profile, TextIsTheSameForEveryInstructionSetAndThreadCount) {
    for (const std::string_view name : {kCanonBf16, kCanonF32}) {
        const Profile best = test_profile(name);
        EXPECT_EQ(best.name, name);
        EXPECT_EQ(profile_name(best.text), name);
        EXPECT_NE(best.text.find("self-test="), std::string::npos);
        EXPECT_LE(best.text.size(), 1024U);
        for (const kernels::Isa isa : kernels::available_isas()) {
            const Profile other = test_profile(name, {.isa = isa, .threads = 3});
            EXPECT_EQ(other.text, best.text) << kernels::isa_name(isa);
            EXPECT_EQ(other.isa, isa);
            EXPECT_EQ(other.threads, 3U);
        }
    }
    EXPECT_NE(test_profile(kCanonBf16).text, test_profile(kCanonF32).text);
}

TEST(Profile, UnknownNameIsNotFound) {
    const auto profile = load_profile("blas-pinned-1");
    ASSERT_FALSE(profile);
    EXPECT_EQ(profile.error().code, Errc::kNotFound);
    EXPECT_NE(profile.error().context.find("canon-bf16, canon-f32"), std::string::npos);
}

TEST(Profile, AnInstructionSetThatIsNotThereIsRefused) {
    if (kernels::available_isas().back() == kernels::Isa::kAmx) GTEST_SKIP() << "has them all";
    const auto profile = load_profile(kCanonBf16, {.isa = kernels::Isa::kAmx, .threads = 1});
    ASSERT_FALSE(profile);
    EXPECT_EQ(profile.error().code, Errc::kPrecondition);
    EXPECT_NE(profile.error().context.find("cannot run the amx kernels"), std::string::npos);
}

TEST(Profile, DifferingLinesAreListed) {
    const Profile profile = test_profile(kCanonBf16);
    EXPECT_TRUE(check_profile(profile, profile.text));
    std::string other = profile.text;
    other.replace(other.find("rules=1"), 7, "rules=2");
    const Status status = check_profile(profile, other);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kMismatch);
    EXPECT_NE(status.error().context.find("'rules=2', this process has 'rules=1'"),
              std::string::npos)
        << status.error().context;
    EXPECT_FALSE(check_profile(profile, ""));
    EXPECT_FALSE(check_profile(profile, profile.text + "more=1\n"));
    EXPECT_EQ(profile_name("rules=1\n"), "");
}

}  // namespace
}  // namespace covenant::engine::testing
