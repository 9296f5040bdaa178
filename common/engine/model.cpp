#include "common/engine/model.hpp"

#include "common/base/assert.hpp"
#include "common/engine/tensor_offsets.hpp"

#include <algorithm>

namespace covenant::engine {
namespace {

using Floats = std::shared_ptr<float[]>;

struct Batch {
    std::vector<std::uint32_t> inputs;   // [N]
    std::vector<std::uint32_t> targets;  // [N]
};

Batch make_batch(std::span<const std::uint32_t> tokens, std::size_t seq_len) {
    const std::size_t windows = tokens.size() / (seq_len + 1);
    COVENANT_ASSERT(windows * (seq_len + 1) == tokens.size(), "whole windows");
    Batch batch;
    batch.inputs.reserve(windows * seq_len);
    batch.targets.reserve(windows * seq_len);
    for (std::size_t w = 0; w < windows; ++w) {
        const auto window = tokens.subspan(w * (seq_len + 1), seq_len + 1);
        batch.inputs.insert(batch.inputs.end(), window.begin(), window.end() - 1);
        batch.targets.insert(batch.targets.end(), window.begin() + 1, window.end());
    }
    return batch;
}

// What the backward pass needs of a layer; [N, .] each.
struct Saved {
    Floats x, norm1;  // the residual stream entering, 1 / rms of its rows
    Floats q, k, v;   // q and k rotated
    Floats o;         // attention's output
    Floats mid, norm2;
    Floats gate, up;
};

}  // namespace

struct Model::Impl {
    Impl(const ParameterLayout& layout, Ops& the_ops)
        : config(layout.config()), ops(the_ops), at(layout) {
        d = config.d_model;
        kv = std::size_t{config.kv_heads} * config.head_dim();
        ff = config.d_ff;
    }

    // Makes room for rows tokens; a forward pass alone needs one layer's memory.
    void reserve(std::size_t rows, std::size_t layers) {
        if (rows <= reserved_rows && layers <= saved.size()) return;
        rows = std::max(rows, reserved_rows);
        layers = std::max(layers, saved.size());
        saved.clear();
        for (std::size_t i = 0; i < layers; ++i) {
            saved.push_back({.x = ops.allocate(rows * d),
                             .norm1 = ops.allocate(rows),
                             .q = ops.allocate(rows * d),
                             .k = ops.allocate(rows * kv),
                             .v = ops.allocate(rows * kv),
                             .o = ops.allocate(rows * d),
                             .mid = ops.allocate(rows * d),
                             .norm2 = ops.allocate(rows),
                             .gate = ops.allocate(rows * ff),
                             .up = ops.allocate(rows * ff)});
        }
        for (Floats* one : {&out, &h, &dx, &dh})
            *one = ops.allocate(rows * d);
        out_norm = ops.allocate(rows);
        wide = ops.allocate(rows * std::max(ff, d));
        dq = ops.allocate(rows * d);
        dk = ops.allocate(rows * kv);
        dv = ops.allocate(rows * kv);
        reserved_rows = rows;
    }

    // theta where the operations can read it.
    const float* parameters(std::span<const float> theta) {
        if (ops.host_memory()) return theta.data();
        if (theta_copy == nullptr) theta_copy = ops.allocate(theta.size());
        ops.copy_in(theta.data(), theta.size(), theta_copy.get());
        return theta_copy.get();
    }

    // Leaves the final residual stream in out, its norm's output in h. keep: every layer's
    // activations stay for backward().
    void forward(const float* p, std::span<const std::uint32_t> inputs, bool keep) {
        const std::size_t n = inputs.size();
        reserve(n, keep ? config.layers : 1);
        ops.embedding(inputs, p + at.embedding, saved[0].x.get());
        for (std::size_t i = 0; i < config.layers; ++i) {
            const Saved& s = saved[keep ? i : 0];
            const LayerOffsets& w = at.layers[i];
            ops.rms_norm(s.x.get(), p + w.norm1, n, h.get(), s.norm1.get());
            ops.linear(h.get(), p + w.q, n, d, d, false, s.q.get());
            ops.linear(h.get(), p + w.k, n, d, kv, false, s.k.get());
            ops.linear(h.get(), p + w.v, n, d, kv, false, s.v.get());
            ops.rope(s.q.get(), s.k.get(), n, false);
            ops.attention(s.q.get(), s.k.get(), s.v.get(), n, s.o.get());
            ops.copy(s.x.get(), n * d, s.mid.get());
            ops.linear(s.o.get(), p + w.o, n, d, d, true, s.mid.get());
            ops.rms_norm(s.mid.get(), p + w.norm2, n, h.get(), s.norm2.get());
            ops.linear(h.get(), p + w.gate, n, d, ff, false, s.gate.get());
            ops.linear(h.get(), p + w.up, n, d, ff, false, s.up.get());
            ops.swiglu(s.gate.get(), s.up.get(), n * ff, wide.get());
            float* const next = keep && i + 1 < config.layers ? saved[i + 1].x.get()
                                : i + 1 < config.layers       ? saved[0].x.get()
                                                              : out.get();
            ops.copy(s.mid.get(), n * d, next);
            ops.linear(wide.get(), p + w.down, n, ff, d, true, next);
        }
        ops.rms_norm(out.get(), p + at.norm, n, h.get(), out_norm.get());
    }

