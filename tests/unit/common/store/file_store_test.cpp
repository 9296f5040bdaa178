#include "common/store/file_store.hpp"

#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"
#include "common/store/name_record.hpp"
#include "tests/support/temp_folder.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::store {
namespace {

using covenant::testing::TempFolder;

namespace fs = std::filesystem;

std::unique_ptr<FileStore> open(const fs::path& folder) {
    auto store = FileStore::open(folder);
    EXPECT_TRUE(store) << store.error().context;
    return store ? std::move(*store) : nullptr;
}

Bytes numbered(std::uint32_t number, std::size_t size) {
    Bytes bytes(size, static_cast<std::uint8_t>(number * 31));
    store_le(number, bytes.data());
    return bytes;
}

std::size_t files_below(const fs::path& folder) {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) ++count;
    }
    return count;
}

int wait_for(pid_t child) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
}

// Runs `body` in another process; its return value is the exit code.
template <typename Body>
pid_t start(Body body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    return child;
}

TEST(FileStore, DamagedBytesAreNeverReturnedAndPutMendsThem) {
    const TempFolder folder;
    const auto store = open(folder.path());
    const Hash256 object = store->put(as_bytes("an object")).value();
    std::ofstream(store->object_path(object)) << "an abject";
    const auto got = store->get(object, 100);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::kCorrupt);
    fs::resize_file(store->object_path(object), 3);
    EXPECT_EQ(store->get(object, 100).error().code, Errc::kCorrupt);
    ASSERT_TRUE(store->put(as_bytes("an object")));
    EXPECT_EQ(as_text(store->get(object, 100).value()), "an object");
}

TEST(FileStore, DamagedNamesAreNamed) {
    const TempFolder folder;
    const auto store = open(folder.path());
    ASSERT_TRUE(store->publish("run/1/key", crypto::sha256({})));
    std::ofstream(folder / "names/run/1/@key") << "zz";
    EXPECT_EQ(store->resolve("run/1/key").error().code, Errc::kCorrupt);
    EXPECT_EQ(store->list("run/").error().code, Errc::kCorrupt);
}

TEST(NameRecord, HasOneEncoding) {
    const Hash256 object = crypto::sha256(as_bytes("x"));
    const std::string text = encode_name_record(object);
    ASSERT_EQ(text.size(), kNameRecordBytes);
    EXPECT_EQ(decode_name_record(as_bytes(text)).value(), object);
    std::string upper = text;
    for (char& c : upper)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    for (const std::string& bad :
         {std::string(), text.substr(1), text + "\n", text.substr(0, 64) + " ", upper,
          "0x" + text.substr(2), std::string(65, '\n')}) {
        EXPECT_EQ(decode_name_record(as_bytes(bad)).error().code, Errc::kCorrupt) << bad;
    }
}

TEST(FileStore, TwoStoresOfOneFolderSeeEachOther) {
    const TempFolder folder;
    const auto first = open(folder.path());
    const auto second = open(folder.path());
    const Hash256 object = first->put(as_bytes("shared")).value();
    EXPECT_TRUE(second->get(object, 100));
    ASSERT_TRUE(second->publish("name", object));
    EXPECT_EQ(first->resolve("name").value(), object);
}

// A store is shared. Something else than a file in an object's place must neither hold a reader nor
// pass for a failing disk: the object is not there.
TEST(FileStore, WhatIsNoFileIsNoObjectAndNoName) {
    const TempFolder folder;
    const auto store = open(folder.path());
    const Hash256 object = store->put(as_bytes("bytes")).value();
    ASSERT_TRUE(store->publish("run/1", object));
    const fs::path path = store->object_path(object);
    const auto expect_absent = [&](std::string_view what) {
        const auto got = store->get(object, 100);
        ASSERT_FALSE(got) << what;
        EXPECT_EQ(got.error().code, Errc::kNotFound) << what;
        EXPECT_NE(got.error().context.find("not a regular file"), std::string::npos);
        EXPECT_FALSE(store->has(object).value()) << what;
    };
    fs::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    expect_absent("a FIFO");
    // Putting the object again makes way for it.
    ASSERT_TRUE(store->put(as_bytes("bytes")));
    EXPECT_EQ(as_text(store->get(object, 100).value()), "bytes");
    fs::remove(path);
    fs::create_directory(path);
    expect_absent("a folder");
    EXPECT_FALSE(store->put(as_bytes("bytes")));

    const fs::path name = folder / "names/run/@2";
    ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
    EXPECT_EQ(store->resolve("run/2").error().code, Errc::kNotFound);
    const auto names = store->list("run/").value();
    ASSERT_EQ(names.size(), 1U);
    EXPECT_EQ(names[0].name, "run/1");
}

