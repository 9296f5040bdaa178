// The operations that the model is written in, forward and backward, over plain row-major fp32
// matrices. The model exists once (model.cpp); a profile brings the operations: CanonicalOps (own
// kernels, exact bits) or the native module (libtorch, as fast as it goes).
//
// N = tokens of a micro-batch: whole windows of seq_len tokens, the last one may be shorter; row i
// belongs to position i mod seq_len.
// "+=" in a comment: the result is added to what stands there.
#pragma once

#include "common/engine/model_config.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace covenant::engine {

class Ops {
  public:
    virtual ~Ops() = default;

    // Memory the operations work on, uninitialised; all pointers below come from here. On a GPU
    // it is the device's.
    virtual std::shared_ptr<float[]> allocate(std::size_t floats) = 0;
    virtual void copy_in(const float* host, std::size_t floats, float* to) = 0;
    virtual void copy_out(const float* from, std::size_t floats, float* host) = 0;
    virtual void copy(const float* from, std::size_t floats, float* to) = 0;  // inside its memory
    virtual void set_zero(float* to, std::size_t floats) = 0;
    // True where the operations also accept the host's own memory: nothing is copied then.
    [[nodiscard]] virtual bool host_memory() const = 0;

    // x[N, d] = table[token]
    virtual void embedding(std::span<const std::uint32_t> tokens, const float* table, float* x) = 0;
    // table_gradient[token] += dx, tokens ascending
    virtual void embedding_backward(std::span<const std::uint32_t> tokens, const float* dx,
                                    float* table_gradient) = 0;
    // y[N, d], inv[N]
    virtual void rms_norm(const float* x, const float* gain, std::size_t rows, float* y,
                          float* inv) = 0;
    // dx += , gain_gradient +=
    virtual void rms_norm_backward(const float* dy, const float* x, const float* gain,
                                   const float* inv, std::size_t rows, float* dx,
                                   float* gain_gradient) = 0;
    // y[N, out] (+)= x[N, in] * w[out, in]^T
    virtual void linear(const float* x, const float* w, std::size_t rows, std::size_t in,
                        std::size_t out, bool accumulate, float* y) = 0;
    // dx[N, in] (+)= dy[N, out] * w
    virtual void linear_backward_input(const float* dy, const float* w, std::size_t rows,
                                       std::size_t in, std::size_t out, bool accumulate,
                                       float* dx) = 0;
    // w_gradient[out, in] += dy^T * x
    virtual void linear_backward_weight(const float* dy, const float* x, std::size_t rows,
                                        std::size_t in, std::size_t out, float* w_gradient) = 0;
    // Rotates q[N, heads * D] and k[N, kv_heads * D] in place; inverse for their gradients.
    virtual void rope(float* q, float* k, std::size_t rows, bool inverse) = 0;
    // o[N, heads * D] = causal attention inside each window; q and k are rotated.
    virtual void attention(const float* q, const float* k, const float* v, std::size_t rows,
                           float* o) = 0;
    // Writes dq, dk, dv (of the rotated q and k).
    virtual void attention_backward(const float* q, const float* k, const float* v, const float* o,
                                    const float* d_o, std::size_t rows, float* dq, float* dk,
                                    float* dv) = 0;
    virtual void swiglu(const float* gate, const float* up, std::size_t count, float* out) = 0;
    // Overwrites gate and up with their gradients.
    virtual void swiglu_backward(const float* d_out, std::size_t count, float* gate, float* up) = 0;
    // Head and cross-entropy, in chunks of tokens: never the whole logits. Returns the sum over
    // tokens of nats. With dh not null: dh[N, d] and table_gradient[V, d] += take the gradient of
    // weight * that sum.
    virtual double head_loss(const float* h, const float* table,
                             std::span<const std::uint32_t> targets, float weight, float* dh,
                             float* table_gradient) = 0;
};

}  // namespace covenant::engine
