// The outer step: median-norm clip, half-support averaging, no outer momentum. Pure IEEE arithmetic
// in the order written here, so that every node gets the same next parameters, bit for bit.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/compressor.hpp"
#include "common/engine/parameter_buffer.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::engine {

// p in W_j^p * W^(1-p): how far a coordinate that few peers sent is averaged over those few only.
enum class SupportExponent : std::uint8_t { kZero = 0, kHalf = 1, kOne = 2 };

struct OuterHyper {
    double alpha = 1.0;  // outer learning rate, finite, > 0
    SupportExponent support = SupportExponent::kHalf;
    std::uint64_t full_segments = 0;  // S: segments of a full round, > 0
};

struct Contribution {
    std::uint16_t uid = 0;
    std::uint64_t segments = 0;            // of the commitment; > 0
    const SparseUpdate* update = nullptr;  // lives on, has passed check_update
};

struct ContributionOutcome {
    std::uint16_t uid = 0;
    double norm = 0.0;     // nu_i
    double clip = 0.0;     // c_i in (0, 1]; 0 when dropped
    bool dropped = false;  // nu_i < 0.1 nu*, or nu_i = 0
};

struct AggregateReport {
    double median_norm =
        0.0;  // nu*: the smallest nu with 2 * (segments of contributions <= nu) >= all segments
    std::vector<ContributionOutcome> contributions;  // in the given order
};

// theta becomes the next parameters. With w_i = double(tokens_i) / double(full_segments), W = sum
// of w_i over those not dropped, g_i = w_i * c_i, all fp64 and in the given order (ascending uid):
//   N_j = sum g_i * double(s_ij),  W_j = sum w_i over peers that sent j
//   D_j = W (p = 0), sqrt(W_j * W) (p = 1/2), W_j (p = 1)
//   theta_j = float(double(theta_j) - alpha * (N_j / D_j))       coordinates that nobody sent stay
// Nothing left after dropping (or no contribution): theta stays.
// Chunks are shared out to the pool's threads; a chunk's sums are one thread's, so that their
// number changes no bit. Takes time by the values sent, not by peers times parameters.
// kInvalidArgument: uids not strictly ascending, sizes, segments or hyper out of range (theta
// untouched). kRejected: a parameter became NaN or infinite.
Result<AggregateReport> aggregate(const ParameterLayout& layout, const OuterHyper& hyper,
                                  std::span<const Contribution> contributions,
                                  ParameterBuffer& theta, ThreadPool* pool = nullptr);

}  // namespace covenant::engine
