#include "common/base/durable_file.hpp"

#include "common/base/file.hpp"
#include "tests/support/temp_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant {
namespace {

namespace fs = std::filesystem;

const FileWrite kReplace{.overwrite = Overwrite::kYes};

class DurableFile : public ::testing::Test {
  protected:
    [[nodiscard]] std::size_t entries() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
    }
    [[nodiscard]] std::string text_of(const char* name) const {
        return read_text_file(folder_ / name, 100).value();
    }
    [[nodiscard]] unsigned mode_of(const char* name) const {
        struct stat info {};
        return ::stat((folder_ / name).c_str(), &info) == 0 ? info.st_mode & 07777U : 0;
    }

    testing::TempFolder folder_;
};

// The exit code of a process of its own that runs this.
template <typename Body>
int in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(DurableFile, WritesAndReplaces) {
    ASSERT_TRUE(write_file_durably(folder_ / "state", as_bytes("first"), kReplace));
    ASSERT_TRUE(write_file_durably(folder_ / "state", as_bytes("second"), kReplace));
    EXPECT_EQ(text_of("state"), "second");
    ASSERT_TRUE(write_file_durably(folder_ / "empty", {}));
    EXPECT_EQ(text_of("empty"), "");
    EXPECT_EQ(entries(), 2U);
}

TEST_F(DurableFile, ReplacesOnlyWhenAsked) {
    ASSERT_TRUE(write_file_durably(folder_ / "key", as_bytes("kept")));
    const Status second = write_file_durably(folder_ / "key", as_bytes("lost"));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_NE(second.error().context.find((folder_ / "key").string()), std::string::npos);
    EXPECT_EQ(text_of("key"), "kept");
    EXPECT_EQ(entries(), 1U);
}

TEST_F(DurableFile, ANameTakenMeanwhileIsNotReplaced) {
    auto late = NewFile::create(folder_ / "y", {});
    ASSERT_TRUE(late);
    ASSERT_TRUE(late->write("ours"));
    std::ofstream(folder_ / "y") << "other";
    EXPECT_EQ(late->publish().error().code, Errc::kAlreadyExists);
    EXPECT_EQ(text_of("y"), "other");
}

// A link's target, a device, a FIFO and a folder are somebody's, whatever the caller asks for.
TEST_F(DurableFile, ReplacesNothingThatIsNoRegularFile) {
    std::ofstream(folder_ / "target") << "theirs";
    fs::create_symlink("target", folder_ / "link");
    fs::create_symlink("nowhere", folder_ / "dangling");
    ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    fs::create_directory(folder_ / "folder");
    for (const char* name : {"link", "dangling", "fifo", "folder"}) {
        const Status written = write_file_durably(folder_ / name, as_bytes("x"), kReplace);
        ASSERT_FALSE(written) << name;
        EXPECT_EQ(written.error().code, Errc::kAlreadyExists);
        EXPECT_NE(written.error().context.find("not a regular file"), std::string::npos)
            << written.error().context;
    }
    EXPECT_FALSE(write_file_durably("/dev/null", as_bytes("x"), kReplace));
    EXPECT_EQ(text_of("target"), "theirs");
    EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
    // One that takes the name while the file is being written is not replaced either.
    auto late = NewFile::create(folder_ / "late", kReplace);
    ASSERT_TRUE(late);
    fs::create_symlink("target", folder_ / "late");
    EXPECT_EQ(late->publish().error().code, Errc::kAlreadyExists);
    EXPECT_EQ(text_of("target"), "theirs");
}

TEST_F(DurableFile, TheModeIsTheCallersAndNotTheUmasks) {
    const mode_t before = ::umask(0);
    const FileWrite secret{.access = Access::kPrivate};
    EXPECT_TRUE(write_file_durably(folder_ / "secret", {}, secret));
    EXPECT_TRUE(write_file_durably(folder_ / "open", {}));
    EXPECT_TRUE(create_folders_durably(folder_ / "private" / "keys", Access::kPrivate));
    EXPECT_TRUE(create_folders_durably(folder_ / "public"));
    ::umask(077);
    EXPECT_TRUE(write_file_durably(folder_ / "narrow", {}));
    ::umask(before);
    EXPECT_EQ(mode_of("secret"), 0600U);
    EXPECT_EQ(mode_of("open"), 0644U);
    EXPECT_EQ(mode_of("narrow"), 0600U);
    EXPECT_EQ(mode_of("private"), 0700U);
    EXPECT_EQ(mode_of("private/keys"), 0700U);
    EXPECT_EQ(mode_of("public"), 0755U);
}

TEST_F(DurableFile, IsStreamedAndAppearsWhenItIsPublished) {
    {
        auto out = NewFile::create(folder_ / "x", {});
        ASSERT_TRUE(out) << out.error().context;
        ASSERT_TRUE(out->reserve(4'000'000));
        ASSERT_TRUE(out->write("abc"));
        ASSERT_TRUE(out->write(Bytes(3'000'000, 7)));
        EXPECT_FALSE(fs::exists(folder_ / "x"));
        EXPECT_EQ(out->position(), 3'000'003U);
        ASSERT_TRUE(out->publish());
    }
    EXPECT_EQ(fs::file_size(folder_ / "x"), 3'000'003U);
    ASSERT_TRUE(NewFile::create(folder_ / "given up", {}));
    EXPECT_EQ(entries(), 1U);
}

