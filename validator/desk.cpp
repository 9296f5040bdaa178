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

// Whose key was shown has an entry: who cannot be read by now is unavailable.
Collected as_it_stands(const Collected& collected, const protocol::RoundView& view) {
    static const auto unavailable = std::make_shared<const store::FetchedArtifact>(
        store::FetchedArtifact{Verdict::kUnavailable, {}, 0});
    Collected out = collected;
    for (const protocol::MinerView& miner : view.miners) {
        if (miner.key) {
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

bool anybody_opened(const protocol::RoundView& view) {
    return std::ranges::any_of(view.miners,
                               [](const auto& miner) { return miner.key.has_value(); });
}

bool has_a_say(const Desk& desk, const protocol::RoundView& view) {
    return view.votes(desk.node.seat().uid);
}

std::uint64_t turn_seconds(const Desk& desk, std::span<const protocol::ValidatorStake> electorate,
                           std::uint64_t window_seconds) {
    std::vector<protocol::ValidatorStake> order(electorate.begin(), electorate.end());
    std::ranges::sort(order, [](const auto& a, const auto& b) {
        return a.stake != b.stake ? a.stake > b.stake : a.uid < b.uid;
    });
    const auto mine =
        std::ranges::find(order, desk.node.seat().uid, &protocol::ValidatorStake::uid);
    const auto before = static_cast<std::uint64_t>(mine - order.begin());
    return std::min(before * participant::kTurnSeconds, window_seconds / 4);
}

namespace {

// The bytes that the miner committed to. Null while they are not here; what cannot be them is
// judged at once.
Result<std::shared_ptr<const Bytes>> keep_downloading(const Desk& desk, RoundWork& work,
                                                      const RoundMoment& at,
                                                      const protocol::MinerView& miner) {
    const protocol::Commitment& commitment = miner.commitment->signed_commitment.commitment;
    const auto here = work.ciphertexts.find(commitment.ciphertext_hash);
    if (here != work.ciphertexts.end()) {
        return here->second;
    }
    auto& download = work.downloads[commitment.ciphertext_hash];
    if (!download.started()) {
        download.start(desk.background, "fetch from uid " + std::to_string(miner.uid.value),
                       Lane::kTransfer, at->view.times.t2, [&node = desk.node, commitment] {
                           return store::fetch_ciphertext(node.artifacts().store, commitment,
                                                          node.seat().spec,
                                                          node.seat().chunk_elements);
                       });
    }
    if (!download.done()) {
        return std::shared_ptr<const Bytes>{};
    }
    COVENANT_TRY(auto fetched, download.take());
    if (!fetched) {
        work.collected[miner.uid] = std::make_shared<const store::FetchedArtifact>(
            store::FetchedArtifact{fetched.error(), {}, 0});
        return std::shared_ptr<const Bytes>{};
    }
    auto& bytes = work.ciphertexts[commitment.ciphertext_hash];
    bytes = std::make_shared<const Bytes>(std::move(*fetched));
    return bytes;
}

}  // namespace

Result<bool> keep_collecting(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    bool complete = true;
    for (const protocol::MinerView& miner : at->view.miners) {
        if (!miner.commitment || !is_missing(work.collected, miner.uid)) {
            continue;
        }
        COVENANT_TRY(const auto bytes, keep_downloading(desk, work, at, miner));
        auto& opening = work.openings[miner.uid];
        if (bytes && miner.key && !opening.started()) {
            opening.start(desk.background, "open uid " + std::to_string(miner.uid.value),
                          Lane::kTransfer, at->view.times.t2,
                          [&node = desk.node, at, uid = miner.uid, bytes] {
                              return collect(node.seat(), node.artifacts(), at->view.round,
                                             *at->view.miner(uid), *bytes);
                          });
        }
        if (opening.started() && opening.done()) {
            COVENANT_TRY(auto fetched, opening.take());
            work.collected[miner.uid] =
                std::make_shared<const store::FetchedArtifact>(std::move(fetched));
            const auto& commitment = miner.commitment->signed_commitment.commitment;
            work.ciphertexts.erase(commitment.ciphertext_hash);
        }
        complete = complete && (!miner.key || !is_missing(work.collected, miner.uid));
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
