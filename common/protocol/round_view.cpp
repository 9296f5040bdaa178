#include "common/protocol/round_view.hpp"

#include "common/protocol/model_shape.hpp"

#include <algorithm>

namespace covenant::protocol {
namespace {

bool among(std::span<const ValidatorStake> validators, Uid uid) {
    return std::any_of(validators.begin(), validators.end(),
                       [&](const ValidatorStake& one) { return one.uid == uid; });
}

std::vector<MinerView> miner_views(const RunState& state, const RoundView& view) {
    std::vector<MinerView> out;
    const Amount bond = state.spec->emission.miner_bond;
    for (const Uid uid : state.roster.active_miners(view.times.snapshot, bond)) {
        MinerView miner{.uid = uid,
                        .hotkey = state.roster.find(uid)->hotkey,
                        .rank = static_cast<std::uint32_t>(out.size()),
                        .continuity = continuity(state, view.round, uid),
                        .commitment = std::nullopt,
                        .key = std::nullopt};
        if (const RecordedCommitment* one = view.commitment(uid)) miner.commitment = *one;
        if (const auto key = view.keys.find(uid); key != view.keys.end()) miner.key = key->second;
        out.push_back(std::move(miner));
    }
    return out;
}

std::map<Uid, AuditDuty> drawn_duties(const RunSpec& spec, const RoundView& view) {
    std::map<Uid, AuditDuty> out;
    if (!view.sigma) return out;
    const auto chunks = static_cast<std::uint32_t>(chunk_count(spec.model));
    for (const auto& [uid, one] : view.commitments) {
        if (!view.keys.contains(uid)) continue;
        auto duty = audit_duty(spec, *view.sigma, one.signed_commitment.commitment.root, uid,
                               view.electorate, chunks);
        if (duty) out.emplace(uid, std::move(*duty));
    }
    return out;
}

}  // namespace

const MinerView* RoundView::miner(Uid uid) const {
    const auto found = std::find_if(miners.begin(), miners.end(),
                                    [&](const MinerView& view) { return view.uid == uid; });
    return found == miners.end() ? nullptr : &*found;
}

AssignmentInput RoundView::assignment(const MinerView& miner) const {
    return {.run = run,
            .round = round,
            .rho = rho,
            .base = assignment_base,
            .active_miners = static_cast<std::uint32_t>(miners.size()),
            .rank = miner.rank,
            .step_base = step_base};
}

const RecordedCommitment* RoundView::commitment(Uid miner) const {
    const auto found = commitments.find(miner);
    return found == commitments.end() ? nullptr : &found->second;
}

std::vector<Segment> RoundView::drawn(Uid miner) const {
    const auto duty = duties.find(miner);
    return duty == duties.end() ? std::vector<Segment>{} : duty->second.segments;
}

std::vector<FindingBy> RoundView::findings() const {
    std::vector<FindingBy> out;
    for (const auto& [validator, scores] : reveals) {
        for (const Finding& finding : scores.findings) {
            out.push_back({validator, finding});
        }
    }
    return out;
}

std::map<Uid, AuditOutcome> RoundView::audited() const {
    std::map<Uid, AuditOutcome> out;
    for (const FindingBy& one : findings()) {
        AuditOutcome& outcome = out[one.finding.uid];
        if (one.passed()) {
            ++outcome.passes;
        } else {
            ++outcome.fails;
            outcome.failed_segment = one.finding.segment;
            outcome.evidence = one.finding.evidence;
        }
    }
    return out;
}

bool RoundView::has_seat(Uid validator) const {
    return among(seated, validator);
}

bool RoundView::votes(Uid validator) const {
    return among(electorate, validator);
}

bool RoundView::agreed(Uid validator) const {
    const auto vote = parameters_votes.find(validator);
    return vote != parameters_votes.end() &&
           accepted == Accepted{vote->second.root, vote->second.loss_bits};
}

Amount RoundView::credited(Uid uid) const {
    const auto credit = credits.find(uid);
    return credit == credits.end() ? Amount{} : credit->second;
}

std::optional<RoundView> round_view(const RunState& state, Round round) {
    if (!state.spec) return std::nullopt;
    const RunSpec& spec = *state.spec;

    RoundView view;
    if (const RoundRecord* record = state.record(round)) {
        static_cast<RoundRecord&>(view) = *record;
    }
    view.run = state.run;
    view.round = round;
    view.times = round_times(spec.timing, round);
    view.rho = rho(state, round).value_or(Hash256{});
    view.base_root = base_root(state, round);
    view.assignment_base = assignment_base(state, round);
    view.step_base = accepted_rounds(state, round) * spec.inner.steps_per_round;
    view.seated = seated(state, round);
    view.electorate = electorate(state, round);
    view.included = included(state, round);
    view.suspected = suspected(state, round);
    view.aggregated = aggregated(state, round);
    if (const auto beacon = state.beacons.find(beacon_slot_of(round));
        beacon != state.beacons.end()) {
        view.sigma = beacon->second.sigma;
    }
    view.miners = miner_views(state, view);
    view.duties = drawn_duties(spec, view);
    return view;
}

}  // namespace covenant::protocol
