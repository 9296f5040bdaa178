#include "common/sqlite/page_check.hpp"

#include "tests/support/temp_folder.hpp"
#include "tests/unit/common/sqlite/files.hpp"

namespace covenant::sqlite {
namespace {

constexpr int kRows = 400;

// A table and an index over it, all of it in the file and none in the log.
void make(const std::filesystem::path& path) {
    Database database = opened(path, kCache);
    ASSERT_TRUE(
        database.execute("CREATE TABLE fact(id INTEGER PRIMARY KEY, round INTEGER, text TEXT) "
                         "STRICT; CREATE INDEX by_round ON fact(round)"));
    ASSERT_TRUE(database.transaction([&]() -> Status {
        COVENANT_TRY(Statement insert, database.prepare("INSERT INTO fact VALUES(?, ?, ?)"));
        for (std::uint64_t i = 0; i < kRows; ++i) {
            const std::string text = "credited " + std::to_string(i * 977) + " to somebody";
            COVENANT_CHECK(insert.bind(i).bind(i % 7).bind(std::string_view(text)).run());
        }
        return {};
    }));
}

// Everything that a reader can learn: by table, by index, by count.
Result<std::string> told(const std::filesystem::path& path) {
    COVENANT_TRY(Database reader, Database::open_read_only(path.string(), kCache));
    std::string out;
    for (const char* sql : {"SELECT id, round, text FROM fact",
                            "SELECT id, round, text FROM fact WHERE round = 3 ORDER BY id",
                            "SELECT COUNT(*), SUM(round), '' FROM fact INDEXED BY by_round WHERE "
                            "round >= 0"}) {
        COVENANT_TRY(Statement select, reader.prepare(sql));
        for (;;) {
            COVENANT_TRY(const bool row, select.step());
            if (!row) break;
            out += std::to_string(select.integer(0)) + " " + std::to_string(select.integer(1)) +
                   " " + select.text(2) + "\n";
        }
    }
    return out;
}

TEST(PageCheck, NoFlippedBitIsToldAsAFact) {
    const testing::TempFolder folder;
    make(folder / "whole");
    const std::string good = bytes_of(folder / "whole");
    ASSERT_GT(good.size(), 4U * kPageBytes);
    const auto expected = told(folder / "whole");
    ASSERT_TRUE(expected) << expected.error().context;
    std::size_t noticed = 0;
    std::size_t tried = 0;
    for (std::size_t at = 0; at < good.size(); at += 409) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
        put_bytes(folder / "bad", bad);
        const auto found = told(folder / "bad");
        ++tried;
        if (found) {
            EXPECT_EQ(*found, *expected) << at;
        } else {
            EXPECT_EQ(found.error().code, Errc::kCorrupt) << at << found.error().context;
            ++noticed;
        }
    }
    EXPECT_EQ(noticed, tried);  // all pages were read
}

TEST(PageCheck, PagesThatChangedPlacesAreNoticed) {
    const testing::TempFolder folder;
    make(folder / "a");
    std::string bytes = bytes_of(folder / "a");
    const std::string second = bytes.substr(2 * kPageBytes, kPageBytes);
    bytes.replace(2 * kPageBytes, kPageBytes, bytes.substr(3 * kPageBytes, kPageBytes));
    bytes.replace(3 * kPageBytes, kPageBytes, second);
    put_bytes(folder / "a", bytes);
    EXPECT_EQ(told(folder / "a").error().code, Errc::kCorrupt);
}

TEST(PageCheck, HoldsThroughGrowthDeletionAndVacuum) {
    const testing::TempFolder folder;
    make(folder / "a");
    for (int i = 0; i < 3; ++i) {
        Database database = opened(folder / "a", kCache);
        ASSERT_TRUE(database.execute("DELETE FROM fact WHERE id % 3 = 0"));
        ASSERT_TRUE(
            database.execute("INSERT INTO fact(round, text) SELECT round, text || "
                             "hex(zeroblob(300)) FROM fact"));
        ASSERT_TRUE(database.execute("PRAGMA wal_checkpoint(TRUNCATE)"));
        ASSERT_TRUE(database.execute("VACUUM"));
        ASSERT_TRUE(database.check_structure());
    }
    EXPECT_TRUE(told(folder / "a"));
}

TEST(PageCheck, AFileWithoutChecksumsIsRefused) {
    const testing::TempFolder folder;
    {
        Database database = opened(folder / "a", kKept);
        ASSERT_TRUE(database.execute("CREATE TABLE fact(id INTEGER)"));
    }
    EXPECT_EQ(Database::open((folder / "a").string(), kCache).error().code, Errc::kCorrupt);
}

TEST(PageCheck, OtherProgramsCanReadTheFile) {
    const testing::TempFolder folder;
    make(folder / "a");
    auto plain = Database::open_read_only((folder / "a").string(), kKept);
    ASSERT_TRUE(plain) << plain.error().context;
    EXPECT_EQ(plain->integer("SELECT COUNT(*) FROM fact").value(), std::uint64_t{kRows});
}

}  // namespace
}  // namespace covenant::sqlite
