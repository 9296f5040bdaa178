#include "validator/desk.hpp"

#include "chain/participant/housekeeping.hpp"
#include "common/base/log.hpp"
#include "common/node/journal.hpp"
#include "common/protocol/schedule.hpp"
#include "validator/round_work.hpp"

#include <algorithm>

namespace covenant::validator {

using participant::Lane;
using protocol::Uid;
using protocol::Verdict;

namespace {

bool is_missing(const Collected& collected, Uid uid) {
    const auto known = collected.find(uid);
    return known == collected.end() || known->second->verdict == Verdict::kUnavailable;
}

// Whoever committed has an entry: who cannot be read by now is unavailable.
Collected as_it_stands(const Collected& collected, const protocol::RoundView& view) {
    static const auto unavailable = std::make_shared<const store::FetchedArtifact>(
        store::FetchedArtifact{Verdict::kUnavailable, {}, 0});
    Collected out = collected;
    for (const protocol::MinerView& miner : view.miners) {
        if (miner.commitment) {
            out.try_emplace(miner.uid, unavailable);
        }
    }
    return out;
}

}  // namespace

std::shared_ptr<RoundWork> make_round_work() {
    return std::make_shared<RoundWork>();
}

protocol::ChainTime end_of_flight(const Desk& desk, protocol::Round round) {
    const protocol::Round after(round.value + kRoundsInFlight + 1);
    return protocol::round_times(desk.node.seat().spec.timing, after).t0;
}

bool anybody_committed(const protocol::RoundView& view) {
    return std::ranges::any_of(view.miners,
                               [](const auto& miner) { return miner.commitment.has_value(); });
}

bool has_a_say(const Desk& desk, const protocol::RoundView& view) {
    return std::ranges::binary_search(view.staked_validators, desk.node.seat().uid);
}

std::uint64_t turn_seconds(const Desk& desk, std::span<const protocol::ValidatorStake> electorate) {
    const auto mine =
        std::ranges::find(electorate, desk.node.seat().uid, &protocol::ValidatorStake::uid);
    return static_cast<std::uint64_t>(mine - electorate.begin()) * participant::kTurnSeconds;
}

Result<bool> keep_collecting(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    bool complete = true;
    for (const protocol::MinerView& miner : at->view.miners) {
        if (!miner.commitment || !is_missing(work.collected, miner.uid)) {
            continue;
        }
        auto& fetch = work.fetches[miner.uid];
        if (!fetch.started()) {
            fetch.start(desk.background, "fetch from uid " + std::to_string(miner.uid.value),
                        Lane::kTransfer, at->view.times.t2,
                        [&node = desk.node, at, uid = miner.uid] {
                            return collect(node.seat(), node.artifacts(), at->view.round,
                                           *at->view.miner(uid));
                        });
        }
        if (fetch.done()) {
            COVENANT_TRY(auto fetched, fetch.take());
            work.collected[miner.uid] =
                std::make_shared<const store::FetchedArtifact>(std::move(fetched));
        }
        complete = complete && !is_missing(work.collected, miner.uid);
    }
    return complete;
}

Result<const std::vector<Screened>*> keep_screening(const Desk& desk, RoundWork& work,
                                                    const RoundMoment& at) {
    if (work.screened) {
        return &*work.screened;
    }
    node::Journal& journal = desk.node.journal();
    const std::string row = participant::stage_key(at->view.round, "screen");
    if (!work.screening.started()) {
        COVENANT_TRY(const auto journalled, journal.get(row));
        if (journalled) {
            COVENANT_TRY(work.screened, decode_screened(*journalled));
            return &*work.screened;
        }
        work.screening.start(
            desk.background, "screen round " + std::to_string(at->view.round.value), Lane::kVote,
            at->view.times.t2,
            [&node = desk.node, at, collected = as_it_stands(work.collected, at->view)] {
                return screen(node.seat(), node.artifacts(), node.training(), *at->state, at->view,
                              collected);
            });
    }
    if (!work.screening.done()) {
        return nullptr;
    }
    auto screened = work.screening.take();
    if (!screened) {
        COVENANT_TRY(const auto said, abstain(work, at->view.round, std::move(screened).error()));
        static_cast<void>(said);
        return nullptr;
    }
    COVENANT_CHECK(journal.put(row, encode_screened(*screened)));
    work.screened = std::move(*screened);
    return &*work.screened;
}

participant::Step abstain(RoundWork& work, protocol::Round round, Error error) {
    if (!error.retryable && error.code != Errc::kMismatch) {
        return fail(std::move(error));
    }
    if (!work.abstains) {
        work.abstains = error.context;
        log::warn("round", "abstaining: " + *work.abstains, {{"round", round.value}});
    }
    return participant::waits();
}

}  // namespace covenant::validator
