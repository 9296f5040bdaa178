// Whose votes count in a round, how many are enough, and who has lost its vote by silence (R3.5,
// R3.6, R3.8, R3.9). Everything is measured against the stake that is there at the round's
// snapshot, never against the stake that spoke.
#pragma once

#include "common/protocol/run_state.hpp"

#include <span>
#include <vector>

namespace covenant::protocol {

// Duties are judged over this many rounds that count (R3.8).
inline constexpr std::size_t kJudgedRounds = 8;
inline constexpr std::size_t kMissesToJail = 6;

// Validators with a seat at the round's snapshot, and those of them that are not jailed; ascending
// uid (R3.5).
std::vector<ValidatorStake> seated(const RunState& state, Round round);
std::vector<ValidatorStake> electorate(const RunState& state, Round round);
Uint128 total_stake(std::span<const ValidatorStake> validators);
// Two thirds of max(the electorate's stake, three quarters of all seated stake) (R3.6): below half
// of the seated stake nothing is ever decided, however many sit in jail.
bool is_quorum(Uint128 agreeing, Uint128 electorate, Uint128 seated);
// Miners whose key was shown and for whom a quorum voted; final from T2 on (R3.6).
UidSet included(const RunState& state, Round round);
// Miners that more than half of the electorate's stake suspects, at most an eighth of those that
// committed (but one always): most suspected first, then by uid. Drawn with certainty (R7.1).
UidSet suspected(const RunState& state, Round round);
// A round that counts for a validator's duties: something was committed and opened, and its beacon
// was proven (R3.8).
bool is_countable(const RunState& state, Round round);
// Of the last kJudgedRounds countable rounds whose reveals have closed at `now`, how many duties
// the validator missed while it was in the electorate (R3.8).
std::size_t missed_rounds(const RunState& state, Uid validator, ChainTime now);
}  // namespace covenant::protocol
