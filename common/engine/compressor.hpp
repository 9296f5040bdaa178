// SparseLoCo compression: error feedback, top-k per chunk of 4096, sign + 1 bit. Every operation is
// IEEE basic arithmetic in a written order, so anyone recomputes a chunk exactly from its inputs.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/parameter_buffer.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace covenant::engine {

inline constexpr std::uint8_t kCodeNegative = 0b10;  // the value is minus its level
inline constexpr std::uint8_t kCodeHigh = 0b01;      // the level is `high`, else `low`

// The kept values of one chunk.
struct SparseChunk {
    std::vector<std::uint16_t> indices;  // ascending, < live floats of the chunk
    std::vector<std::uint8_t> codes;     // one per index
    float low = 0.0F;                    // low <= high, both levels (common/base/level.hpp)
    float high = 0.0F;

    [[nodiscard]] float value(std::size_t at) const {
        const float level = (codes[at] & kCodeHigh) != 0 ? high : low;
        return (codes[at] & kCodeNegative) != 0 ? -level : level;
    }
    bool operator==(const SparseChunk&) const = default;
};

struct CompressHyper {
    float beta = 0.95F;      // decay of the error feedback
    std::uint32_t keep = 0;  // k of 4096, 1..4096
};

// Values kept of a chunk with `live` parameters: max(1, floor((keep * live + 2048) / 4096)).
[[nodiscard]] std::uint32_t keep_count(std::uint32_t keep, std::uint32_t live);

// a[i] = beta * e[i] + (start[i] - end[i]), fp32, three rounded operations. Sizes are equal.
void accumulate(float beta, std::span<const float> error, std::span<const float> start,
                std::span<const float> end, std::span<float> a);

// Selects the `count` largest of a[0, live) by (bits of |a| descending, index ascending) and
// quantises:
//   t    = float(sum |a_j| / count)                       over the selected, fp64, ascending index
//   high = nearest level of float(mean of |a_j| with |a_j| > t), low = that of the rest's mean
// No value above t (all equal, or all zero), or one level nearest to both: high = low and no code
// has kCodeHigh. The sign bit of a_j is kept, so a zero selected from an empty chunk decodes to a
// zero. kRejected: a NaN or infinity in a[0, live).
// kInvalidArgument: sizes (a has 4096 floats, 1 <= count <= live).
Result<SparseChunk> compress_chunk(std::span<const float> a, std::uint32_t live,
                                   std::uint32_t count);

// residual[i] = a[i] - s[i] (s is 0 where nothing was sent; such a[i] is copied). Sizes are 4096.
void subtract_decoded(const SparseChunk& chunk, std::span<const float> a,
                      std::span<float> residual);
// out = s, zero where nothing was sent.
void decode_chunk(const SparseChunk& chunk, std::span<float> out);

// |s|_2 in fp64: per chunk (n_low * (low * low)) + (n_high * (high * high)), chunks added in order,
// sqrt last.
[[nodiscard]] double decoded_norm(std::span<const SparseChunk> chunks);

struct Compressed {
    std::vector<SparseChunk> chunks;  // one per chunk of the layout
    ParameterBuffer accumulated;      // a
    ParameterBuffer residual;         // a - s
    double norm = 0.0;                // decoded_norm(chunks)
};

// The whole update of a round. start = Theta_r, end = theta_S, error = e before the round.
// kInvalidArgument: sizes or hyper; kRejected: NaN or infinity (names the tensor).
Result<Compressed> compress(const ParameterLayout& layout, const CompressHyper& hyper,
                            const ParameterBuffer& start, const ParameterBuffer& end,
                            const ParameterBuffer& error);

// kMalformed, naming the chunk: the chunks are not what compress() could have written for this
// layout and keep (count of chunks, values per chunk, ascending indices below live, codes < 4,
// levels low <= high).
Status check_chunks(const ParameterLayout& layout, std::uint32_t keep,
                    std::span<const SparseChunk> chunks);

// theta[j] -= scale * s[j], fp32 (LossScore's probe). The chunks fit the layout of theta.
void subtract_scaled(ParameterBuffer& theta, std::span<const SparseChunk> chunks, float scale);

}  // namespace covenant::engine
