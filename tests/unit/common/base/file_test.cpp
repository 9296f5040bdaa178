#include "common/base/file.hpp"

#include "tests/support/temp_folder.hpp"

#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace covenant {
namespace {

namespace fs = std::filesystem;

class FileTest : public ::testing::Test {
  protected:
    testing::TempFolder folder_;
};

TEST_F(FileTest, ReadsWholeFilesAndParts) {
    std::ofstream(folder_ / "long") << "0123456789";
    std::ofstream(folder_ / "empty");
    EXPECT_EQ(read_text_file(folder_ / "long", 10).value(), "0123456789");
    EXPECT_TRUE(read_file(folder_ / "empty", 0)->empty());
    const auto file = RegularFile::open(folder_ / "long").value();
    EXPECT_EQ(file.size(), 10U);
    Bytes part(3);
    ASSERT_TRUE(file.read(7, part));
    EXPECT_EQ(as_text(part), "789");
    EXPECT_EQ(file.read(8, part).error().code, Errc::kIo);
}

TEST_F(FileTest, SaysWhatIsWrong) {
    const auto missing = read_file(folder_ / "nothing", 10);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::kNotFound);
    EXPECT_NE(missing.error().context.find("nothing"), std::string::npos);

    std::ofstream(folder_ / "long") << "0123456789";
    EXPECT_EQ(read_file(folder_ / "long", 9).error().code, Errc::kRejected);
    EXPECT_TRUE(read_file(folder_ / "long", 10));
    EXPECT_EQ(read_file(folder_.path(), 10).error().code, Errc::kIo);
}

// None of these may hold the reader: nobody ever writes to this FIFO, and /dev/zero never ends.
TEST_F(FileTest, OpensRegularFilesOnlyAndWaitsForNothing) {
    ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
    fs::create_symlink(folder_ / "fifo", folder_ / "link");
    fs::create_symlink(folder_ / "loop", folder_ / "loop");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = (folder_ / "socket").string();
    ASSERT_LT(name.size(), sizeof(address.sun_path));
    name.copy(address.sun_path, name.size());
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    const std::pair<fs::path, std::string_view> cases[] = {
        {folder_ / "fifo", "a FIFO, not a regular file"},
        {folder_ / "link", "a FIFO, not a regular file"},
        {folder_.path(), "a folder, not a regular file"},
        {folder_ / "socket", "a socket, not a regular file"},
        {"/dev/zero", "a device, not a regular file"},
        {folder_ / "loop", "symbolic links"},
    };
    for (const auto& [path, words] : cases) {
        const auto got = read_file(path, 1000);
        ASSERT_FALSE(got) << path;
        EXPECT_EQ(got.error().code, Errc::kIo) << path;
        EXPECT_NE(got.error().context.find(words), std::string::npos) << got.error().context;
        EXPECT_NE(got.error().context.find(path.string()), std::string::npos);
        EXPECT_FALSE(require_regular_or_absent(path)) << path;
    }
}

TEST_F(FileTest, ALibraryMayOpenWhatIsRegularOrAbsent) {
    EXPECT_TRUE(require_regular_or_absent(folder_ / "new"));
    std::ofstream(folder_ / "there") << "x";
    EXPECT_TRUE(require_regular_or_absent(folder_ / "there"));
}

}  // namespace
}  // namespace covenant
