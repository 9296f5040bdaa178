#include "common/base/new_folder.hpp"

#include "common/base/file.hpp"
#include "tests/support/temp_folder.hpp"

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant {
namespace {

using testing::TempFolder;
using Names = std::vector<std::string>;

Names names_in(const std::filesystem::path& folder) {
    Names out;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        out.push_back(entry.path().filename().string());
    return out;
}

bool ours(std::string_view name) {
    return name == "a" || name == "b";
}

TEST(NewFolder, ReplacesOnlyFoldersThatHoldNothingElse) {
    const TempFolder scratch;
    const auto make = [&](Overwrite policy, std::string_view text) -> Status {
        COVENANT_TRY(NewFolder out, NewFolder::create(scratch / "f/", policy, ours));
        COVENANT_CHECK(out.add("a", as_bytes(text)));
        return out.publish();
    };
    ASSERT_TRUE(make(Overwrite::kNo, "one"));
    EXPECT_EQ(make(Overwrite::kNo, "two").error().code, Errc::kAlreadyExists);
    std::ofstream(scratch / "f/b") << "old";
    ASSERT_TRUE(make(Overwrite::kYes, "two"));
    EXPECT_EQ(read_text_file(scratch / "f/a", 10).value(), "two");
    EXPECT_FALSE(std::filesystem::exists(scratch / "f/b"));
    std::ofstream(scratch / "f/thesis.tex") << "x";
    const Status refused = make(Overwrite::kYes, "three");
    EXPECT_EQ(refused.error().code, Errc::kAlreadyExists);
    EXPECT_NE(refused.error().context.find("thesis.tex"), std::string::npos);
    EXPECT_EQ(names_in(scratch.path()), Names{"f"});
    std::filesystem::create_directory_symlink("f", scratch / "link");
    EXPECT_EQ(NewFolder::create(scratch / "link", Overwrite::kYes, ours).error().code,
              Errc::kAlreadyExists);
}

TEST(NewFolder, AKilledWriterLeavesNothingThatLooksFinishedAndIsClearedAway) {
    const TempFolder scratch;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto folder = NewFolder::create(scratch / "f", Overwrite::kNo, ours);
        auto file = NewFile::create(scratch / "x", {});
        const bool good = folder && file && folder->add("a", as_bytes("half"));
        ::_exit(good ? 0 : 1);  // no destructor runs, as after a kill
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    const Names left = names_in(scratch.path());
    ASSERT_EQ(left.size(), 2U);
    for (const std::string& name : left)
        EXPECT_TRUE(name.starts_with(".writing-")) << name;
    {
        auto other = NewFile::create(scratch / "x", {});  // a living writer's stay
        ASSERT_TRUE(other);
        auto folder = NewFolder::create(scratch / "f", Overwrite::kNo, ours);
        auto file = NewFile::create(scratch / "x", {});
        ASSERT_TRUE(folder);
        ASSERT_TRUE(file);
        EXPECT_EQ(names_in(scratch.path()).size(), 3U);
    }
    EXPECT_TRUE(names_in(scratch.path()).empty());
}

}  // namespace
}  // namespace covenant
