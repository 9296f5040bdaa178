// The operations the model is written in. A kernel set implements each of them, forward and
// backward (through libtorch's autograd graph); the model itself exists once (model.cpp). Internal
// to the engine: libtorch's types are only declared here.
#pragma once

#include "common/engine/profile.hpp"

#include <cstdint>
#include <memory>

namespace at {
class Tensor;
}

namespace covenant::engine {

// Sizes of one forward pass. N = windows * seq_len tokens.
struct AttentionShape {
    std::int64_t windows = 0;
    std::int64_t seq_len = 0;
    std::int64_t heads = 0;
    std::int64_t kv_heads = 0;
    std::int64_t head_dim = 0;
};

class TensorOps {
  public:
    virtual ~TensorOps() = default;
    // weight [V, d], tokens [N] int64 -> [N, d]
    virtual at::Tensor embedding(const at::Tensor& weight, const at::Tensor& tokens) = 0;
    // x [N, in], weight [out, in] -> [N, out]
    virtual at::Tensor linear(const at::Tensor& x, const at::Tensor& weight) = 0;
    // x [N, d], gain [d] -> x / sqrt(mean(x^2) + eps) * gain
    virtual at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& gain, double eps) = 0;
    // q [N, heads * D], k and v [N, kv_heads * D], cos and sin [T, D / 2] -> [N, heads * D].
    // Rotates q and k (halves i and i + D/2 form a pair, as Hugging Face does), then causal softmax
    // attention; query head h reads key and value head h / (heads / kv_heads).
    virtual at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                 const at::Tensor& cos, const at::Tensor& sin,
                                 const AttentionShape& shape) = 0;
    // gate and up [N, F] -> silu(gate) * up
    virtual at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) = 0;
    // logits [N, V], targets [N] int64 -> mean over N of -log softmax(logits)[target], a scalar
    virtual at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets) = 0;
};

[[nodiscard]] std::unique_ptr<TensorOps> make_ops(KernelSet kernels);

}  // namespace covenant::engine
