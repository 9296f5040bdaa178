#include "common/node/lifecycle.hpp"

#include "common/base/clock.hpp"
#include "tests/support/log_lines.hpp"
#include "tests/support/temp_folder.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <mutex>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::node {
namespace {

TEST(FreeSpace, AFullDiskIsSaidBeforeTheWork) {
    const testing::TempFolder folder;
    EXPECT_TRUE(require_free_space(folder.path(), 1));
    const auto full = require_free_space(folder.path(), ~std::uint64_t{0});
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Errc::kIo);
    EXPECT_NE(full.error().context.find("needed"), std::string::npos);
}

TEST(DataDirectory, IsCreatedPrivateAndAbsolute) {
    const testing::TempFolder folder;
    const auto dir = DataDir::open(folder / "x" / "y", "test").value();
    EXPECT_TRUE(dir.path().is_absolute());
    struct stat info {};
    ASSERT_EQ(::stat(dir.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
    EXPECT_EQ(dir / "a", dir.path() / "a");
    EXPECT_EQ(DataDir::open("", "test").error().code, Errc::kInvalidArgument);
}

// As a umask of 022 left it: the folder and the named files of ours are closed, said once. Keys are
// not, who refuses open ones; nor is what a link names elsewhere.
TEST(DataDirectory, OneThatOthersMayEnterIsClosedWithItsSecrets) {
    const testing::TempFolder folder;
    const std::filesystem::path path = folder / "miner";
    for (const char* name : {"states", "keys"}) {
        std::filesystem::create_directories(path / name);
        ::chmod((path / name).c_str(), 0755);
    }
    ::chmod(path.c_str(), 0755);
    for (const char* name :
         {"miner/journal.sqlite", "miner/journal.sqlite-wal", "miner/states/a.f32",
          "miner/keys/hotkey.json", "miner/network.json", "elsewhere"}) {
        std::ofstream(folder / name) << "x";
        ::chmod((folder / name).c_str(), 0644);
    }
    std::filesystem::create_symlink(folder / "elsewhere", path / "states" / "link");
    const auto mode_of = [&](const char* name) {
        struct stat info {};
        EXPECT_EQ(::stat((folder / name).c_str(), &info), 0) << name;
        return info.st_mode & 0777U;
    };
    constexpr std::array<std::string_view, 2> kSecrets{"journal.sqlite", "states"};
    const testing::LogLines log;
    for (int again = 0; again < 2; ++again) {
        ASSERT_TRUE(DataDir::open(path, "test", kSecrets));
        EXPECT_EQ(log.count("is closed now"), 1U) << log.text();
        EXPECT_EQ(log.count("mode=0755 files=4"), 1U) << log.text();
    }
    EXPECT_EQ(mode_of("miner"), 0700U);
    EXPECT_EQ(mode_of("miner/states"), 0700U);
    for (const char* name :
         {"miner/journal.sqlite", "miner/journal.sqlite-wal", "miner/states/a.f32"}) {
        EXPECT_EQ(mode_of(name), 0600U) << name;
    }
    for (const char* name : {"miner/keys/hotkey.json", "miner/network.json", "elsewhere"}) {
        EXPECT_EQ(mode_of(name), 0644U) << name;
    }
    EXPECT_EQ(mode_of("miner/keys"), 0755U);
}

TEST(DataDirectory, ASecondProcessIsToldWhoHoldsIt) {
    const testing::TempFolder folder;
    int to_parent[2], to_child[2];
    ASSERT_EQ(::pipe(to_parent), 0);
    ASSERT_EQ(::pipe(to_child), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto held = DataDir::open(folder.path(), "covenant-miner");
        if (!held || ::write(to_parent[1], "x", 1) != 1) ::_exit(1);
        char byte = 0;
        if (::read(to_child[0], &byte, 1) < 0) ::_exit(2);
        ::_exit(0);  // the kernel drops the lock
    }
    char byte = 0;
    ASSERT_EQ(::read(to_parent[0], &byte, 1), 1);
    const auto second = DataDir::open(folder.path(), "covenant-validator");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_NE(second.error().context.find("covenant-miner (pid " + std::to_string(child) + ")"),
              std::string::npos)
        << second.error().context;
    ASSERT_EQ(::write(to_child[1], "x", 1), 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(DataDir::open(folder.path(), "covenant-validator"));
    for (const int fd : {to_parent[0], to_parent[1], to_child[0], to_child[1]})
        ::close(fd);
}

TEST(DataDirectory, MovesKeepTheLock) {
    const testing::TempFolder folder;
    auto first = DataDir::open(folder.path(), "a").value();
    {
        const DataDir second = std::move(first);
        EXPECT_FALSE(DataDir::open(folder.path(), "b"));
    }
    EXPECT_TRUE(DataDir::open(folder.path(), "b"));
}

TEST(DataDirectory, TheDefaultFollowsTheEnvironment) {
    const pid_t child = ::fork();  // the environment is the process's
    if (child == 0) {
        // NOLINTBEGIN(concurrency-mt-unsafe): the child has one thread
        ::setenv("XDG_DATA_HOME", "/data", 1);
        ::setenv("HOME", "/users/x", 1);
        if (default_datadir("testnet").value() != "/data/covenant/testnet") ::_exit(1);
        if (default_datadir("/etc/nets/own.toml").value() != "/data/covenant/own") ::_exit(2);
        if (data_folder("", "testnet").value() != "/data/covenant/testnet") ::_exit(5);
        if (data_folder("/own", "testnet").value() != "/own") ::_exit(6);
        if (!data_folder("own", "testnet")->is_absolute()) ::_exit(7);
        ::unsetenv("XDG_DATA_HOME");
        if (default_datadir("testnet").value() != "/users/x/.local/share/covenant/testnet")
            ::_exit(3);
        ::unsetenv("HOME");
        // NOLINTEND(concurrency-mt-unsafe)
        ::_exit(default_datadir("testnet").error().code == Errc::kPrecondition ? 0 : 4);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

// Waits for a stop without polling.
void wait_for(const std::stop_token& token) {
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, token, std::chrono::seconds(10), [] { return false; });
}

TEST(Signals, TheFirstAsksTheSecondEnds) {
    const std::pair<int, ExitCode> signals[] = {{SIGINT, ExitCode::kInterrupted},
                                                {SIGTERM, ExitCode::kTerminated},
                                                {SIGHUP, ExitCode::kHungUp}};
    for (const auto& [signal, code] : signals) {
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto guard = SignalGuard::install().value();
            if (::write(ready[1], "i", 1) != 1) ::_exit(1);
            wait_for(guard->token());
            if (guard->exit_code() != code) ::_exit(2);
            if (::write(ready[1], "s", 1) != 1) ::_exit(3);
            for (;;)
                ::pause();
        }
        char byte = 0;
        ASSERT_EQ(::read(ready[0], &byte, 1), 1);
        ::kill(child, signal);
        ASSERT_EQ(::read(ready[0], &byte, 1), 1);
        EXPECT_EQ(byte, 's');
        ::kill(child, signal);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFEXITED(status));
        EXPECT_EQ(WEXITSTATUS(status), 128 + signal);
        ::close(ready[0]);
        ::close(ready[1]);
    }
}

// A child that counts hang-ups and ends with `on_hangup`'s count when asked to stop.
void expect_hangups_survived(bool ignore_first, bool with_handler, int expected) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        if (ignore_first) std::signal(SIGHUP, SIG_IGN);
        std::atomic<int> hangups = 0;
        const auto guard = SignalGuard::install(with_handler ? std::function<void()>([&] {
            ++hangups;
            if (::write(ready[1], "h", 1) != 1) ::_exit(98);
        })
                                                             : std::function<void()>());
        if (::write(ready[1], "i", 1) != 1) ::_exit(97);
        wait_for((*guard)->token());
        ::_exit((*guard)->exit_code() == ExitCode::kTerminated ? hangups.load() : 99);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    for (int i = 0; i < 2; ++i) {
        ::kill(child, SIGHUP);
        if (with_handler) {
            ASSERT_EQ(::read(ready[0], &byte, 1), 1);
        }
    }
    ::kill(child, SIGTERM);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), expected);
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST(Signals, AHangUpDoesWhatItsHandlerDoesAndTheProcessGoesOn) {
    expect_hangups_survived(false, true, 2);
    expect_hangups_survived(true, true, 2);
}

TEST(Signals, AHangUpIsIgnoredWhereTheProcessWasStartedSo) {
    expect_hangups_survived(true, false, 0);
}

TEST(Signals, WithoutASignalTheCodeIsTheCallers) {
    const auto guard = SignalGuard::install().value();
    EXPECT_FALSE(guard->token().stop_requested());
    EXPECT_EQ(guard->exit_code(ExitCode::kRefused), ExitCode::kRefused);
}

}  // namespace
}  // namespace covenant::node
