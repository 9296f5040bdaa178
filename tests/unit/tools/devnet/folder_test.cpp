#include "tools/covenant/devnet/folder.hpp"

#include "tests/support/temp_folder.hpp"

#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

namespace covenant::devnet {
namespace {

namespace fs = std::filesystem;
using testing::TempFolder;

void touch(const fs::path& file) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "x";
}

void leave_devnet(const Layout& layout, bool keep) {
    Record record;
    record.seed = 7;
    record.keep = keep;
    record.next_factor = 1.5;
    fs::create_directories(layout.root);
    ASSERT_TRUE(save_record(layout, record));
    touch(layout.store() / "objects" / "one");
    touch(layout.index());
}

TEST(TakeFolder, ARunningDevnetsFolderStaysAsItIs) {
    const TempFolder parent;
    const Layout layout{parent / "devnet-7"};
    leave_devnet(layout, false);
    const auto running = take_folder(layout, true);
    ASSERT_TRUE(running) << running.error().context;
    touch(layout.store() / "objects" / "two");

    const auto second = take_folder(layout, true);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_NE(second.error().context.find("in use by"), std::string::npos);
    EXPECT_NE(second.error().context.find("pid " + std::to_string(::getpid())), std::string::npos);
    EXPECT_TRUE(fs::exists(layout.store() / "objects" / "two"));
}

TEST(TakeFolder, ReplacesOnlyWhatADevnetMade) {
    const TempFolder parent;
    const Layout layout{parent / "devnet-7"};
    leave_devnet(layout, false);
    touch(layout.root / "notes.txt");
    const auto folder = take_folder(layout, true);
    ASSERT_TRUE(folder) << folder.error().context;
    EXPECT_FALSE(folder->resumes());
    ASSERT_TRUE(folder->before);
    EXPECT_EQ(folder->before->next_factor, 1.5) << "what the last start learned";
    EXPECT_FALSE(fs::exists(layout.record()));
    EXPECT_FALSE(fs::exists(layout.store()));
    EXPECT_FALSE(fs::exists(layout.index()));
    EXPECT_TRUE(fs::exists(layout.root / "notes.txt"));
}

TEST(TakeFolder, ANamedFolderIsNotReplaced) {
    const TempFolder parent;
    const Layout layout{parent / "mine"};
    leave_devnet(layout, false);
    EXPECT_FALSE(kept_record(layout));
    const auto folder = take_folder(layout, false);
    ASSERT_FALSE(folder);
    EXPECT_EQ(folder.error().code, Errc::kAlreadyExists);
    EXPECT_TRUE(fs::exists(layout.store() / "objects" / "one"));
}

TEST(TakeFolder, AKeptDevnetGoesOn) {
    const TempFolder parent;
    const Layout layout{parent / "mine"};
    EXPECT_FALSE(kept_record(layout)) << "there is nothing yet";
    leave_devnet(layout, true);
    ASSERT_TRUE(kept_record(layout));
    EXPECT_EQ(kept_record(layout)->seed, 7U);
    for (const bool disposable : {true, false}) {
        const auto folder = take_folder(layout, disposable);
        ASSERT_TRUE(folder) << folder.error().context;
        EXPECT_TRUE(folder->resumes());
        EXPECT_TRUE(fs::exists(layout.store() / "objects" / "one"));
    }
}

TEST(TakeFolder, AnUnfinishedStartIsBegunAgain) {
    const TempFolder parent;
    const Layout layout{parent / "mine"};
    {
        const auto first = take_folder(layout, false);
        ASSERT_TRUE(first) << first.error().context;
        touch(layout.chain() / "state-1.json");
    }
    const auto again = take_folder(layout, false);
    ASSERT_TRUE(again) << again.error().context;
    EXPECT_FALSE(again->before);
    EXPECT_FALSE(fs::exists(layout.chain()));
}

TEST(TakeFolder, OtherFoldersAreNoDevnets) {
    const TempFolder parent;
    const Layout layout{parent / "photos"};
    touch(layout.root / "cat.jpg");
    for (const bool disposable : {true, false}) {
        const auto folder = take_folder(layout, disposable);
        ASSERT_FALSE(folder);
        EXPECT_EQ(folder.error().code, Errc::kAlreadyExists);
        EXPECT_FALSE(fs::exists(layout.root / "LOCK"));
    }
}

TEST(FindIndex, WaitsForTheExplorerButNotForADamagedFile) {
    const TempFolder parent;
    const Layout layout{parent / "devnet-7"};
    fs::create_directories(layout.index().parent_path());
    const auto before = find_index(layout);
    ASSERT_TRUE(before) << before.error().context;
    EXPECT_FALSE(*before) << "no explorer has been here";

    std::ofstream(layout.index()).close();
    const auto begun = find_index(layout);
    ASSERT_TRUE(begun) << begun.error().context;
    EXPECT_FALSE(*begun) << "made, and no table in it yet";

    std::ofstream(layout.index()) << std::string(8192, 'x');
    const auto damaged = find_index(layout);
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().code, Errc::kCorrupt);
    EXPECT_NE(damaged.error().context.find(layout.index().string() + " is damaged"),
              std::string::npos)
        << damaged.error().context;
    EXPECT_NE(damaged.error().context.find("rebuilt from the chain"), std::string::npos);
}

}  // namespace
}  // namespace covenant::devnet
