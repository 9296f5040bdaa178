#include "common/base/file.hpp"

#include <cstdlib>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant {
namespace {

namespace fs = std::filesystem;

class FileTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "covenant-file-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { fs::remove_all(folder_); }

    [[nodiscard]] std::size_t entries() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }

    fs::path folder_;
};

TEST_F(FileTest, WritesReadsAndReplaces) {
    const fs::path path = folder_ / "state";
    ASSERT_TRUE(write_file_durably(path, as_bytes("first")));
    ASSERT_TRUE(write_file_durably(path, as_bytes("second")));
    EXPECT_EQ(as_text(*read_file(path, 100)), "second");
    EXPECT_EQ(entries(), 1U);
}

TEST_F(FileTest, AnEmptyFileIsAFile) {
    ASSERT_TRUE(write_file_durably(folder_ / "empty", {}));
    EXPECT_TRUE(read_file(folder_ / "empty", 0)->empty());
}

TEST_F(FileTest, NeverReplacesWhenToldSo) {
    const fs::path path = folder_ / "key";
    FileWrite how;
    how.replace = false;
    how.mode = 0600;
    ASSERT_TRUE(write_file_durably(path, as_bytes("kept"), how));
    const Status second = write_file_durably(path, as_bytes("lost"), how);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_EQ(as_text(*read_file(path, 100)), "kept");
    EXPECT_EQ(entries(), 1U);
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(FileTest, SaysWhatIsWrong) {
    const auto missing = read_file(folder_ / "nothing", 10);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::kNotFound);
    EXPECT_NE(missing.error().context.find("nothing"), std::string::npos);

    ASSERT_TRUE(write_file_durably(folder_ / "long", as_bytes("0123456789")));
    EXPECT_EQ(read_file(folder_ / "long", 9).error().code, Errc::kRejected);
    EXPECT_TRUE(read_file(folder_ / "long", 10));
    EXPECT_EQ(read_file(folder_, 10).error().code, Errc::kIo);
    EXPECT_EQ(write_file_durably(folder_ / "no" / "folder", {}).error().code, Errc::kNotFound);
}

TEST_F(FileTest, MakesFoldersWithParents) {
    ASSERT_TRUE(create_folders_durably(folder_ / "a" / "b" / "c"));
    ASSERT_TRUE(create_folders_durably(folder_ / "a" / "b" / "c"));
    EXPECT_TRUE(fs::is_directory(folder_ / "a" / "b" / "c"));
    ASSERT_TRUE(write_file_durably(folder_ / "file", {}));
    EXPECT_EQ(create_folders_durably(folder_ / "file").error().code, Errc::kIo);
}

TEST_F(FileTest, RemovesTemporariesOfTheDeadOnly) {
    std::ofstream(folder_ / ".writing-1-0") << "half";
    std::ofstream(folder_ / "kept") << "whole";
    ASSERT_TRUE(remove_stale_temporaries(folder_));
    EXPECT_FALSE(fs::exists(folder_ / ".writing-1-0"));
    EXPECT_TRUE(fs::exists(folder_ / "kept"));
    EXPECT_EQ(remove_stale_temporaries(folder_ / "nothing").error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace covenant
