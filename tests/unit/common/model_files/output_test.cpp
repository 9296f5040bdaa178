// Whole or not at all.
#include "common/model_files/output.hpp"

#include "tests/unit/common/model_files/checkpoint_fixture.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::model_files {
namespace {

using testing::Scratch;
using testing::small_source;
using testing::vocabulary;
using Names = std::vector<std::string>;

bool ours(std::string_view name) {
    return name == "a" || name == "b";
}

TEST(NewFile, AppearsWhenItIsPublished) {
    const Scratch scratch;
    {
        auto out = NewFile::create(scratch / "x", false);
        ASSERT_TRUE(out) << out.error().context;
        ASSERT_TRUE(out->file().write("abc"));
        ASSERT_TRUE(out->file().write(Bytes(3'000'000, 7)));
        EXPECT_FALSE(std::filesystem::exists(scratch / "x"));
        EXPECT_EQ(out->file().position(), 3'000'003U);
        ASSERT_TRUE(out->publish());
    }
    EXPECT_EQ(scratch.names(), Names{"x"});
    EXPECT_EQ(std::filesystem::file_size(scratch / "x"), 3'000'003U);
}

TEST(NewFile, LeavesNothingWhenItIsGivenUp) {
    const Scratch scratch;
    ASSERT_TRUE(NewFile::create(scratch / "x", false));
    EXPECT_TRUE(scratch.names().empty());
}

TEST(NewFile, ReplacesOnlyWhenAsked) {
    const Scratch scratch;
    testing::write_bytes(scratch / "x", as_bytes("old"));
    EXPECT_EQ(NewFile::create(scratch / "x", false).error().code, Errc::kAlreadyExists);
    auto out = NewFile::create(scratch / "x", true);
    ASSERT_TRUE(out);
    ASSERT_TRUE(out->file().write("new"));
    ASSERT_TRUE(out->publish());
    EXPECT_EQ(as_text(testing::bytes_of_file(scratch / "x")), "new");
    // The name was free at first and is taken when the file is ready.
    auto late = NewFile::create(scratch / "y", false);
    ASSERT_TRUE(late);
    testing::write_bytes(scratch / "y", as_bytes("other"));
    EXPECT_EQ(late->publish().error().code, Errc::kAlreadyExists);
    EXPECT_EQ(as_text(testing::bytes_of_file(scratch / "y")), "other");
    std::filesystem::create_directory(scratch / "d");
    EXPECT_EQ(NewFile::create(scratch / "d", true).error().code, Errc::kAlreadyExists);
    EXPECT_EQ(NewFile::create(scratch / "no/x", true).error().code, Errc::kNotFound);
    EXPECT_EQ(NewFile::create("..", true).error().code, Errc::kInvalidArgument);
}

TEST(NewFolder, ReplacesOnlyFoldersThatHoldNothingElse) {
    const Scratch scratch;
    const auto make = [&](bool replace, std::string_view text) -> Status {
        COVENANT_TRY(NewFolder out, NewFolder::create(scratch / "f/", replace, ours));
        COVENANT_CHECK(out.add("a", as_bytes(text)));
        return out.publish();
    };
    ASSERT_TRUE(make(false, "one"));
    EXPECT_EQ(make(false, "two").error().code, Errc::kAlreadyExists);
    testing::write_bytes(scratch / "f/b", as_bytes("old"));
    ASSERT_TRUE(make(true, "two"));
    EXPECT_EQ(as_text(testing::bytes_of_file(scratch / "f/a")), "two");
    EXPECT_FALSE(std::filesystem::exists(scratch / "f/b"));
    testing::write_bytes(scratch / "f/thesis.tex", as_bytes("x"));
    const Status refused = make(true, "three");
    EXPECT_EQ(refused.error().code, Errc::kAlreadyExists);
    EXPECT_NE(refused.error().context.find("thesis.tex"), std::string::npos);
    EXPECT_EQ(scratch.names(), Names{"f"});
}

TEST(NewFolder, AKilledWriterLeavesNothingThatLooksFinishedAndIsClearedAway) {
    const Scratch scratch;
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        auto folder = NewFolder::create(scratch / "f", false, ours);
        auto file = NewFile::create(scratch / "x", false);
        const bool good = folder && file && folder->add("a", as_bytes("half"));
        ::_exit(good ? 0 : 1);  // no destructor runs, as after a kill
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    const Names left = scratch.names();
    ASSERT_EQ(left.size(), 2U);
    for (const std::string& name : left)
        EXPECT_TRUE(name.starts_with(".writing-")) << name;
    {
        auto other = NewFile::create(scratch / "x", false);  // a living writer's stay
        ASSERT_TRUE(other);
        auto folder = NewFolder::create(scratch / "f", false, ours);
        auto file = NewFile::create(scratch / "x", false);
        ASSERT_TRUE(folder);
        ASSERT_TRUE(file);
        EXPECT_EQ(scratch.names().size(), 3U);
    }
    EXPECT_TRUE(scratch.names().empty());
}

TEST(Export, StopsWhenAskedAndLeavesNothing) {
    for (const Format format : {Format::kSafetensors, Format::kGguf}) {
        const Scratch scratch;
        ExportOptions options;
        options.format = format;
        std::stop_source stop;
        std::uint64_t calls = 0;
        Monitor monitor;
        monitor.stop = stop.get_token();
        monitor.progress = [&](std::uint64_t done, std::uint64_t total) {
            EXPECT_LE(done, total);
            if (++calls == 3) stop.request_stop();
        };
        const auto written =
            export_checkpoint(*small_source(), vocabulary(), options, scratch / "out", monitor);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().code, Errc::kInterrupted);
        EXPECT_EQ(calls, 3U);
        EXPECT_TRUE(scratch.names().empty());
    }
}

}  // namespace
}  // namespace covenant::model_files
