#include "common/node/journal.hpp"

#include "tests/support/temp_folder.hpp"

#include <csignal>
#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::node {
namespace {

struct JournalFixture : ::testing::Test {
    testing::TempFolder folder;
    std::filesystem::path path = folder / "journal.sqlite";

    std::unique_ptr<Journal> open() {
        auto journal = Journal::open(path);
        EXPECT_TRUE(journal) << journal.error().context;
        return std::move(*journal);
    }
    void sql(const char* text) {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(db);
        sqlite3_close(db);
    }
};

Bytes bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

TEST_F(JournalFixture, KeepsWhatWasPut) {
    const auto journal = open();
    ASSERT_TRUE(journal->put("plan/1", bytes("a")));
    ASSERT_TRUE(journal->put("plan/2", {}));
    EXPECT_EQ(journal->get("plan/1")->value(), bytes("a"));
    EXPECT_EQ(journal->get("plan/2")->value(), Bytes());
    EXPECT_FALSE(journal->get("plan/3")->has_value());
    EXPECT_TRUE(journal->contains("plan/2").value());
    ASSERT_TRUE(journal->put("plan/1", bytes("b")));
    EXPECT_EQ(journal->get("plan/1")->value(), bytes("b"));
    EXPECT_EQ(journal->sequence(), 3U);
    ASSERT_TRUE(journal->put("plan/1", bytes("b")));
    EXPECT_EQ(journal->sequence(), 3U);
}

TEST_F(JournalFixture, ASealedRowIsFinal) {
    const auto journal = open();
    ASSERT_TRUE(journal->seal("commit/1", bytes("signed")));
    EXPECT_TRUE(journal->seal("commit/1", bytes("signed")));
    EXPECT_TRUE(journal->put("commit/1", bytes("signed")));
    for (const auto& again :
         {journal->seal("commit/1", bytes("other")), journal->put("commit/1", bytes("other")),
          journal->put("commit/1", {})}) {
        ASSERT_FALSE(again);
        EXPECT_EQ(again.error().code, Errc::kAlreadyExists);
        EXPECT_NE(again.error().context.find("commit/1"), std::string::npos);
    }
    EXPECT_EQ(journal->get("commit/1")->value(), bytes("signed"));
}

TEST_F(JournalFixture, SealingNeverReplacesADraft) {
    const auto journal = open();
    ASSERT_TRUE(journal->put("commit/1", bytes("draft")));
    EXPECT_EQ(journal->seal("commit/1", bytes("other")).error().code, Errc::kAlreadyExists);
    ASSERT_TRUE(journal->seal("commit/1", bytes("draft")));
    EXPECT_TRUE(journal->list("commit/")->at(0).sealed);
    EXPECT_EQ(journal->put("commit/1", bytes("new")).error().code, Errc::kAlreadyExists);
}

TEST_F(JournalFixture, ListsByPrefixInNumericOrder) {
    const auto journal = open();
    for (const std::uint64_t round : {10U, 9U, 100U, 1U}) {
        ASSERT_TRUE(
            journal->put(journal_key("round", round, "plan"), bytes(std::to_string(round))));
    }
    ASSERT_TRUE(journal->put("rounds", bytes("x")));
    ASSERT_TRUE(journal->put("aaa", bytes("x")));
    const auto rows = journal->list("round/").value();
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(as_text(rows[0].value), "1");
    EXPECT_EQ(as_text(rows[1].value), "9");
    EXPECT_EQ(as_text(rows[2].value), "10");
    EXPECT_EQ(as_text(rows[3].value), "100");
    EXPECT_EQ(journal->list("round/", 2)->size(), 2U);
    EXPECT_EQ(journal->list("")->size(), 6U);
    EXPECT_EQ(as_text(journal->last("round/")->value().value), "100");
    EXPECT_FALSE(journal->last("none/")->has_value());
}

TEST_F(JournalFixture, AReorgDropsDraftsAboveTheForkAndKeepsSignatures) {
    const auto journal = open();
    for (std::uint64_t round = 1; round <= 5; ++round) {
        ASSERT_TRUE(journal->put(journal_key("round", round, "plan"), bytes("p")));
        ASSERT_TRUE(journal->seal(journal_key("round", round, "signed"), bytes("s")));
    }
    ASSERT_TRUE(journal->put("zzz", bytes("elsewhere")));
    EXPECT_EQ(journal->erase_from("round/", journal_key("round", 4)).value(), 2U);
    EXPECT_TRUE(journal->contains(journal_key("round", 3, "plan")).value());
    EXPECT_FALSE(journal->contains(journal_key("round", 4, "plan")).value());
    EXPECT_TRUE(journal->contains(journal_key("round", 5, "signed")).value());
    EXPECT_TRUE(journal->contains("zzz").value());
    EXPECT_EQ(journal->prune_before("round/", journal_key("round", 2)).value(), 2U);
    EXPECT_FALSE(journal->contains(journal_key("round", 1, "signed")).value());
    EXPECT_TRUE(Journal::open(folder / "journal.sqlite"));
}

TEST_F(JournalFixture, RefusesBadKeysAndValues) {
    const auto journal = open();
    for (const std::string& key : {std::string(), std::string("a b"), std::string("a\n"),
                                   std::string("\xc3\xa9"), std::string(513, 'x')}) {
        EXPECT_EQ(journal->put(key, {}).error().code, Errc::kInvalidArgument) << key;
        EXPECT_EQ(journal->seal(key, {}).error().code, Errc::kInvalidArgument) << key;
    }
    EXPECT_TRUE(journal->put(std::string(512, 'x'), {}));
}

TEST_F(JournalFixture, SurvivesAnAbruptExit) {
    const pid_t child = ::fork();
    if (child == 0) {
        auto journal = Journal::open(path);
        if (!journal) ::_exit(1);
        for (std::uint64_t i = 0; i < 20; ++i) {
            if (!(*journal)->put(journal_key("k", i), bytes("v"))) ::_exit(2);
        }
        if (!(*journal)->seal("commit", bytes("signed"))) ::_exit(3);
        ::_exit(7);  // no destructor runs: the write-ahead log stays as it is
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(WEXITSTATUS(status), 7);
    const auto journal = open();
    EXPECT_EQ(journal->list("k/")->size(), 20U);
    EXPECT_EQ(journal->sequence(), 21U);
    EXPECT_EQ(journal->seal("commit", bytes("different")).error().code, Errc::kAlreadyExists);
}

TEST_F(JournalFixture, AcknowledgedRowsSurviveAKillInTheMiddleOfWriting) {
    int pipe_fds[2];
    ASSERT_EQ(::pipe(pipe_fds), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        auto journal = Journal::open(path);
        const Bytes value(3000, 0xab);
        for (std::uint64_t i = 0;; ++i) {
            if (!journal || !(*journal)->put(journal_key("k", i), value)) ::_exit(1);
            if (::write(pipe_fds[1], "x", 1) != 1) ::_exit(2);
        }
    }
    std::size_t acknowledged = 0;
    char byte = 0;
    while (acknowledged < 25 && ::read(pipe_fds[0], &byte, 1) == 1)
        ++acknowledged;
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(pipe_fds[0]);
    ::close(pipe_fds[1]);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto journal = open();
    const auto rows = journal->list("k/").value();
    EXPECT_GE(rows.size(), acknowledged);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i].key, journal_key("k", i));
        EXPECT_EQ(rows[i].value.size(), 3000U);
    }
}

