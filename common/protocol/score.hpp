// A miner's score in one round by one validator (R8): x = E * w * A * (0.7 + 0.3 Q) * (0.5 + 0.5
// y).
#pragma once

#include "common/protocol/ids.hpp"
#include "common/protocol/rating.hpp"
#include "common/protocol/run_spec.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace covenant::protocol {

// What a validator remembers of a miner between rounds; canonical bytes below, for the journal.
struct MinerHistory {
    Rating rating;
    std::uint32_t audits_passed = 0;  // since the last fail
    double liveness = 1.0;            // y = EMA_.1(on time and included)
    double own_minus_heldout = 0.0;   // b = EMA_.05(sign(l_own - l_held))
    std::uint32_t rounds = 0;
    bool operator==(const MinerHistory&) const = default;
};
Bytes encode_history(const std::map<Uid, MinerHistory>& histories);
Outcome<std::map<Uid, MinerHistory>> decode_history(ByteView bytes);

struct MinerRound {
    Uid uid;
    bool eligible = false;   // E: screened, included-worthy and no failed audit
    bool committed = false;  // on time
    bool audited = false;
    bool audit_passed = false;
    std::uint64_t tokens = 0;         // verified tokens
    double loss_score_own = 0.0;      // relative improvement on its own windows
    double loss_score_heldout = 0.0;  // and on held-out ones; ranks come from this
};

struct MinerScore {
    Uid uid;
    double score = 0.0;
};

// Updates the histories and returns x_i of every miner given, in the order given.
std::vector<MinerScore> score_round(const RunSpec& spec, std::span<const MinerRound> miners,
                                    std::map<Uid, MinerHistory>& histories);

// W_i = floor(65535 x_i / max x), index = uid, size = highest uid + 1 (R8.4); all zero when no
// score is positive.
std::vector<std::uint16_t> weights_from_scores(std::span<const MinerScore> scores);

// LossScore gate (R6.9): true when score >= max(0, 0.25 * median of scores).
std::vector<bool> loss_gate(std::span<const double> heldout_scores);

}  // namespace covenant::protocol
