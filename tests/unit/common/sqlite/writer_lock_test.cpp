#include "common/sqlite/writer_lock.hpp"

#include "tests/support/temp_folder.hpp"

#include <optional>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::sqlite {
namespace {

TEST(WriterLock, OneAtATimeAndAgainAfterwards) {
    const testing::TempFolder folder;
    const std::string path = (folder / "a").string();
    SystemClock clock;
    std::optional<WriterLock> first = WriterLock::acquire(path, clock).value();
    std::stop_source stop;
    stop.request_stop();
    const auto second = WriterLock::acquire(path, clock, stop.get_token());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kInterrupted);
    EXPECT_TRUE(WriterLock::acquire((folder / "other").string(), clock));
    first.reset();
    EXPECT_TRUE(WriterLock::acquire(path, clock));
}

TEST(WriterLock, AProcessThatDiesFreesIt) {
    const testing::TempFolder folder;
    const std::string path = (folder / "a").string();
    SystemClock clock;
    const pid_t child = ::fork();
    if (child == 0) {
        auto lock = WriterLock::acquire(path, clock);
        ::_exit(lock ? 0 : 1);  // no destructor runs
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 0);
    EXPECT_TRUE(WriterLock::acquire(path, clock));
}

TEST(WriterLock, SaysWhyItCannotBeMade) {
    const testing::TempFolder folder;
    SystemClock clock;
    const auto lock = WriterLock::acquire((folder / "none" / "a").string(), clock);
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().code, Errc::kIo);
    EXPECT_NE(lock.error().context.find("a-lock"), std::string::npos);
}

}  // namespace
}  // namespace covenant::sqlite