    // dx holds the gradient of the layer's output and becomes that of its input.
    void layer_backward(const float* p, const Saved& s, const LayerOffsets& w, std::size_t n,
                        float* g) {
        float* const gate = s.gate.get();
        float* const up = s.up.get();
        ops.swiglu(gate, up, n * ff, wide.get());
        ops.linear_backward_weight(dx.get(), wide.get(), n, ff, d, g + w.down);
        ops.linear_backward_input(dx.get(), p + w.down, n, ff, d, false, wide.get());
        ops.swiglu_backward(wide.get(), n * ff, gate, up);
        ops.rms_norm(s.mid.get(), p + w.norm2, n, h.get(), s.norm2.get());
        ops.linear_backward_weight(gate, h.get(), n, d, ff, g + w.gate);
        ops.linear_backward_weight(up, h.get(), n, d, ff, g + w.up);
        ops.linear_backward_input(gate, p + w.gate, n, d, ff, false, dh.get());
        ops.linear_backward_input(up, p + w.up, n, d, ff, true, dh.get());
        ops.rms_norm_backward(dh.get(), s.mid.get(), p + w.norm2, s.norm2.get(), n, dx.get(),
                              g + w.norm2);

        float* const d_o = wide.get();
        ops.linear_backward_weight(dx.get(), s.o.get(), n, d, d, g + w.o);
        ops.linear_backward_input(dx.get(), p + w.o, n, d, d, false, d_o);
        ops.attention_backward(s.q.get(), s.k.get(), s.v.get(), s.o.get(), d_o, n, dq.get(),
                               dk.get(), dv.get());
        ops.rope(dq.get(), dk.get(), n, true);
        ops.rms_norm(s.x.get(), p + w.norm1, n, h.get(), s.norm1.get());
        ops.linear_backward_weight(dq.get(), h.get(), n, d, d, g + w.q);
        ops.linear_backward_weight(dk.get(), h.get(), n, d, kv, g + w.k);
        ops.linear_backward_weight(dv.get(), h.get(), n, d, kv, g + w.v);
        ops.linear_backward_input(dq.get(), p + w.q, n, d, d, false, dh.get());
        ops.linear_backward_input(dk.get(), p + w.k, n, d, kv, true, dh.get());
        ops.linear_backward_input(dv.get(), p + w.v, n, d, kv, true, dh.get());
        ops.rms_norm_backward(dh.get(), s.x.get(), p + w.norm1, s.norm1.get(), n, dx.get(),
                              g + w.norm1);
    }

    double forward_backward(const float* p, const Batch& batch, float weight, float* g) {
        const std::size_t n = batch.inputs.size();
        forward(p, batch.inputs, true);
        const double nats =
            ops.head_loss(h.get(), p + at.head, batch.targets, weight, dh.get(), g + at.head);
        ops.set_zero(dx.get(), n * d);
        ops.rms_norm_backward(dh.get(), out.get(), p + at.norm, out_norm.get(), n, dx.get(),
                              g + at.norm);
        for (std::size_t i = config.layers; i-- > 0;)
            layer_backward(p, saved[i], at.layers[i], n, g);
        ops.embedding_backward(batch.inputs, dx.get(), g + at.embedding);
        return nats;
    }

    ModelConfig config;
    Ops& ops;
    std::size_t d = 0, kv = 0, ff = 0;
    TensorOffsets at;

    std::size_t reserved_rows = 0;
    std::vector<Saved> saved;
    Floats out, out_norm;  // the residual stream after the last layer
    Floats h;              // output of the norm at hand
    Floats wide;           // [N, max(ff, d)]
    Floats dx, dh, dq, dk, dv;
    Floats theta_copy, gradient_copy;
};

Model::Model(const ParameterLayout& layout, Ops& ops)
    : impl_(std::make_unique<Impl>(layout, ops)) {}
Model::~Model() = default;

double Model::loss(std::span<const float> theta, std::span<const std::uint32_t> tokens) {
    const Batch batch = make_batch(tokens, impl_->config.seq_len);
    const float* const p = impl_->parameters(theta);
    impl_->forward(p, batch.inputs, false);
    return impl_->ops.head_loss(impl_->h.get(), p + impl_->at.head, batch.targets, 0.0F, nullptr,
                                nullptr);
}

double Model::loss_and_gradient(std::span<const float> theta, std::span<const std::uint32_t> tokens,
                                float weight, std::span<float> gradient) {
    const Batch batch = make_batch(tokens, impl_->config.seq_len);
    const float* const p = impl_->parameters(theta);
    if (impl_->ops.host_memory()) {
        return impl_->forward_backward(p, batch, weight, gradient.data());
    }
    Floats& copy = impl_->gradient_copy;
    if (copy == nullptr) copy = impl_->ops.allocate(gradient.size());
    impl_->ops.copy_in(gradient.data(), gradient.size(), copy.get());
    const double nats = impl_->forward_backward(p, batch, weight, copy.get());
    impl_->ops.copy_out(copy.get(), gradient.size(), gradient.data());
    return nats;
}

std::vector<float> Model::next_logits(std::span<const float> theta,
                                      std::span<const std::uint32_t> tokens) {
    COVENANT_ASSERT(!tokens.empty() && tokens.size() <= impl_->config.seq_len,
                    "one window at most");
    const float* const p = impl_->parameters(theta);
    const std::size_t vocab = impl_->config.vocab_size;
    impl_->forward(p, tokens, false);
    const Floats logits = impl_->ops.allocate(vocab);
    impl_->ops.linear(impl_->h.get() + (tokens.size() - 1) * impl_->d, p + impl_->at.head, 1,
                      impl_->d, vocab, false, logits.get());
    std::vector<float> result(vocab);
    impl_->ops.copy_out(logits.get(), vocab, result.data());
    return result;
}

}  // namespace covenant::engine
