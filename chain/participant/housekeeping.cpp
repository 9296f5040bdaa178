#include "chain/participant/housekeeping.hpp"

#include "common/node/journal.hpp"
#include "common/protocol/transition.hpp"
#include "common/store/state_store.hpp"

#include <algorithm>

namespace covenant::participant {
namespace {

// Far beyond any reorganisation, and long after a round's settlement.
constexpr std::uint64_t kKeepJournalRounds = 256;
constexpr std::string_view kRoundPrefix = "round";

}  // namespace

std::string stage_key(protocol::Round round, std::string_view stage) {
    return node::journal_key(kRoundPrefix, round.value, stage);
}

Status prune_states(store::StateStore& states, const protocol::RunState& state,
                    protocol::Round round, std::set<Hash256> keep) {
    for (std::uint64_t back = 0; back <= std::min(round.value, kKeepRounds); ++back) {
        keep.insert(protocol::base_root(state, protocol::Round(round.value - back)));
    }
    const std::vector<Hash256> roots(keep.begin(), keep.end());
    return states.retain(roots);
}

Status prune_journal(node::Journal& journal, protocol::Round round) {
    if (round.value < kKeepJournalRounds) {
        return {};
    }
    for (const std::string_view prefix : {kRoundPrefix, kHistoryPrefix}) {
        COVENANT_TRY(const std::uint64_t rows,
                     journal.prune_before(
                         prefix, node::journal_key(prefix, round.value - kKeepJournalRounds)));
        static_cast<void>(rows);
    }
    return {};
}

}  // namespace covenant::participant
