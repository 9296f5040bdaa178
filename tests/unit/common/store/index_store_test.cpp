#include "common/store/index_store.hpp"

#include "common/base/durable_file.hpp"
#include "tests/support/temp_folder.hpp"

#include <csignal>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::store {
namespace {

using covenant::testing::TempFolder;

namespace fs = std::filesystem;

std::unique_ptr<IndexStore> open(const fs::path& folder) {
    auto store = IndexStore::open(folder);
    EXPECT_TRUE(store) << store.error().context;
    return store ? std::move(*store) : nullptr;
}

std::string value_of(IndexStore& store, Table table, std::string_view key) {
    const auto value = store.get(table, key);
    return value ? std::string(as_text(*value)) : std::string(to_string(value.error().code));
}

TEST(IndexStore, KeepsEntriesByTable) {
    const TempFolder folder;
    {
        const auto store = open(folder / "index");
        ASSERT_TRUE(store->put(Table::kManifests, "key", as_bytes("manifest")));
        ASSERT_TRUE(store->put(Table::kRecords, "key", as_bytes("record")));
        ASSERT_TRUE(store->put(Table::kMeta, "key", {}));
        EXPECT_EQ(value_of(*store, Table::kManifests, "key"), "manifest");
        ASSERT_TRUE(store->put(Table::kManifests, "key", as_bytes("newer")));
        ASSERT_TRUE(store->erase(Table::kRecords, "key"));
        ASSERT_TRUE(store->erase(Table::kRecords, "key"));
        EXPECT_EQ(store->sequence(), 6U);
    }
    const auto store = open(folder / "index");
    EXPECT_EQ(store->sequence(), 6U);
    EXPECT_EQ(value_of(*store, Table::kManifests, "key"), "newer");
    EXPECT_EQ(value_of(*store, Table::kMeta, "key"), "");
    EXPECT_EQ(store->get(Table::kRecords, "key").error().code, Errc::kNotFound);
}

TEST(IndexStore, BatchesAreOneCommit) {
    const TempFolder folder;
    const auto store = open(folder.path());
    ASSERT_TRUE(store->put(Table::kRecords, "old", as_bytes("1")));
    IndexBatch batch;
    EXPECT_TRUE(batch.empty());
    batch.put(Table::kManifests, "a", as_bytes("1"))
        .put(Table::kRecords, "b", as_bytes("2"))
        .erase(Table::kRecords, "old");
    ASSERT_TRUE(store->commit(batch));
    EXPECT_EQ(store->sequence(), 2U);
    EXPECT_EQ(value_of(*store, Table::kManifests, "a"), "1");
    EXPECT_EQ(value_of(*store, Table::kRecords, "b"), "2");
    EXPECT_EQ(store->get(Table::kRecords, "old").error().code, Errc::kNotFound);

    IndexBatch bad;
    bad.put(Table::kRecords, "c", as_bytes("3")).put(Table::kRecords, "", as_bytes("4"));
    EXPECT_EQ(store->commit(bad).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(store->get(Table::kRecords, "c").error().code, Errc::kNotFound);
    ASSERT_TRUE(store->commit(IndexBatch()));
    EXPECT_EQ(store->sequence(), 2U);
}

TEST(IndexStore, ListsByPrefixInPages) {
    const TempFolder folder;
    const auto store = open(folder.path());
    IndexBatch batch;
    for (const char* key : {"r/1/a", "r/1/b", "r/1/c", "r/10/a", "q", "s", "r/1\xff"}) {
        batch.put(Table::kRecords, key, as_bytes(key));
    }
    ASSERT_TRUE(store->commit(batch));
    const auto keys = [&](std::string_view prefix, std::size_t max, std::string_view after = {}) {
        std::string out;
        const auto listed = store->list(Table::kRecords, prefix, max, after);
        for (const IndexEntry& entry : listed.value()) {
            EXPECT_EQ(entry.key, as_text(entry.value));
            out += entry.key + " ";
        }
        return out;
    };
    EXPECT_EQ(keys("r/1/", 10), "r/1/a r/1/b r/1/c ");
    EXPECT_EQ(keys("r/1/", 2), "r/1/a r/1/b ");
    EXPECT_EQ(keys("r/1/", 2, "r/1/b"), "r/1/c ");
    EXPECT_EQ(keys("r/1/", 2, "r/1/c"), "");
    EXPECT_EQ(keys("r/1", 10), "r/1/a r/1/b r/1/c r/10/a r/1\xff ");
    EXPECT_EQ(keys("", 2), "q r/1/a ");
    EXPECT_EQ(keys("x", 10), "");
    EXPECT_TRUE(store->list(Table::kMeta, "").value().empty());
}

TEST(IndexStore, RefusesKeysAndValuesOutOfRange) {
    const TempFolder folder;
    const auto store = open(folder.path());
    const std::string long_key(kMaxKeyBytes + 1, 'k');
    EXPECT_EQ(store->put(Table::kRecords, "", {}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(store->put(Table::kRecords, long_key, {}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(store->get(Table::kRecords, "").error().code, Errc::kInvalidArgument);
    const std::string_view own("\0sequence", 9);
    EXPECT_EQ(store->put(Table::kMeta, own, {}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(store->erase(Table::kMeta, own).error().code, Errc::kInvalidArgument);
    EXPECT_TRUE(store->put(Table::kRecords, own, as_bytes("fine")));
    const Bytes large(kMaxValueBytes + 1);
    EXPECT_EQ(store->put(Table::kRecords, "large", large).error().code, Errc::kInvalidArgument);
    EXPECT_TRUE(store->put(Table::kRecords, long_key.substr(1), Bytes(100'000)));
    EXPECT_EQ(store->get(Table::kRecords, long_key.substr(1)).value().size(), 100'000U);
}

TEST(IndexStore, OneProcessAtATime) {
    const TempFolder folder;
    const auto store = open(folder.path());
    const auto second = IndexStore::open(folder.path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kPrecondition) << second.error().context;
}

TEST(IndexStore, AcknowledgedCommitsSurviveSigkill) {
    const TempFolder folder;
    std::uint32_t next = 0;
    for (int round = 0; round < 3; ++round) {
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto own = IndexStore::open(folder.path());
            for (std::uint32_t i = next; own; ++i) {
                IndexBatch batch;
                const std::string key = std::to_string(i);
                batch.put(Table::kManifests, key, as_bytes(key));
                batch.put(Table::kRecords, key, as_bytes(key));
                if (!(*own)->commit(batch) || ::write(ready[1], &i, sizeof(i)) != sizeof(i)) break;
            }
            ::_exit(1);
        }
        ::close(ready[1]);
        std::uint32_t acknowledged = 0;
        for (int i = 0; i < 20 + round; ++i) {
            ASSERT_EQ(::read(ready[0], &acknowledged, sizeof(acknowledged)),
                      static_cast<ssize_t>(sizeof(acknowledged)));
        }
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
        while (::read(ready[0], &acknowledged, sizeof(acknowledged)) ==
               static_cast<ssize_t>(sizeof(acknowledged))) {
        }
        ::close(ready[0]);

        const auto store = open(folder.path());
        ASSERT_NE(store, nullptr);
        EXPECT_GE(store->sequence(), acknowledged + 1);
        for (std::uint32_t i = 0; i <= acknowledged; ++i) {
            EXPECT_EQ(value_of(*store, Table::kManifests, std::to_string(i)), std::to_string(i));
            EXPECT_EQ(value_of(*store, Table::kRecords, std::to_string(i)), std::to_string(i));
        }
        EXPECT_EQ(store->list(Table::kManifests, "").value().size(), store->sequence());
        next = static_cast<std::uint32_t>(store->sequence());
    }
}

// The database alone cannot tell that its newest commits are gone: the number beside it can.
TEST(IndexStore, LostCommitsAreNoticed) {
    const TempFolder folder;
    {
        const auto store = open(folder / "index");
        ASSERT_TRUE(store->put(Table::kRecords, "a", as_bytes("1")));
    }
    fs::copy(folder / "index/rocksdb", folder / "older", fs::copy_options::recursive);
    {
        const auto store = open(folder / "index");
        ASSERT_TRUE(store->put(Table::kRecords, "b", as_bytes("2")));
    }
    fs::remove_all(folder / "index/rocksdb");
    fs::copy(folder / "older", folder / "index/rocksdb", fs::copy_options::recursive);
    const auto store = IndexStore::open(folder / "index");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kCorrupt);
    EXPECT_NE(store.error().context.find("commit 2 was acknowledged"), std::string::npos);
}

TEST(IndexStore, ADamagedWitnessIsNoticed) {
    const TempFolder folder;
    {
        const auto store = open(folder.path());
        ASSERT_TRUE(store->put(Table::kRecords, "a", as_bytes("1")));
    }
    ASSERT_EQ(fs::file_size(folder / "acknowledged"), 16U);
    ASSERT_TRUE(
        write_file_durably(folder / "acknowledged", Bytes(16, 1), {.overwrite = Overwrite::kYes}));
    EXPECT_EQ(IndexStore::open(folder.path()).error().code, Errc::kCorrupt);
    fs::remove(folder / "acknowledged");
    const auto store = open(folder.path());
    EXPECT_EQ(value_of(*store, Table::kRecords, "a"), "1");
}

TEST(IndexStore, ADamagedDatabaseIsNoticed) {
    const TempFolder folder;
    { const auto store = open(folder.path()); }
    ASSERT_TRUE(write_file_durably(folder / "rocksdb/CURRENT", as_bytes("nonsense\n"),
                                   {.overwrite = Overwrite::kYes}));
    const auto store = IndexStore::open(folder.path());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kCorrupt) << store.error().context;
}

}  // namespace
}  // namespace covenant::store
