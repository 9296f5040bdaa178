#include "tools/covenant/devnet/lateness.hpp"

#include "common/base/bytes.hpp"
#include "common/base/durable_file.hpp"
#include "common/node/lifecycle.hpp"
#include "tests/support/sample_run.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

namespace covenant::devnet {
namespace {

using protocol::Round;
using testing::TempFolder;

Record record() {
    Record out;
    out.participants = {{"alice", protocol::Role::kMiner, "none"},
                        {"mallory", protocol::Role::kMiner, "half-batch"},
                        {"vera", protocol::Role::kValidator, "none"}};
    out.uids = {{"alice", sample::kAlice}, {"mallory", sample::kMallory}, {"vera", sample::kVera}};
    return out;
}

TEST(LateMiners, AreTheHonestOnesWithoutACommitment) {
    const auto state = sample::scene().state;
    EXPECT_TRUE(late_miners(record(), state, Round(0)).empty());
    EXPECT_EQ(late_miners(record(), state, Round(1)), std::vector<std::string>{"alice"})
        << "nobody committed in round 1, and of a cheat nothing is expected";
}

TEST(LateVoters, AreNamedWhereARoundHasNoResult) {
    auto state = sample::scene().state;
    EXPECT_TRUE(late_voters(record(), state, Round(0)).empty()) << "it was accepted";
    EXPECT_TRUE(late_voters(record(), state, Round(1)).empty()) << "nobody committed";
    protocol::RoundRecord& null = state.rounds[Round(0)];
    null.accepted.reset();
    null.parameters_votes.erase(sample::kVera);
    EXPECT_EQ(late_voters(record(), state, Round(0)), std::vector<std::string>{"vera"});
    null.inclusion_votes.erase(sample::kVera);
    EXPECT_EQ(late_voters(record(), state, Round(0)), std::vector<std::string>{"vera"});
}

TEST(LateDuties, SayWhoDidNotVoteAndWhyAndHowManyAuditsAreMissing) {
    const TempFolder folder;
    const Layout layout{folder.path()};
    std::filesystem::create_directories(layout.logs());
    ASSERT_TRUE(write_file_durably(layout.logs() / "vera.log",
                                   as_bytes("2026-01-01T00:00:00Z WARN  round  late  round=0\n"),
                                   {.overwrite = Overwrite::kYes}));
    auto state = sample::scene().state;
    EXPECT_TRUE(late_duties(record(), layout, state, Round(0)).empty());
    protocol::RoundRecord& null = state.rounds[Round(0)];
    null.accepted.reset();
    null.inclusion_votes.clear();
    null.reveals.clear();
    EXPECT_EQ(late_duties(record(), layout, state, Round(0)),
              (std::vector<std::string>{
                  "round 0 has no result: no vote in time of vera; vera: round  late  round=0",
                  "round 0: 0 of 2 audits were done in time"}));
    state.beacons.erase(protocol::beacon_slot_of(Round(0)));
    EXPECT_EQ(late_duties(record(), layout, state, Round(0)),
              (std::vector<std::string>{"round 0 has no beacon: no validator proved it in time; "
                                        "vera: round  late  round=0"}));
}

TEST(Audits, AreOwedByEveryValidatorAboutEveryCommitment) {
    auto state = sample::scene().state;
    Audits count = audits(record(), state, Round(0));
    EXPECT_EQ(count.owed, 2U);
    EXPECT_EQ(count.done, 2U);
    state.rounds[Round(0)].reveals.at(sample::kVera).findings.pop_back();
    count = audits(record(), state, Round(0));
    EXPECT_EQ(count.owed, 2U);
    EXPECT_EQ(count.done, 1U);
    EXPECT_EQ(audits(record(), state, Round(1)).owed, 0U) << "nothing was committed";
}

TEST(Longer, GrowsByHalfAndNotForEver) {
    EXPECT_DOUBLE_EQ(longer(1.0, 1), 1.5);
    EXPECT_DOUBLE_EQ(longer(1.5, 1), 2.25);
    EXPECT_DOUBLE_EQ(longer(1.0, 2), 3.0) << "a chain whose clock went at half speed";
    EXPECT_DOUBLE_EQ(longer(30.0, 1), kMaxDeadlineFactor);
}

TEST(BlockSeconds, StretchTheDeadlinesThatStandOnTheChain) {
    Record one = record();
    EXPECT_EQ(block_seconds(one), 1U);
    one.next_factor = 1.5;
    EXPECT_EQ(block_seconds(one), 2U);
    one.deadline_factor = 1.5;
    EXPECT_EQ(block_seconds(one), 1U) << "the run was planned that way";
    one.next_factor = longer(1.5, 2);
    EXPECT_EQ(block_seconds(one), 3U);
}

TEST(Record, KeepsTheFactorsAndReadsFoldersWithoutThem) {
    Record one = record();
    one.deadline_factor = 1.5;
    one.next_factor = 2.25;
    const auto again = parse_record(to_json(one));
    ASSERT_TRUE(again) << again.error().context;
    EXPECT_EQ(again->deadline_factor, 1.5);
    EXPECT_EQ(again->next_factor, 2.25);

    codec::Json older = codec::Json::object();
    const codec::Json json = to_json(one);
    const auto keys = json.as_keys();
    ASSERT_TRUE(keys) << keys.error().context;
    for (const std::string& key : *keys) {
        if (key != "deadline_factor" && key != "next_factor") {
            older.set(key, *json.at(key));
        }
    }
    const auto before = parse_record(older);
    ASSERT_TRUE(before) << before.error().context;
    EXPECT_EQ(before->next_factor, 1.0);

    for (const double wrong : {0.0, -1.0, 1e9}) {
        codec::Json bad = to_json(one);
        EXPECT_FALSE(parse_record(bad.set("next_factor", wrong))) << wrong;
    }
}

TEST(LastWarning, IsOfThatRoundAndWithoutItsTime) {
    const TempFolder folder;
    const auto log = folder / "alice.log";
    EXPECT_EQ(last_warning(log, Round(1)), "");
    ASSERT_TRUE(write_file_durably(
        log,
        as_bytes("2026-01-01T00:00:00Z WARN  round  older  round=1\n"
                 "2026-01-01T00:00:01Z WARN  round  missed: training took 11.2 s  round=1 late=2\n"
                 "2026-01-01T00:00:02Z WARN  round  another  round=11\n"
                 "2026-01-01T00:00:03Z INFO  round  commitment sent  round=1\n"),
        {.overwrite = Overwrite::kYes}));
    EXPECT_EQ(last_warning(log, Round(1)), "round  missed: training took 11.2 s  round=1 late=2");
    EXPECT_EQ(last_warning(log, Round(11)), "round  another  round=11");
    EXPECT_EQ(last_warning(log, Round(2)), "");
}

}  // namespace
}  // namespace covenant::devnet
