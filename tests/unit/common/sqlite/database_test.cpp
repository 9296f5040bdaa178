#include "common/sqlite/database.hpp"

#include "tests/support/temp_folder.hpp"
#include "tests/unit/common/sqlite/files.hpp"

#include <vector>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::sqlite {
namespace {

constexpr const char* kTable =
    "CREATE TABLE IF NOT EXISTS fact(id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT";

// Runs `body` in a child without rights over what others own; what it returns is the exit status.
template <typename Body>
int as_nobody(Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        constexpr unsigned kNobody = 65534;
        if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(99);
        ::_exit(body());
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Database, RollsBackWhatFails) {
    const testing::TempFolder folder;
    Database database = opened(folder / "a", kKept);
    ASSERT_TRUE(database.execute(kTable));
    const Status failed = database.transaction([&]() -> Status {
        COVENANT_CHECK(database.execute("INSERT INTO fact VALUES(1, 'one')"));
        return database.execute("INSERT INTO fact VALUES(1, 'again')");
    });
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kAlreadyExists);
    EXPECT_EQ(database.integer("SELECT COUNT(*) FROM fact").value(), 0U);
    ASSERT_TRUE(database.transaction(
        [&] { return database.execute("INSERT INTO fact VALUES(1, 'one')"); }));
    EXPECT_EQ(database.changes(), 1U);
}

TEST(Database, IsForItsOwnerOnly) {
    const testing::TempFolder folder;
    const Database database = opened(folder / "a", kKept);
    struct stat found {};
    ASSERT_EQ(::stat((folder / "a").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0600U);
}

TEST(Database, ErrorsNameTheFileAndWhatIsRightForIt) {
    const testing::TempFolder folder;
    put_bytes(folder / "a", std::string(9'000, 'x'));
    for (const FileKind& kind : {kKept, kCache}) {
        const auto database = Database::open((folder / "a").string(), kind);
        ASSERT_FALSE(database);
        EXPECT_EQ(database.error().code, Errc::kCorrupt);
        for (const std::string& part :
             {std::string(kind.name), std::string(kind.remedy), (folder / "a").string()}) {
            EXPECT_NE(database.error().context.find(part), std::string::npos)
                << database.error().context;
        }
    }
}

TEST(Database, OpensRegularFilesOnly) {
    const testing::TempFolder folder;
    ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
    std::filesystem::create_directory(folder / "folder");
    for (const char* name : {"fifo", "folder"}) {
        const std::string path = (folder / name).string();
        EXPECT_EQ(Database::open(path, kCache).error().code, Errc::kIo) << name;
        const auto reader = Database::open_read_only(path, kCache);
        EXPECT_EQ(reader.error().code, Errc::kIo) << name;
        EXPECT_NE(reader.error().context.find("regular file"), std::string::npos)
            << reader.error().context;
    }
    EXPECT_EQ(Database::open_read_only((folder / "none").string(), kCache).error().code,
              Errc::kNotFound);
}

TEST(Database, NamesTheLimitOfAPath) {
    const testing::TempFolder folder;
    std::filesystem::path deep = folder.path();
    while (deep.string().size() <= kMaxPathBytes) {
        deep /= std::string(100, 'd');
    }
    std::filesystem::create_directories(deep);
    std::filesystem::create_directory_symlink(deep, folder / "short");
    for (const auto& path : {deep / "a", folder / "short" / "a"}) {
        const auto database = Database::open(path.string(), kCache);
        ASSERT_FALSE(database);
        EXPECT_EQ(database.error().code, Errc::kInvalidArgument);
        EXPECT_NE(database.error().context.find(std::to_string(kMaxPathBytes)), std::string::npos)
            << database.error().context;
    }
}

TEST(Database, TheLongestPathWorks) {
    const testing::TempFolder folder;
    std::filesystem::path deep = std::filesystem::canonical(folder.path());
    while (deep.string().size() + 102 < kMaxPathBytes) {
        deep /= std::string(100, 'd');
    }
    deep /= std::string(kMaxPathBytes - deep.string().size() - 3, 'e');
    std::filesystem::create_directories(deep);
    const auto path = deep / "a";
    ASSERT_EQ(path.string().size(), kMaxPathBytes);
    Database database = opened(path, kCache);
    EXPECT_TRUE(database.execute(kTable));
    EXPECT_TRUE(Database::open_read_only(path.string(), kCache));
}

TEST(Database, ReadsWhatItMayNotWrite) {
    const testing::TempFolder folder;
    const auto path = folder / "50% of #1?" / "a";
    std::filesystem::create_directory(path.parent_path());
    {
        Database database = opened(path, kCache);
        ASSERT_TRUE(database.execute(kTable));
        ASSERT_TRUE(database.execute("INSERT INTO fact VALUES(7, 'seven')"));
    }
    ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
    ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
    for (const mode_t mode : {0555U, 0777U}) {  // nothing writable; only the folder
        ASSERT_EQ(::chmod(path.parent_path().c_str(), mode), 0);
        for (int again = 0; again < 2; ++again) {
            EXPECT_EQ(as_nobody([&] {
                          auto reader = Database::open_read_only(path.string(), kCache);
                          if (!reader) return 1;
                          return reader->integer("SELECT id FROM fact").value_or(0) == 7 ? 0 : 2;
                      }),
                      0)
                << mode;
        }
    }
    ASSERT_EQ(::chmod(path.parent_path().c_str(), 0755), 0);
}

TEST(Database, SeveralProcessesMakeAndFillOneFile) {
    const testing::TempFolder folder;
    const std::string path = (folder / "a").string();
    constexpr int kProcesses = 6;
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
        children.push_back(::fork());
        if (children.back() != 0) continue;
        auto database = Database::open(path, kCache);
        if (!database) ::_exit(1);
        if (!database->transaction([&] { return database->execute(kTable); })) ::_exit(2);
        if (!database->execute("INSERT INTO fact(text) VALUES('mine')")) ::_exit(3);
        ::_exit(0);
    }
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    EXPECT_EQ(opened(path, kCache).integer("SELECT COUNT(*) FROM fact").value(), kProcesses);
}

}  // namespace
}  // namespace covenant::sqlite