TEST_F(JournalFixture, RefusesANewerSchema) {
    open();
    sql("PRAGMA user_version=99");
    const auto journal = Journal::open(path);
    ASSERT_FALSE(journal);
    EXPECT_EQ(journal.error().code, Errc::kPrecondition);
    EXPECT_NE(journal.error().context.find("99"), std::string::npos);
}

TEST_F(JournalFixture, NoticesLostRows) {
    {
        const auto journal = open();
        ASSERT_TRUE(journal->put("a", bytes("1")));
        ASSERT_TRUE(journal->put("b", bytes("2")));
    }
    sql("DELETE FROM entry WHERE key='b'");
    EXPECT_EQ(Journal::open(path).error().code, Errc::kCorrupt);
}

TEST_F(JournalFixture, NoticesARolledBackSequence) {
    {
        const auto journal = open();
        ASSERT_TRUE(journal->put("a", bytes("1")));
    }
    sql("UPDATE meta SET sequence = 0");
    EXPECT_EQ(Journal::open(path).error().code, Errc::kCorrupt);
}

TEST_F(JournalFixture, NoticesAChangedRowAtTheStart) {
    {
        const auto journal = open();
        ASSERT_TRUE(journal->seal("commit/1", bytes("signed")));
    }
    sql("UPDATE entry SET value = x'00'");
    const auto journal = Journal::open(path);
    ASSERT_FALSE(journal);
    EXPECT_EQ(journal.error().code, Errc::kCorrupt);
    EXPECT_NE(journal.error().context.find("journal"), std::string::npos);
    EXPECT_NE(journal.error().context.find("restore it from a copy"), std::string::npos);
}

TEST_F(JournalFixture, NoticesAChangedRowWhenItIsRead) {
    const auto journal = open();
    ASSERT_TRUE(journal->seal("commit/1", bytes("signed")));
    ASSERT_TRUE(journal->seal("commit/2", bytes("signed")));
    sql("UPDATE entry SET value = x'00' WHERE key = 'commit/1'");
    EXPECT_EQ(journal->get("commit/1").error().code, Errc::kCorrupt);
    EXPECT_EQ(journal->list("commit/").error().code, Errc::kCorrupt);
    EXPECT_EQ(journal->seal("commit/1", bytes("signed")).error().code, Errc::kCorrupt);
    EXPECT_EQ(journal->get("commit/2")->value(), bytes("signed"));
}

TEST_F(JournalFixture, AJournalWithoutDigestsGetsThem) {
    {
        const auto journal = open();
        ASSERT_TRUE(journal->seal("commit/1", bytes("signed")));
    }
    sql("ALTER TABLE entry DROP COLUMN digest; PRAGMA user_version=1");
    EXPECT_EQ(open()->get("commit/1")->value(), bytes("signed"));
    sql("UPDATE entry SET value = x'00'");
    EXPECT_EQ(Journal::open(path).error().code, Errc::kCorrupt);
}

TEST_F(JournalFixture, RefusesOtherFiles) {
    std::ofstream(path)
        << "this is no database, but it is long enough to look like a header of one";
    EXPECT_EQ(Journal::open(path).error().code, Errc::kCorrupt);
    std::filesystem::remove(path);
    sql("CREATE TABLE other(x)");
    EXPECT_EQ(Journal::open(path).error().code, Errc::kCorrupt);
    EXPECT_FALSE(Journal::open(folder / "missing" / "journal.sqlite"));
}

}  // namespace
}  // namespace covenant::node
