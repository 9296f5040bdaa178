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

std::string value_of(IndexStore& store, std::string_view key) {
    const auto value = store.get(key);
    return value ? std::string(as_text(*value)) : std::string(to_string(value.error().code));
}

TEST(IndexStore, KeepsRecords) {
    const TempFolder folder;
    {
        const auto store = open(folder / "index");
        ASSERT_TRUE(store->put("key", as_bytes("record")));
        ASSERT_TRUE(store->put("empty", {}));
        EXPECT_EQ(value_of(*store, "key"), "record");
        ASSERT_TRUE(store->put("key", as_bytes("newer")));
        EXPECT_EQ(store->sequence(), 3U);
    }
    const auto store = open(folder / "index");
    EXPECT_EQ(store->sequence(), 3U);
    EXPECT_EQ(value_of(*store, "key"), "newer");
    EXPECT_EQ(value_of(*store, "empty"), "");
    EXPECT_EQ(store->get("other").error().code, Errc::kNotFound);
}

TEST(IndexStore, RefusesKeysAndValuesOutOfRange) {
    const TempFolder folder;
    const auto store = open(folder.path());
    const std::string long_key(kMaxKeyBytes + 1, 'k');
    EXPECT_EQ(store->put("", {}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(store->put(long_key, {}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(store->get("").error().code, Errc::kInvalidArgument);
    // The store's own numbers lie elsewhere.
    EXPECT_TRUE(store->put(std::string_view("\0sequence", 9), as_bytes("fine")));
    const Bytes large(kMaxValueBytes + 1);
    EXPECT_EQ(store->put("large", large).error().code, Errc::kInvalidArgument);
    EXPECT_TRUE(store->put(long_key.substr(1), Bytes(100'000)));
    EXPECT_EQ(store->get(long_key.substr(1)).value().size(), 100'000U);
    EXPECT_EQ(store->sequence(), 2U);
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
                const std::string key = std::to_string(i);
                if (!(*own)->put(key, as_bytes(key)) ||
                    ::write(ready[1], &i, sizeof(i)) != sizeof(i)) {
                    break;
                }
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
        // Each number came with its record, the last one too that nobody saw acknowledged.
        for (std::uint64_t i = 0; i < store->sequence(); ++i) {
            EXPECT_EQ(value_of(*store, std::to_string(i)), std::to_string(i));
        }
        next = static_cast<std::uint32_t>(store->sequence());
        EXPECT_EQ(store->get(std::to_string(next)).error().code, Errc::kNotFound);
    }
}

// The database alone cannot tell that its newest commits are gone: the number beside it can.
TEST(IndexStore, LostCommitsAreNoticed) {
    const TempFolder folder;
    {
        const auto store = open(folder / "index");
        ASSERT_TRUE(store->put("a", as_bytes("1")));
    }
    fs::copy(folder / "index/rocksdb", folder / "older", fs::copy_options::recursive);
    {
        const auto store = open(folder / "index");
        ASSERT_TRUE(store->put("b", as_bytes("2")));
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
        ASSERT_TRUE(store->put("a", as_bytes("1")));
    }
    ASSERT_EQ(fs::file_size(folder / "acknowledged"), 16U);
    ASSERT_TRUE(
        write_file_durably(folder / "acknowledged", Bytes(16, 1), {.overwrite = Overwrite::kYes}));
    EXPECT_EQ(IndexStore::open(folder.path()).error().code, Errc::kCorrupt);
    fs::remove(folder / "acknowledged");
    const auto store = open(folder.path());
    EXPECT_EQ(value_of(*store, "a"), "1");
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
