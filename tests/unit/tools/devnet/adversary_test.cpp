#include "tools/covenant/devnet/adversary.hpp"

#include "tests/support/temp_folder.hpp"

#include <fstream>

#include <gtest/gtest.h>

namespace covenant::devnet {
namespace {

// A folder of programs in which covenant-adversary is a script that answers as the real one.
class AdversaryTest : public ::testing::Test {
  protected:
    void build_adversary() {
        const auto path = folder / "covenant-adversary";
        std::ofstream(path) << "#!/bin/sh\n[ \"$*\" = 'kinds --json' ] || exit 2\n"
                               "echo '{\"data\":[{\"name\":\"first\"},{\"name\":\"second\"}]}'\n";
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    Programs programs() { return {.folder = folder.path(), .repository = {}}; }
    Result<std::string> checked(const std::string& cheat,
                                const std::optional<Record>& kept = std::nullopt) {
        Options options;
        options.cheat = cheat;
        COVENANT_TRY(const Options all, devnet::checked(options, kept, programs(), {}));
        return all.cheat;
    }
    testing::TempFolder folder;
};

TEST_F(AdversaryTest, KnowsTheKindsThatTheProgramLists) {
    build_adversary();
    const auto outcome = [&](const std::string& cheat) {
        const auto known = checked(cheat);
        return known ? *known : known.error().context;
    };
    EXPECT_EQ(outcome("second"), "second");
    EXPECT_EQ(outcome("second@bob"), "second@bob");
    EXPECT_EQ(outcome(""), "first");
    EXPECT_EQ(outcome("@bob"), "first@bob");
    for (const auto& [cheat, words] : {std::pair{"third@bob", "first, second"}, {"@zoe", "zoe"}}) {
        const auto refused = checked(cheat);
        ASSERT_FALSE(refused) << cheat;
        EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
        EXPECT_NE(refused.error().context.find(words), std::string::npos);
    }
}

TEST_F(AdversaryTest, OnlyAMinerThatCheatsRunsIt) {
    build_adversary();
    const auto runs = [&](protocol::Role role, const char* cheat) {
        return std::filesystem::path(program_of({"x", role, cheat}, programs()).value()).filename();
    };
    EXPECT_EQ(runs(protocol::Role::kMiner, "first"), "covenant-adversary");
    EXPECT_EQ(runs(protocol::Role::kMiner, "none"), "covenant-miner");
    EXPECT_EQ(runs(protocol::Role::kValidator, "none"), "covenant-validator");
}

TEST_F(AdversaryTest, AnInstallationHasNoneAndGoesWithoutACheat) {
    EXPECT_EQ(checked("none").value(), "none");
    EXPECT_TRUE(program_of({"alice", protocol::Role::kMiner, "none"}, programs()));
    EXPECT_FALSE(program_of({"mallory", protocol::Role::kMiner, "first"}, programs()));
    for (const char* cheat : {"", "first"}) {
        const auto missing = checked(cheat);
        ASSERT_FALSE(missing);
        EXPECT_EQ(missing.error().code, Errc::kPrecondition);
        EXPECT_NE(missing.error().context.find("tools/devnet builds it"), std::string::npos);
        EXPECT_NE(missing.error().context.find("--cheat none"), std::string::npos);
    }
}

TEST_F(AdversaryTest, AKeptDevnetNeedsItOnlyWhereItHasACheat) {
    Record kept;
    kept.participants = {{"alice", protocol::Role::kMiner, "none"},
                         {"vera", protocol::Role::kValidator, "none"}};
    EXPECT_TRUE(checked("", kept));
    EXPECT_FALSE(checked("first", kept)) << "what is asked for is looked at";
    kept.participants.push_back({"mallory", protocol::Role::kMiner, "first"});
    const auto missing = checked("", kept);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::kPrecondition);
    EXPECT_EQ(missing.error().context.find("--cheat none"), std::string::npos)
        << "it would not help";
    build_adversary();
    EXPECT_TRUE(checked("", kept));
}

}  // namespace
}  // namespace covenant::devnet
