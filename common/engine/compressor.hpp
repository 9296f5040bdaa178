// SparseLoCo compression: error feedback, top-k per chunk of 4096, sign and level. Every operation
// is IEEE basic arithmetic in a written order, so anyone recomputes a chunk exactly from its
// inputs.
#pragma once

#include "common/base/result.hpp"
#include "common/base/sparse_update.hpp"
#include "common/base/thread_pool.hpp"
#include "common/engine/parameter_buffer.hpp"

#include <cstdint>
#include <span>

namespace covenant::engine {

struct CompressHyper {
    float beta = 0.95F;  // decay of the error feedback, 0..1
    Sparsity sparsity;
};

// a[i] = beta * e[i] + (start[i] - end[i]), fp32, three rounded operations. Sizes are equal.
void accumulate(float beta, std::span<const float> error, std::span<const float> start,
                std::span<const float> end, std::span<float> a);

// Selects the kept values of a[0, live) by (bits of |a| descending, index ascending) and quantises.
// The selected magnitudes are split in two, code_bits - 1 times: each part at its mean, into those
// at most the mean and those above it. A mean is float(sum / count), the sum in fp64 by ascending
// index; a part without values has the mean of the part that it was split from. The levels are the
// ones nearest to the means of the parts; of parts with one level the lowest is used. The sign bit
// of a_j is kept, so a zero selected from an empty chunk decodes to a zero.
// kRejected: a NaN or infinity in a[0, live). kInvalidArgument: sizes (a has 4096 floats,
// 1 <= live <= 4096) or sparsity.
Result<SparseChunk> compress_chunk(std::span<const float> a, std::uint32_t live,
                                   const Sparsity& sparsity);

// a[j] -= s[j] where something was sent. The indices lie inside a.
void subtract_sent(const SparseView& chunk, std::span<float> a);
// out = s, zero where nothing was sent.
void decode_chunk(const SparseView& chunk, std::span<float> out);

// |s|_2 in fp64: per chunk the sum over its levels, ascending, of n * (level * level), n the values
// of that level; chunks added in order, sqrt last.
[[nodiscard]] double decoded_norm(const SparseUpdate& update, ThreadPool* pool = nullptr);

struct Compressed {
    SparseUpdate update;  // a chunk per chunk of the layout
    double norm = 0.0;    // decoded_norm(update)
};

// The whole update of a round. start = Theta_r, end = theta_S. `feedback` holds the last round's a,
// from which `arrived` (nullptr: nothing) is subtracted to give e; it becomes this round's a. One
// pass in place, because moving memory is most of the work. Chunks are shared out to the pool's
// threads. kInvalidArgument: sizes or hyper (feedback untouched).
// kRejected: NaN or infinity (names the tensor; feedback is then of no use).
Result<Compressed> compress(const ParameterLayout& layout, const CompressHyper& hyper,
                            const ParameterBuffer& start, const ParameterBuffer& end,
                            ParameterBuffer& feedback, ThreadPool* pool = nullptr,
                            const SparseUpdate* arrived = nullptr);

// Computes from a again what compress() sent of it; a stays as it is. Errors as compress().
Result<SparseUpdate> sent_of(const ParameterLayout& layout, const Sparsity& sparsity,
                             ParameterBuffer& a, ThreadPool* pool = nullptr);
// a -= what was sent.
void subtract_sent(const SparseUpdate& update, ParameterBuffer& a, ThreadPool* pool = nullptr);

// kMalformed, naming the chunk: the update is not what compress() could have written for this
// layout and sparsity (count of chunks and values, indices that ascend below live, levels that
// ascend, codes of levels that there are).
Status check_update(const ParameterLayout& layout, const Sparsity& sparsity,
                    const SparseUpdate& update);

// theta[j] -= scale * s[j], fp32 (LossScore's probe). The update fits the layout of theta.
void subtract_scaled(ParameterBuffer& theta, const SparseUpdate& update, float scale);

}  // namespace covenant::engine