TEST_F(DurableFile, SaysWhatIsWrong) {
    const Status nowhere = write_file_durably(folder_ / "no" / "folder", {});
    EXPECT_EQ(nowhere.error().code, Errc::kNotFound);
    EXPECT_NE(nowhere.error().context.find("no/folder"), std::string::npos);
    EXPECT_EQ(NewFile::create("..", kReplace).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(NewFile::create("", kReplace).error().code, Errc::kInvalidArgument);
    // A name of 255 bytes leaves no room for a longer temporary one.
    EXPECT_TRUE(write_file_durably(folder_ / std::string(255, 'n'), {}));
    EXPECT_EQ(write_file_durably(folder_ / std::string(256, 'n'), {}).error().code, Errc::kIo);
}

TEST_F(DurableFile, AWriteThatCannotFinishLeavesNothing) {
    std::ofstream(folder_ / "a") << "old";
    EXPECT_EQ(in_child([&] {
                  std::signal(SIGXFSZ, SIG_IGN);
                  const rlimit limit{1000, 1000};
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  const auto written = write_file_durably(folder_ / "a", Bytes(5000, 1), kReplace);
                  return written ? 1 : written.error().code == Errc::kIo ? 7 : 2;
              }),
              7);
    EXPECT_EQ(text_of("a"), "old");
    EXPECT_EQ(entries(), 1U);
}

// Makes the kernel refuse these calls of this process as a file system does that lacks them.
bool refuse_calls(std::initializer_list<std::pair<int, int>> calls) {
    std::vector<sock_filter> program{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const auto& [call, error] : calls) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
        program.push_back(
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// A new file needs neither a second name for a file nor a rename that refuses.
TEST_F(DurableFile, IsNewOnFileSystemsThatLackTheCallsForIt) {
    const std::initializer_list<std::pair<int, int>> kinds[] = {
        {{SYS_link, EPERM}, {SYS_linkat, EPERM}},
        {{SYS_renameat2, EINVAL}},
        {{SYS_renameat2, EINVAL}, {SYS_link, EPERM}, {SYS_linkat, EPERM}},
    };
    for (const auto& kind : kinds) {
        const testing::TempFolder folder;
        EXPECT_EQ(in_child([&] {
                      if (!refuse_calls(kind)) return 9;
                      if (!write_file_durably(folder / "new", as_bytes("whole"))) return 1;
                      const Status again = write_file_durably(folder / "new", as_bytes("other"));
                      auto late = NewFile::create(folder / "late", {});
                      std::ofstream(folder / "late") << "theirs";
                      const bool refused =
                          !again && late && late->publish().error().code == Errc::kAlreadyExists;
                      return refused ? 0 : 2;
                  }),
                  0);
        EXPECT_EQ(read_text_file(folder / "new", 10).value(), "whole");
        EXPECT_EQ(read_text_file(folder / "late", 10).value(), "theirs");
    }
}

TEST_F(DurableFile, MakesFoldersWithParents) {
    ASSERT_TRUE(create_folders_durably(folder_ / "a" / "b" / "c"));
    ASSERT_TRUE(create_folders_durably(folder_ / "a" / "b" / "c"));
    EXPECT_TRUE(fs::is_directory(folder_ / "a" / "b" / "c"));
    ASSERT_TRUE(write_file_durably(folder_ / "file", {}));
    EXPECT_EQ(create_folders_durably(folder_ / "file").error().code, Errc::kIo);
}

TEST_F(DurableFile, RemovesTemporariesOfTheDeadOnly) {
    std::ofstream(folder_ / ".writing-1-0") << "half";
    std::ofstream(folder_ / "kept") << "whole";
    ASSERT_TRUE(remove_stale_temporaries(folder_.path()));
    EXPECT_FALSE(fs::exists(folder_ / ".writing-1-0"));
    EXPECT_TRUE(fs::exists(folder_ / "kept"));
    EXPECT_EQ(remove_stale_temporaries(folder_ / "nothing").error().code, Errc::kNotFound);
}

TEST_F(DurableFile, TheNextWriterOfANameClearsOnlyThatNamesRemains) {
    std::ofstream(folder_ / ".writing-a.1-0") << "half";
    std::ofstream(folder_ / ".writing-a.json.1-0") << "half";
    ASSERT_TRUE(write_file_durably(folder_ / "a", as_bytes("whole")));
    EXPECT_FALSE(fs::exists(folder_ / ".writing-a.1-0"));
    EXPECT_TRUE(fs::exists(folder_ / ".writing-a.json.1-0"));
}

}  // namespace
}  // namespace covenant
