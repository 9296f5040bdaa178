#include "common/engine/model.hpp"

#include "common/base/assert.hpp"
#include "common/engine/rope_table.hpp"

#include <vector>

#include <ATen/ATen.h>

namespace covenant::engine {
namespace {

at::Tensor view_of(const float* data, at::IntArrayRef shape) {
    // libtorch has no constant tensors; nothing below writes through the views of theta.
    return at::from_blob(const_cast<float*>(data), shape, at::TensorOptions().dtype(at::kFloat));
}

struct Batch {
    at::Tensor inputs;   // [N] int64
    at::Tensor targets;  // [N] int64
    std::int64_t windows = 0;
};

Batch make_batch(std::span<const std::uint32_t> tokens, std::int64_t seq_len) {
    const auto length = static_cast<std::size_t>(seq_len);
    const std::size_t windows = tokens.size() / (length + 1);
    COVENANT_ASSERT(windows * (length + 1) == tokens.size(), "whole windows");
    const auto count = static_cast<std::int64_t>(windows * length);
    Batch batch{.inputs = at::empty({count}, at::kLong),
                .targets = at::empty({count}, at::kLong),
                .windows = static_cast<std::int64_t>(windows)};
    auto* input = batch.inputs.data_ptr<std::int64_t>();
    auto* target = batch.targets.data_ptr<std::int64_t>();
    for (std::size_t w = 0; w < windows; ++w) {
        const std::span<const std::uint32_t> window = tokens.subspan(w * (length + 1), length + 1);
        for (std::size_t t = 0; t < length; ++t) {
            *input++ = window[t];
            *target++ = window[t + 1];
        }
    }
    return batch;
}

}  // namespace

struct Model::Impl {
    Impl(const ParameterLayout& parameter_layout, KernelSet kernels)
        : layout(parameter_layout),
          config(layout.config()),
          ops(make_ops(kernels)),
          table(rope_table(config.seq_len, config.head_dim(), config.rope_theta)) {
        const std::int64_t rows = table.seq_len;
        const std::int64_t half = table.half;
        cos = view_of(table.cos.data(), {rows, half});
        sin = view_of(table.sin.data(), {rows, half});
    }

    // One view per tensor, in model order.
    std::vector<at::Tensor> views(const float* base, bool needs_gradient) const {
        std::vector<at::Tensor> out;
        for (const TensorSlot& slot : layout.tensors()) {
            const std::int64_t rows = slot.rows;
            const std::int64_t cols = slot.cols;
            at::Tensor view = slot.is_norm ? view_of(base + slot.offset, {cols})
                                           : view_of(base + slot.offset, {rows, cols});
            if (needs_gradient) view.requires_grad_();
            out.push_back(std::move(view));
        }
        return out;
    }

    at::Tensor forward(const std::vector<at::Tensor>& parameters, const Batch& batch) {
        const double eps = static_cast<double>(config.norm_eps);
        const AttentionShape shape{.windows = batch.windows,
                                   .seq_len = config.seq_len,
                                   .heads = config.heads,
                                   .kv_heads = config.kv_heads,
                                   .head_dim = config.head_dim()};
        std::size_t at = 0;
        const auto next = [&]() -> const at::Tensor& { return parameters[at++]; };
        at::Tensor x = ops->embedding(next(), batch.inputs);  // [N, d]
        for (std::uint32_t layer = 0; layer < config.layers; ++layer) {
            const at::Tensor h = ops->rms_norm(x, next(), eps);
            const at::Tensor q = ops->linear(h, next());
            const at::Tensor k = ops->linear(h, next());
            const at::Tensor v = ops->linear(h, next());
            x = x + ops->linear(ops->attention(q, k, v, cos, sin, shape), next());
            const at::Tensor g = ops->rms_norm(x, next(), eps);
            const at::Tensor gate = ops->linear(g, next());
            const at::Tensor up = ops->linear(g, next());
            x = x + ops->linear(ops->swiglu(gate, up), next());
        }
        x = ops->rms_norm(x, next(), eps);
        const at::Tensor logits = ops->linear(x, next());  // [N, V]
        COVENANT_ASSERT(at == parameters.size(), "every tensor of the layout is used once");
        return ops->cross_entropy(logits, batch.targets);
    }

    ParameterLayout layout;
    ModelConfig config;
    std::unique_ptr<TensorOps> ops;
    RopeTable table;
    at::Tensor cos, sin;  // [T, D / 2], views of table
};

Model::Model(const ParameterLayout& layout, KernelSet kernels)
    : impl_(std::make_unique<Impl>(layout, kernels)) {}
Model::~Model() = default;

float Model::loss(std::span<const float> theta, std::span<const std::uint32_t> tokens) {
    const at::NoGradGuard no_grad;
    const Batch batch = make_batch(tokens, impl_->config.seq_len);
    return impl_->forward(impl_->views(theta.data(), false), batch).item<float>();
}

float Model::loss_and_gradient(std::span<const float> theta, std::span<const std::uint32_t> tokens,
                               float weight, std::span<float> gradient) {
    const Batch batch = make_batch(tokens, impl_->config.seq_len);
    const std::vector<at::Tensor> parameters = impl_->views(theta.data(), true);
    const std::vector<at::Tensor> gradients = impl_->views(gradient.data(), false);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        parameters[i].mutable_grad() = gradients[i];  // backward() adds in place
    }
    const at::Tensor loss = impl_->forward(parameters, batch);
    (weight == 1.0F ? loss : loss * weight).backward();
    return loss.item<float>();
}

}  // namespace covenant::engine
