#include "common/engine/profile.hpp"

#include "tests/unit/common/engine/engine_fixture.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

TEST(Profile, TextNamesLibrariesAndTheSelfTest) {
    const Profile& profile = test_profile();
    EXPECT_EQ(profile.name, "blas-pinned-1");
    for (const char* part : {"profile=blas-pinned-1\n", "torch=", "blas=OpenBLAS ", " Haswell ",
                             "aten=avx2\n", "threads=1\n", "self-test="}) {
        EXPECT_NE(profile.text.find(part), std::string::npos) << profile.text;
    }
    EXPECT_LE(profile.text.size(), 1024U);
    EXPECT_EQ(load_profile(kBlasPinned1)->text, profile.text);
}

TEST(Profile, UnknownNameIsNotFound) {
    const auto profile = load_profile("canon-f32");
    ASSERT_FALSE(profile);
    EXPECT_EQ(profile.error().code, Errc::kNotFound);
    EXPECT_NE(profile.error().context.find("blas-pinned-1"), std::string::npos);
}

TEST(Profile, DifferingLinesAreListed) {
    const Profile& profile = test_profile();
    EXPECT_TRUE(check_profile(profile, profile.text));
    std::string other = profile.text;
    other.replace(other.find("aten=avx2"), 9, "aten=avx512");
    const Status status = check_profile(profile, other);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kMismatch);
    EXPECT_NE(status.error().context.find("'aten=avx512', this process has 'aten=avx2'"),
              std::string::npos)
        << status.error().context;
    EXPECT_FALSE(check_profile(profile, ""));
    EXPECT_FALSE(check_profile(profile, profile.text + "more=1\n"));
}

TEST(ProfileEnvironment, ASecondReexecutionIsRefused) {
    char name[] = "engine_test";
    char* arguments[] = {name, nullptr};
    EXPECT_TRUE(ensure_profile_environment(1, arguments));  // main() has seen to it
    ::setenv("COVENANT_PROFILE_ENVIRONMENT", "1", 1);
    ::setenv("ATEN_CPU_CAPABILITY", "avx512", 1);
    const Status status = ensure_profile_environment(1, arguments);
    ::setenv("ATEN_CPU_CAPABILITY", "avx2", 1);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kPrecondition);
    EXPECT_NE(status.error().context.find("ATEN_CPU_CAPABILITY=avx2"), std::string::npos);
}

}  // namespace
}  // namespace covenant::engine::testing
