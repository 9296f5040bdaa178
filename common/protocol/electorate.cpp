#include "common/protocol/electorate.hpp"

#include <algorithm>
#include <utility>

namespace covenant::protocol {
namespace {

// Stake of the voters that named the uid in one of their vote's sets.
Uint128 stake_for(const RoundRecord& record, std::span<const ValidatorStake> voters, Uid uid,
                  UidSet InclusionVoted::*set) {
    Uint128 out = 0;
    for (const ValidatorStake& voter : voters) {
        const auto vote = record.inclusion_votes.find(voter.uid);
        if (vote != record.inclusion_votes.end() && (vote->second.*set)[uid.value]) {
            out += voter.stake.units;
        }
    }
    return out;
}

// Its vote on inclusion, its ballot, or its vote on parameters where there were any to vote on.
bool missed_a_duty(const RunState& state, Round round, Uid validator) {
    const std::vector<ValidatorStake> voters = electorate(state, round);
    if (std::none_of(voters.begin(), voters.end(),
                     [&](const ValidatorStake& one) { return one.uid == validator; })) {
        return false;
    }
    const RoundRecord& record = state.rounds.at(round);
    if (!record.inclusion_votes.contains(validator) || !record.reveals.contains(validator)) {
        return true;
    }
    return !record.parameters_votes.contains(validator) && included(state, round).any();
}

}  // namespace

std::vector<ValidatorStake> seated(const RunState& state, Round round) {
    if (!state.spec) return {};
    return state.roster.seated(snapshot_time(state.spec->timing, round),
                               state.spec->emission.validator_stake);
}

std::vector<ValidatorStake> electorate(const RunState& state, Round round) {
    std::vector<ValidatorStake> out = seated(state, round);
    if (out.empty()) return out;
    const ChainTime snapshot = snapshot_time(state.spec->timing, round);
    std::erase_if(out, [&](const ValidatorStake& one) {
        const auto record = state.jail.find(one.uid);
        return record != state.jail.end() && record->second.jailed_at(snapshot);
    });
    return out;
}

Uint128 total_stake(std::span<const ValidatorStake> validators) {
    Uint128 total = 0;
    for (const ValidatorStake& one : validators)
        total += one.stake.units;
    return total;
}

bool is_quorum(Uint128 agreeing, Uint128 electorate, Uint128 seated) {
    return agreeing > 0 && agreeing * 6 >= std::max(electorate * 4, seated * 3);
}

UidSet included(const RunState& state, Round round) {
    UidSet out;
    const RoundRecord* record = state.record(round);
    if (record == nullptr) return out;
    const std::vector<ValidatorStake> voters = electorate(state, round);
    const Uint128 stake = total_stake(voters);
    const Uint128 all = total_stake(seated(state, round));
    for (const auto& [uid, key] : record->keys) {
        out.set(uid.value,
                is_quorum(stake_for(*record, voters, uid, &InclusionVoted::uids), stake, all));
    }
    return out;
}

UidSet suspected(const RunState& state, Round round) {
    const RoundRecord* record = state.record(round);
    if (record == nullptr) return {};
    const std::vector<ValidatorStake> voters = electorate(state, round);
    const Uint128 half = total_stake(voters) / 2;
    std::vector<std::pair<Uint128, Uid>> most;
    for (const auto& [uid, key] : record->keys) {
        const Uint128 stake = stake_for(*record, voters, uid, &InclusionVoted::suspects);
        if (stake > half) most.emplace_back(stake, uid);
    }
    std::sort(most.begin(), most.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    most.resize(std::min(most.size(), std::max<std::size_t>(record->commitments.size() / 8, 1)));
    UidSet out;
    for (const auto& [stake, uid] : most)
        out.set(uid.value);
    return out;
}

bool is_countable(const RunState& state, Round round) {
    const RoundRecord* record = state.record(round);
    return record != nullptr && !record->keys.empty() &&
           state.beacons.contains(beacon_slot_of(round));
}

std::size_t missed_rounds(const RunState& state, Uid validator, ChainTime now) {
    if (!state.spec) return 0;
    // What led to an earlier jailing is paid for.
    const auto held = state.jail.find(validator);
    const ChainTime since = held == state.jail.end() || held->second.changes.empty()
                                ? ChainTime(0)
                                : held->second.changes.back().since;
    std::size_t seen = 0;
    std::size_t missed = 0;
    for (auto it = state.rounds.rbegin(); it != state.rounds.rend() && seen < kJudgedRounds; ++it) {
        const Round round = (*it).first;
        if (now < round_times(state.spec->timing, round).score_reveal ||
            !is_countable(state, round)) {
            continue;
        }
        if (snapshot_time(state.spec->timing, round) < since) break;
        ++seen;
        if (missed_a_duty(state, round, validator)) ++missed;
    }
    return missed;
}

}  // namespace covenant::protocol
