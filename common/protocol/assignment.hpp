// Which token windows a miner trains on (R5): disjoint between miners and rounds of an epoch,
// computable by anyone, unpredictable before the round's beacon.
//
// The data set's N windows are walked in epochs. Position p of the walk is window pi_e(p mod N), e
// = p / N, where pi_e is a 4-round Feistel permutation of [0, N) keyed by (run, e), cycle walking
// (R5.1). A round with A active miners takes the next A*H*B positions. Which of them a miner gets
// is a second Feistel permutation of [0, A*H*B) keyed by rho_r (R5.2), so the set is known early
// and its owner and order are not.
#pragma once

#include "common/protocol/ids.hpp"
#include "common/protocol/run_spec.hpp"

#include <string_view>
#include <vector>

namespace covenant::protocol {

// A keyed permutation of [0, size), size >= 1.
class FeistelPermutation {
  public:
    FeistelPermutation(const Hash256& key, std::uint64_t size);
    [[nodiscard]] std::uint64_t operator()(std::uint64_t index) const;  // index < size

  private:
    [[nodiscard]] std::uint64_t encrypt(std::uint64_t value) const;
    Hash256 key_;
    std::uint64_t size_;
    unsigned half_bits_;
};

struct AssignmentInput {
    RunId run;
    Round round;
    Hash256 rho;
    std::uint64_t base = 0;           // positions consumed by earlier rounds
    std::uint32_t active_miners = 0;  // A
    std::uint32_t rank = 0;           // of this miner among the active ones, by ascending uid
    std::uint64_t step_base = 0;      // inner steps of the accepted rounds before this one (R5.7)
};

// Windows of inner steps [first_step, first_step + steps), windows_per_step each, in training
// order.
std::vector<WindowIndex> assigned_windows(const RunSpec& spec, const AssignmentInput& input,
                                          std::uint32_t first_step, std::uint32_t steps);

// cursor_s of segment record s: the miner's slot in the round's block before segment s (R5.3).
std::uint64_t segment_cursor(const RunSpec& spec, std::uint32_t rank, Segment segment);

// Held-out windows that validators score on: the first `count` of a Feistel permutation of the
// held-out split keyed by (tag, seed) (R5.4). The monitor's windows use the run id as seed, so they
// never change.
std::vector<WindowIndex> heldout_windows(const RunSpec& spec, std::string_view tag,
                                         const Hash256& seed, std::uint32_t count);

// `count` of the miner's own windows of the round, drawn by seed without replacement, ascending
// slot order.
std::vector<WindowIndex> sample_assigned(const RunSpec& spec, const AssignmentInput& input,
                                         const Hash256& seed, std::uint32_t count);

}  // namespace covenant::protocol
