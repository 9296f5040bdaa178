#include "tools/view/tables.hpp"

#include "common/base/hex.hpp"
#include "tests/support/sample_run.hpp"
#include "tools/view/round_report.hpp"

namespace covenant::view {
namespace {

using codec::Json;

std::uint64_t number(const Json& json, std::string_view key) {
    const auto value = json.u64(key);
    EXPECT_TRUE(value) << value.error().context;
    return value.value_or(~std::uint64_t{0});
}
std::string text(const Json& json, std::string_view key) {
    const auto value = json.string(key);
    EXPECT_TRUE(value) << value.error().context;
    return value.value_or("");
}
std::vector<Json> items(const Json& json, std::string_view key) {
    const auto value = json.items(key);
    EXPECT_TRUE(value) << value.error().context;
    return value.value_or(std::vector<Json>{});
}

TEST(Scene, shows_rounds_that_have_begun_and_that_were_asked_for) {
    Scene scene = sample::scene();
    EXPECT_EQ(scene.end().value, 2U);  // second 170: round 1 has begun
    scene.folder.rounds = 1;
    EXPECT_EQ(scene.end().value, 1U);
    scene.head->time = protocol::ChainTime(99'999);
    EXPECT_EQ(scene.end().value, 0U);
    scene.head.reset();
    EXPECT_EQ(scene.end().value, 0U);
}

TEST(Status, tells_round_phase_and_what_is_left) {
    Scene scene = sample::scene();
    const Json json = status_json(scene);
    EXPECT_EQ(number(json, "round"), 1U);
    EXPECT_EQ(text(json, "phase"), "parameters");  // second 170 is T2 of round 1
    EXPECT_EQ(number(json, "seconds_left"), 30U);
    EXPECT_EQ(text(json, "base_root"), to_0x(vectors::filled_hash(0xd0)));
    EXPECT_DOUBLE_EQ(json.number("heldout_loss").value(), 4.5);
    EXPECT_EQ(number(json, "miners"), 2U);
    EXPECT_EQ(number(json, "validators"), 1U);
}

TEST(Status, counts_down_every_phase) {
    Scene scene = sample::scene();
    struct Case {
        std::uint64_t time;
        std::uint64_t left;
    };
    // Before the start, then T1 at +40, the beacon at +45, T2 at +70, T3 at +100.
    for (const Case& one : {Case{99'990, 10}, Case{100'000, 40}, Case{100'041, 4},
                            Case{100'050, 20}, Case{100'070, 30}, Case{100'199, 1}}) {
        scene.head->time = protocol::ChainTime(one.time);
        EXPECT_EQ(number(status_json(scene), "seconds_left"), one.left) << one.time;
    }
}

TEST(Status, says_nothing_of_a_run_that_is_not_there) {
    Scene scene;
    scene.chain_id = 5;
    const Json json = status_json(scene);
    EXPECT_TRUE(json.at("head")->is_null());
    EXPECT_TRUE(json.at("round")->is_null());
}

TEST(Run, is_told_in_words) {
    const Json json = run_json(sample::scene());
    EXPECT_EQ(text(json, "name"), "sample run");
    EXPECT_EQ(text(json, "miner_stake_needed"), "10");
    const Json work = json.at("per_round").value();
    EXPECT_EQ(number(work, "segments"), 6U);
    EXPECT_EQ(number(work, "tokens"), 12U * 3 * 8);
    EXPECT_EQ(number(work, "artifact_bytes_at_most"), artifact_bytes_bound(sample::spec()));
    EXPECT_GT(artifact_bytes_bound(sample::spec()), 0U);
}

TEST(Neurons, carry_stake_weight_and_emission) {
    const auto rows = neurons_json(sample::scene()).as_items().value();
    ASSERT_EQ(rows.size(), 3U);
    EXPECT_EQ(text(rows[0], "name"), "alice");
    EXPECT_EQ(text(rows[0], "stake"), "10");
    EXPECT_EQ(number(rows[0], "weight"), 65535U);
    EXPECT_EQ(text(rows[0], "credited"), "60");
    EXPECT_EQ(text(rows[0], "claimed"), "60");
    EXPECT_EQ(text(rows[0], "claimable"), "0");
    EXPECT_EQ(number(rows[1], "fails"), 1U);
    EXPECT_EQ(text(rows[1], "credited"), "0");
    EXPECT_EQ(text(rows[2], "role"), "validator");
    EXPECT_EQ(text(rows[2], "claimable"), "30");
}

TEST(HotkeyRounds, follow_a_miner) {
    const auto rows = hotkey_rounds_json(sample::scene(), sample::kMallory).as_items().value();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(number(rows[0], "committed_at"), 100'010U);
    EXPECT_EQ(number(rows[0], "bytes"), 1200U);
    EXPECT_DOUBLE_EQ(rows[0].number("compression_ratio").value(),
                     view::compression_ratio(sample::spec(), 1200));
    EXPECT_TRUE(rows[0].boolean("included").value());
    EXPECT_EQ(items(rows[0], "drawn").size(), 2U);
    EXPECT_EQ(number(rows[0], "fails"), 1U);
    EXPECT_EQ(number(rows[0], "failed_segment"), 2U);
    EXPECT_EQ(number(rows[0], "weight"), 0U);
    EXPECT_TRUE(rows[0].boolean("settled").value());
    EXPECT_TRUE(rows[1].at("committed_at")->is_null());
    EXPECT_FALSE(rows[1].boolean("settled").value());
}

TEST(NotCounted, every_list_says_why) {
    const Scene scene = sample::scene();
    const auto mallory = [&](std::uint64_t round) {
        return not_counted_text(protocol::not_counted(scene.round(protocol::Round(round)),
                                                      sample::kMallory, scene.now()));
    };
    EXPECT_EQ(mallory(0), "failed");
    EXPECT_EQ(mallory(1), "late_commit");
    const auto alice = hotkey_rounds_json(scene, sample::kAlice).as_items().value();
    EXPECT_EQ(alice[0].items("not_counted")->size(), 0U);
    EXPECT_EQ(text(alice[1].items("not_counted")->at(0), "reason"), "late_commit");
    const auto vera = hotkey_rounds_json(scene, sample::kVera).as_items().value();
    EXPECT_EQ(vera[0].items("not_counted")->size(), 0U);
    EXPECT_EQ(text(vera[1].items("not_counted")->at(0), "ballot"), "inclusion");
    const Json round = round_json(scene.state, scene.round(protocol::Round(0)), scene.now());
    const auto list = round.items("not_counted").value();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(number(list[0], "uid"), sample::kMallory.value);
    EXPECT_EQ(text(list[0], "reason"), "failed");
    EXPECT_TRUE(list[0].at("ballot")->is_null());
}

TEST(HotkeyRounds, follow_a_validator) {
    const Scene scene = sample::scene();
    const auto rows = hotkey_rounds_json(scene, sample::kVera).as_items().value();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_TRUE(rows[0].boolean("agreed").value());
    EXPECT_TRUE(rows[0].boolean("revealed").value());
    EXPECT_EQ(text(rows[0], "credited"), "30");
    EXPECT_FALSE(rows[0].has("committed_at"));
    EXPECT_FALSE(rows[1].boolean("voted_inclusion").value());
}

TEST(Audits, are_filtered_by_round_and_miner) {
    const Scene scene = sample::scene();
    EXPECT_EQ(audit_rows(scene, {}).size(), 2U);
    EXPECT_EQ(audit_rows(scene, {protocol::Round(1), {}}).size(), 0U);
    const auto rows = audit_rows(scene, {{}, sample::kMallory});
    ASSERT_EQ(rows.size(), 1U);
    const Json json = audit_json(scene, rows[0]);
    EXPECT_EQ(text(json, "verdict"), "fail");
    EXPECT_EQ(number(json, "segment"), 2U);
    EXPECT_EQ(text(json, "name"), "mallory");
    EXPECT_EQ(text(json, "validator_name"), "vera");
    EXPECT_EQ(text(json, "evidence"), to_0x(vectors::filled_hash(0xee)));
    const Json pass = audit_json(scene, audit_rows(scene, {{}, sample::kAlice}).at(0));
    EXPECT_TRUE(pass.at("segment")->is_null());
    EXPECT_TRUE(pass.at("evidence")->is_null());
}

TEST(Scores, list_votes_reveals_and_failures) {
    const Scene scene = sample::scene();
    const Json json = scores_json(scene, scene.round(protocol::Round(0)));
    const auto reveals = items(json, "reveals");
    ASSERT_EQ(reveals.size(), 1U);
    const auto weights = items(reveals[0], "weights");
    ASSERT_EQ(weights.size(), 1U);  // zeros are left out
    EXPECT_EQ(number(weights[0], "uid"), 0U);
    EXPECT_EQ(items(json, "score_commitments").size(), 1U);
    EXPECT_EQ(number(items(json, "failed").at(0), "uid"), 1U);
    EXPECT_TRUE(json.boolean("settled").value());
    const Json open = scores_json(scene, scene.round(protocol::Round(1)));
    EXPECT_TRUE(items(open, "reveals").empty());
    EXPECT_FALSE(open.boolean("settled").value());
}

TEST(Emission, sums_what_the_rounds_credited) {
    const Scene scene = sample::scene();
    const std::vector settlements{*scene.round(protocol::Round(0)).settled};
    const Json json = emission_json(scene, settlements);
    EXPECT_EQ(items(json, "rounds").size(), 1U);
    const Json total = json.at("total").value();
    EXPECT_EQ(text(total, "miners"), "60");
    EXPECT_EQ(text(total, "validators"), "30");
    EXPECT_EQ(text(total, "treasury"), "10");
    EXPECT_EQ(text(items(json, "hotkeys").at(2), "claimable"), "30");
}

}  // namespace
}  // namespace covenant::view
