#include "tools/view/text.hpp"

#include "tests/support/sample_run.hpp"

#include <fmt/format.h>

namespace covenant::view {
namespace {

constexpr std::size_t kColumns = 80;

std::size_t columns_of(std::string_view line) {
    return static_cast<std::size_t>(std::ranges::count_if(
        line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void expect_fits(std::string_view text) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        EXPECT_LE(columns_of(line), kColumns) << line;
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
}
void expect_fits(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        expect_fits(line);
    }
}

// As large as a run gets: every uid taken, each miner in the round and failed, names longer than a
// column, rounds, amounts and losses of many digits.
Scene large_scene(protocol::Round last) {
    Scene scene = sample::scene();
    protocol::RunState& state = scene.state;
    state.spec->name = std::string(64, 'n');
    state.run = vectors::filled_hash(0xff);
    scene.chain_id = ~std::uint64_t{0};
    scene.head->number = protocol::BlockNumber(~std::uint64_t{0});
    scene.head->time = protocol::round_times(state.spec->timing, last).t2;
    scene.folder.names.clear();
    scene.folder.rounds.reset();
    protocol::RoundRecord& record = state.rounds[last];
    record.accepted = protocol::Accepted{vectors::filled_hash(0xaa), vectors::bits_of(10.3972F)};
    record.settled = protocol::RoundSettled{};
    for (std::uint16_t i = 0; i < protocol::kMaxUids; ++i) {
        const sample::Uid uid(i);
        const bool mines = i % 4 != 0;
        scene.folder.names[fmt::format("a-hotkey-with-quite-a-long-name-{}", i)] = uid;
        state.roster.neurons[uid] = {
            .uid = uid,
            .coldkey = {},
            .hotkey = {},
            .role = mines ? protocol::Role::kMiner : protocol::Role::kValidator,
            .network_key = {},
            .registered_at = {},
            .stake = {{{}, sample::tokens(10'000'000)}}};
        record.credits[uid] = sample::tokens(3'906'249);
        if (mines) {
            auto& one = record.commitments[uid].signed_commitment.commitment;
            one = sample::commitment(uid, 9'876'543'210).commitment.commitment;
            record.keys[uid] = {};
            record.failed[uid] = {};
        } else {
            record.inclusion_votes[uid].uids.set();
        }
    }
    auto& reveal = record.reveals[sample::Uid(0)];
    reveal.stake = sample::tokens(1);
    reveal.weights.assign(protocol::kMaxUids, 65535);
    for (const auto& [uid, one] : record.commitments) {
        reveal.findings.push_back({uid, protocol::kFindingFail, protocol::Segment(65535), {}});
    }
    return scene;
}

TEST(Text, StatusAndRoundsFitIntoEightyColumns) {
    for (const std::uint64_t last : {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{99'999}}) {
        SCOPED_TRACE(last);
        const Scene scene = large_scene(protocol::Round(last));
        const protocol::RoundView round = scene.round(protocol::Round(last));
        ASSERT_EQ(round.included.count(), round.commitments.size());
        expect_fits(status_lines(scene));
        expect_fits(round_lines(round));
        expect_fits(round_table(scene, round).render(kColumns));
        expect_fits(neurons_table(scene).render(kColumns));
        if (last < 10) {
            expect_fits(rounds_table(scene).render(kColumns));
        }
    }
}

// Only who failed and what was not counted, which may be many, is cut.
TEST(Text, ASmallRunsNumbersAreWholeInEightyColumns) {
    const std::string rounds = rounds_table(sample::scene()).render(kColumns);
    expect_fits(rounds);
    for (const char* cell : {"4.5000", " 2/2", "90.00", "0xd0d0…d0d0", "settled"}) {
        EXPECT_NE(rounds.find(cell), std::string::npos) << cell << " in\n" << rounds;
    }
    const std::string neurons = neurons_table(sample::scene()).render(kColumns);
    EXPECT_EQ(neurons, neurons_table(sample::scene()).render(0)) << "nothing is cut";
    expect_fits(neurons);
}

}  // namespace
}  // namespace covenant::view