TEST(FileStore, OpeningRemovesWhatDeadWritersLeft) {
    const TempFolder folder;
    { const auto store = open(folder.path()); }
    const fs::path stale = folder / "temporary/.writing-1-0";
    const fs::path busy = folder / "temporary/.writing-2-0";
    std::ofstream(stale) << "half";
    std::ofstream(busy) << "half";
    std::ofstream(folder / "temporary/keep") << "not ours";
    const int held = ::open(busy.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(::flock(held, LOCK_EX), 0);
    const auto store = open(folder.path());
    EXPECT_FALSE(fs::exists(stale));
    EXPECT_TRUE(fs::exists(busy));
    EXPECT_TRUE(fs::exists(folder / "temporary/keep"));
    ::close(held);
}

// Whatever the moment of death: every object that is there is whole, every name resolves.
TEST(FileStore, SurvivesWritersKilledAtAnyMoment) {
    const TempFolder folder;
    const auto store = open(folder.path());
    for (int round = 0; round < 8; ++round) {
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        const pid_t child = start([&] {
            const auto own = FileStore::open(folder.path());
            for (std::uint32_t i = 0; own; ++i) {
                const auto object = (*own)->put(numbered(i, 200'000));
                if (object) static_cast<void>((*own)->publish("o/" + std::to_string(i), *object));
                // Reported only after both are durable.
                if (object && ::write(ready[1], &i, sizeof(i)) != sizeof(i)) return 1;
            }
            return 2;
        });
        std::uint32_t acknowledged = 0;
        for (int i = 0; i <= round; ++i) {
            ASSERT_EQ(::read(ready[0], &acknowledged, sizeof(acknowledged)),
                      static_cast<ssize_t>(sizeof(acknowledged)));
        }
        ::kill(child, SIGKILL);
        EXPECT_TRUE(WIFSIGNALED(wait_for(child)));
        ::close(ready[0]);
        ::close(ready[1]);
        for (std::uint32_t i = 0; i <= acknowledged; ++i) {
            const auto object = store->resolve("o/" + std::to_string(i));
            ASSERT_TRUE(object) << object.error().context;
            EXPECT_EQ(store->get(*object, 200'000).value(), numbered(i, 200'000));
        }
        for (const auto& entry : fs::recursive_directory_iterator(folder / "objects")) {
            if (!entry.is_regular_file()) continue;
            const auto address = fixed_from_hex<Hash256>(entry.path().filename().string());
            ASSERT_TRUE(address) << entry.path();
            EXPECT_TRUE(store->get(*address, 1 << 20)) << entry.path();
        }
    }
    { const auto cleaned = open(folder.path()); }
    EXPECT_TRUE(fs::is_empty(folder / "temporary"));
}

TEST(FileStore, ProcessesThatPutTheSameObjectAgree) {
    const TempFolder folder;
    const auto store = open(folder.path());
    const auto put_all = [&] {
        const auto own = FileStore::open(folder.path());
        for (std::uint32_t i = 0; i < 20; ++i) {
            if (!own || !(*own)->put(numbered(i, 50'000))) return 1;
        }
        return 0;
    };
    const pid_t first = start(put_all);
    const pid_t second = start(put_all);
    EXPECT_EQ(put_all(), 0);
    EXPECT_EQ(wait_for(first), 0);
    EXPECT_EQ(wait_for(second), 0);
    EXPECT_EQ(files_below(folder / "objects"), 20U);
    EXPECT_EQ(files_below(folder / "temporary"), 0U);
    for (std::uint32_t i = 0; i < 20; ++i) {
        EXPECT_TRUE(store->get(crypto::sha256(numbered(i, 50'000)), 50'000));
    }
}

TEST(FileStore, OneOfManyRacingNamesWins) {
    const TempFolder folder;
    const auto store = open(folder.path());
    for (int round = 0; round < 5; ++round) {
        const std::string name = "race/" + std::to_string(round);
        std::vector<pid_t> children;
        for (std::uint32_t i = 0; i < 4; ++i) {
            children.push_back(start([&] {
                const auto own = FileStore::open(folder.path());
                if (!own) return 9;
                const auto status = (*own)->publish(name, crypto::sha256(numbered(i, 8)));
                if (status) return 0;
                return status.error().code == Errc::kAlreadyExists ? 1 : 9;
            }));
        }
        int winners = 0;
        for (const pid_t child : children) {
            const int code = WEXITSTATUS(wait_for(child));
            EXPECT_NE(code, 9);
            winners += code == 0 ? 1 : 0;
        }
        EXPECT_EQ(winners, 1);
        EXPECT_TRUE(store->resolve(name));
    }
}

TEST(FileStore, ThreadsShareOneStore) {
    const TempFolder folder;
    const auto store = open(folder.path());
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::uint32_t i = 0; i < 5; ++i) {
                EXPECT_TRUE(store->put(numbered(t % 2 * 100 + i, 1'000)));
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(files_below(folder / "objects"), 10U);
    EXPECT_EQ(files_below(folder / "temporary"), 0U);
}

void expect_full(FileStore& store, const fs::path& folder, std::string_view mention) {
    const std::size_t before = files_below(folder);
    const auto failed = store.put(numbered(1, 4 << 20));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kIo);
    EXPECT_NE(failed.error().context.find(mention), std::string::npos) << failed.error().context;
    EXPECT_EQ(files_below(folder), before);
    EXPECT_FALSE(store.has(crypto::sha256(numbered(1, 4 << 20))).value());
    EXPECT_TRUE(store.put(numbered(2, 1'000)));
}

TEST(FileStore, AFullDiskIsAClearErrorAndLeavesNothing) {
    const TempFolder folder;
    if (::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
        GTEST_SKIP() << "needs the right to mount a small file system";
    }
    {
        const auto store = open(folder / "store");
        expect_full(*store, folder / "store", "disk is full");
    }
    EXPECT_EQ(::umount(folder.path().c_str()), 0);
}

TEST(FileStore, AFileSizeLimitIsAClearErrorAndLeavesNothing) {
    const TempFolder folder;
    const auto store = open(folder.path());
    const pid_t child = start([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1 << 20, 1 << 20};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
        expect_full(*store, folder.path(), "size limit");
        return ::testing::Test::HasFailure() ? 1 : 0;
    });
    EXPECT_EQ(wait_for(child), 0);
}

TEST(FileStore, OpeningOverAFileFails) {
    const TempFolder folder;
    std::ofstream(folder / "store") << "a file";
    const auto store = FileStore::open(folder / "store");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, Errc::kIo);
    EXPECT_NE(store.error().context.find("store"), std::string::npos);
}

}  // namespace
}  // namespace covenant::store
