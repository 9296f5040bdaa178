// Folding as the chain grows, and going back after a reorganisation, against a fold from the first
// event.
#include "chain/state_fold.hpp"

#include "common/base/counter_rng.hpp"

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

using namespace protocol;

// One registration or stake a block; `branch` tells what was registered apart.
Event event_at(std::uint64_t block, std::uint8_t branch) {
    Event out;
    out.block = BlockNumber(block);
    out.time = ChainTime(block);
    const Uid uid(static_cast<std::uint16_t>(block % 8));
    if (block < 8) {
        out.body = HotkeyRegistered{uid, {}, Address{{branch}}, Role::kMiner, {}};
    } else {
        out.body = StakeChanged{uid, Amount{block * 256 + branch}};
    }
    return out;
}

std::vector<Event> pages(const std::vector<Event>& chain, Index::Position from,
                         std::uint64_t limit) {
    std::vector<Event> out;
    for (const Event& event : chain) {
        const bool after = event.block.value > from.block ||
                           (event.block.value == from.block && event.index >= from.next_log);
        if (after && out.size() < limit) out.push_back(event);
    }
    return out;
}

TEST(StateFold, AfterAnyReorganisationTheStateIsThatOfTheBranch) {
    const CounterRng rng(5);
    std::vector<Event> chain;
    StateFold fold({}, kRecentRounds);
    const auto read = [&](Index::Position from, std::uint64_t limit) {
        return Result<std::vector<Event>>(pages(chain, from, limit));
    };
    for (std::uint32_t round = 0; round < 60; ++round) {
        const auto draw = rng.block(round);
        const std::uint64_t depth =
            std::min<std::uint64_t>(chain.size(), draw[0] % 5 == 0 ? draw[1] % 400 : draw[1] % 3);
        const std::uint64_t fork = chain.size() - depth;  // blocks are 1, 2, ..
        chain.resize(fork);
        if (depth > 0) fold.rewind(BlockNumber(fork));
        for (std::uint32_t i = 0; i < 1 + draw[2] % 40; ++i) {
            chain.push_back(event_at(chain.size() + 1, static_cast<std::uint8_t>(round)));
        }
        ASSERT_TRUE(fold.catch_up(read));
        RunState whole;
        for (const Event& event : chain)
            apply(whole, event);
        ASSERT_EQ(fold.state().roster, whole.roster) << round;
        ASSERT_EQ(fold.events(), chain.size());
    }
}

TEST(StateFold, ReadsNothingTwiceWhileTheChainGrows) {
    std::vector<Event> chain;
    StateFold fold({}, kRecentRounds);
    std::size_t given = 0;
    for (std::uint64_t block = 1; block <= 300; ++block) {
        chain.push_back(event_at(block, 1));
        const auto news = fold.catch_up([&](Index::Position from, std::uint64_t limit) {
            auto some = pages(chain, from, limit);
            given += some.size();
            return Result<std::vector<Event>>(std::move(some));
        });
        ASSERT_TRUE(news && *news);
    }
    EXPECT_EQ(given, chain.size());
    // A shallow reorganisation reads what came since the last copy of the state, not the whole
    // chain.
    fold.rewind(BlockNumber(298));
    EXPECT_GE(fold.next().block, 298U - 64U);
}

}  // namespace
}  // namespace covenant::chain
