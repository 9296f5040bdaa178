#include "tools/covenant/devnet/restarts.hpp"

#include <gtest/gtest.h>

namespace covenant::devnet {
namespace {

TEST(RestartLimit, AllowsAnyNumberOfKillsWithPausesBetween) {
    RestartLimit limit;
    for (int kill = 0; kill < 100; ++kill) {
        EXPECT_TRUE(limit.allow("alice", kill * RestartLimit::kWindow.count() / 4)) << kill;
    }
}

TEST(RestartLimit, EndsANodeThatDiesAgainAndAgain) {
    RestartLimit limit;
    for (std::size_t kill = 0; kill < RestartLimit::kRestarts; ++kill) {
        EXPECT_TRUE(limit.allow("alice", 1000));
    }
    EXPECT_FALSE(limit.allow("alice", 1000 + RestartLimit::kWindow.count() - 1));
    EXPECT_TRUE(limit.allow("alice", 1000 + RestartLimit::kWindow.count()));
}

TEST(RestartLimit, CountsEachNodeForItself) {
    RestartLimit limit;
    for (std::size_t kill = 0; kill < RestartLimit::kRestarts; ++kill) {
        EXPECT_TRUE(limit.allow("alice", 0));
    }
    EXPECT_FALSE(limit.allow("alice", 0));
    EXPECT_TRUE(limit.allow("bob", 0));
}

}  // namespace
}  // namespace covenant::devnet
