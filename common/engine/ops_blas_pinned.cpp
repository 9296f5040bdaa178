// Kernel set "blas-pinned": plain libtorch operations. Equal bits wherever the profile's settings
// and package versions are equal (profile.hpp).
#include "common/engine/ops.hpp"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>

namespace covenant::engine {
namespace {

// x [B, T, heads, D] -> [B, heads, T, D], rotated.
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin) {
    const at::Tensor heads_first = x.transpose(1, 2);
    const std::int64_t half = x.size(3) / 2;
    const at::Tensor low = heads_first.slice(3, 0, half);
    const at::Tensor high = heads_first.slice(3, half);
    return at::cat({low * cos - high * sin, high * cos + low * sin}, 3);
}

class BlasPinnedOps final : public TensorOps {
  public:
    at::Tensor embedding(const at::Tensor& weight, const at::Tensor& tokens) override {
        return at::embedding(weight, tokens);
    }

    at::Tensor linear(const at::Tensor& x, const at::Tensor& weight) override {
        return at::mm(x, weight.t());
    }

    at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& gain, double eps) override {
        const at::Tensor scale = at::rsqrt(at::mean(x * x, {1}, true) + eps);
        return x * scale * gain;
    }

    at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         const at::Tensor& cos, const at::Tensor& sin,
                         const AttentionShape& s) override {
        const std::int64_t group = s.heads / s.kv_heads;
        const std::int64_t batch = s.windows * s.kv_heads;
        const double scale = 1.0 / std::sqrt(static_cast<double>(s.head_dim));
        // The query heads that share a key head become rows of one matrix.
        const at::Tensor queries =
            rotate(q.view({s.windows, s.seq_len, s.heads, s.head_dim}), cos, sin)
                .view({batch, group * s.seq_len, s.head_dim});
        const at::Tensor keys =
            rotate(k.view({s.windows, s.seq_len, s.kv_heads, s.head_dim}), cos, sin)
                .view({batch, s.seq_len, s.head_dim});
        const at::Tensor values = v.view({s.windows, s.seq_len, s.kv_heads, s.head_dim})
                                      .transpose(1, 2)
                                      .reshape({batch, s.seq_len, s.head_dim});
        const at::Tensor scores = at::bmm(queries * scale, keys.transpose(1, 2))
                                      .view({batch * group, s.seq_len, s.seq_len});
        const at::Tensor weights = at::softmax(scores + causal_mask(s.seq_len), 2)
                                       .view({batch, group * s.seq_len, s.seq_len});
        return at::bmm(weights, values)
            .view({s.windows, s.heads, s.seq_len, s.head_dim})
            .transpose(1, 2)
            .reshape({s.windows * s.seq_len, s.heads * s.head_dim});
    }

    at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) override {
        return at::silu(gate) * up;
    }

    at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets) override {
        return at::cross_entropy_loss(logits, targets);
    }

  private:
    // [T, T]: 0 where key <= query, minus infinity above.
    const at::Tensor& causal_mask(std::int64_t seq_len) {
        if (!mask_.defined() || mask_.size(0) != seq_len) {
            mask_ = at::full({seq_len, seq_len}, -std::numeric_limits<double>::infinity(),
                             at::TensorOptions().dtype(at::kFloat))
                        .triu(1);
        }
        return mask_;
    }
    at::Tensor mask_;
};

}  // namespace

std::unique_ptr<TensorOps> make_ops(KernelSet kernels) {
    switch (kernels) {
        case KernelSet::kBlasPinned:
            return std::make_unique<BlasPinnedOps>();
    }
    return nullptr;
}

}  // namespace covenant::engine
