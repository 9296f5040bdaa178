// What a miner's work of one round is worth (R8): a function of that round's artifacts alone, so
// that every validator gives the same row, whatever it audited and however long it has been there.
#pragma once

#include "common/protocol/ids.hpp"
#include "common/protocol/rating.hpp"
#include "common/protocol/run_spec.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace covenant::protocol {

// One miner that committed and showed its key.
struct MinerRound {
    Uid uid;
    std::uint16_t segments = 0;           // committed
    std::optional<double> loss_score;     // held-out; nothing: no artifact that can be scored
    std::optional<Hash256> payload_root;  // nothing: no artifact that shows one
};

struct MinerScore {
    Uid uid;
    double score = 0.0;
};

// Part of a whole round's work that was committed, at most 1 (R8.1).
double work_share(std::uint64_t done, std::uint64_t whole);

// x_i of every miner given, in the order given (R8.2).
std::vector<MinerScore> score_round(const RunSpec& spec, std::span<const MinerRound> miners);

// W_i = floor(65535 x_i / max x), index = uid, size = highest uid + 1 (R8.3); all zero when no
// score is positive.
std::vector<std::uint16_t> weights_from_scores(std::span<const MinerScore> scores);

// LossScore gate (R6.9): true when score >= max(0, 0.25 * median of scores).
std::vector<bool> loss_gate(std::span<const double> heldout_scores);

// ---- the statistic of R8.5, for people; no pay depends on it

// Moves the ratings of the miners that have a LossScore. Needs at least two of them.
void rate_round(std::span<const MinerRound> miners, std::map<Uid, Rating>& ratings);

// Canonical bytes, for the journal.
Bytes encode_ratings(const std::map<Uid, Rating>& ratings);
Outcome<std::map<Uid, Rating>> decode_ratings(ByteView bytes);

}  // namespace covenant::protocol
