#include "common/sqlite/row_digest.hpp"

#include "tests/support/temp_folder.hpp"
#include "tests/unit/common/sqlite/files.hpp"

#include <array>

namespace covenant::sqlite {
namespace {

constexpr std::array<std::string_view, 3> kColumns = {"id", "text", "value"};
constexpr DigestedTable kDeeds{"deed", kColumns};

struct RowDigest : ::testing::Test {
    RowDigest() {
        EXPECT_TRUE(
            file().execute("CREATE TABLE deed(id INTEGER PRIMARY KEY, text TEXT NOT NULL, "
                           "value BLOB) STRICT; INSERT INTO deed VALUES(1, 'old', NULL)"));
    }
    Database file() { return opened(folder / "a", kKept); }  // a connection that keeps no digests
    Status kept() {
        Database database = file();
        return keep_row_digests(database, kDeeds);
    }
    testing::TempFolder folder;
};

TEST_F(RowDigest, SealsWhatIsThereAndFollowsEveryChange) {
    {
        Database database = file();
        ASSERT_TRUE(keep_row_digests(database, kDeeds));
        ASSERT_TRUE(database.execute("INSERT INTO deed(id, text, value) VALUES(2, 'two', x'02')"));
        ASSERT_TRUE(database.execute("UPDATE deed SET value = x'03' WHERE id = 2"));
        EXPECT_EQ(database.changes(), 1U);  // the digest's own update does not count
        ASSERT_TRUE(
            database.execute("INSERT INTO deed(id, text) VALUES(1, 'new') ON CONFLICT(id) "
                             "DO UPDATE SET text = excluded.text"));
        EXPECT_EQ(
            database.integer("SELECT COUNT(*) FROM deed WHERE " + row_matches(kDeeds)).value(), 2U);
    }
    EXPECT_TRUE(kept());
}

TEST_F(RowDigest, AChangedRowIsNoticed) {
    ASSERT_TRUE(kept());
    for (const char* change : {"UPDATE deed SET text = 'other'", "UPDATE deed SET value = x''",
                               "UPDATE deed SET id = 5", "UPDATE deed SET digest = x'00'",
                               "INSERT INTO deed(text) VALUES('by another program')"}) {
        std::filesystem::copy_file(folder / "a", folder / "good");
        ASSERT_TRUE(file().execute(change));
        const Status status = kept();
        ASSERT_FALSE(status) << change;
        EXPECT_EQ(status.error().code, Errc::kCorrupt);
        EXPECT_NE(status.error().context.find(kKept.remedy), std::string::npos);
        std::filesystem::rename(folder / "good", folder / "a");
    }
    EXPECT_TRUE(kept());
}

TEST_F(RowDigest, OtherProgramsReadAndDelete) {
    ASSERT_TRUE(kept());
    EXPECT_TRUE(file().execute("DELETE FROM deed"));
    EXPECT_TRUE(kept());
}

}  // namespace
}  // namespace covenant::sqlite
