// Ops over libtorch, forward and backward by formula. Written to the API that libtorch 1.13 and
// current versions share; the same code runs on host and CUDA memory.
//
// Matrix products go through operand() and product(): there alone the precision matters.
#include "common/engine/native_module.hpp"
#include "common/engine/rope_table.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_softmax_backward_data.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <malloc.h>

namespace covenant::engine {
namespace {

constexpr std::int64_t kHeadChunk = 1024;  // tokens whose logits are in memory at a time
// Query rows per attention block on the host: keys after a block are not multiplied.
constexpr std::int64_t kHostStrip = 128;

// Whether libtorch's bf16 products are faster than fp32 ones: on CPUs only with instructions for
// them.
bool multiplies_bf16(const at::Device& device) {
#if defined(__x86_64__)
    return device.is_cuda() || __builtin_cpu_supports("avx512bf16") != 0;
#else
    return device.is_cuda();
#endif
}

std::int64_t signed_size(std::size_t size) {
    return static_cast<std::int64_t>(size);
}

class NativeOps final : public Ops {
  public:
    NativeOps(const ModelConfig& config, int precision, const at::Device& device)
        : config_(config),
          device_(device),
          fp32_(at::TensorOptions().dtype(at::kFloat).device(device)),
          bf16_(precision == kNativeBf16),
          multiply_bf16_(bf16_ && multiplies_bf16(device)),
          seq_len_(config.seq_len),
          d_model_(config.d_model),
          vocab_(config.vocab_size),
          heads_(config.heads),
          kv_heads_(config.kv_heads),
          group_(heads_ / kv_heads_),
          head_dim_(config.head_dim()),
          strip_(device.is_cpu() ? std::min(kHostStrip, seq_len_) : seq_len_) {
        const c10::InferenceMode guard;
        const RopeTable table = rope_table(config.seq_len, config.head_dim(), config.rope_theta);
        const std::int64_t half = head_dim_ / 2;
        cos_ = on_device(table.cos).view({seq_len_, 1, half});
        sin_ = on_device(table.sin).view({seq_len_, 1, half});
        mask_ = at::full({seq_len_, seq_len_}, -std::numeric_limits<double>::infinity(), fp32_)
                    .triu_(1);
    }

    std::shared_ptr<float[]> allocate(std::size_t floats) override {
        try {
            const auto block =
                std::make_shared<at::Tensor>(at::empty({signed_size(floats)}, fp32_));
            return {block, block->data_ptr<float>()};
        } catch (const std::exception&) {
            return nullptr;
        }
    }

    void copy_in(const float* host, std::size_t floats, float* to) override {
        const c10::InferenceMode guard;
        view(to, {signed_size(floats)}).copy_(host_view(host, floats));
    }

    void copy_out(const float* from, std::size_t floats, float* host) override {
        const c10::InferenceMode guard;
        host_view(host, floats).copy_(view(from, {signed_size(floats)}));
    }

    void copy(const float* from, std::size_t floats, float* to) override {
        const c10::InferenceMode guard;
        view(to, {signed_size(floats)}).copy_(view(from, {signed_size(floats)}));
    }

    void set_zero(float* to, std::size_t floats) override {
        const c10::InferenceMode guard;
        view(to, {signed_size(floats)}).zero_();
    }

    [[nodiscard]] bool host_memory() const override { return device_.is_cpu(); }

    void embedding(std::span<const std::uint32_t> tokens, const float* table, float* x) override {
        const c10::InferenceMode guard;
        at::Tensor out = view(x, {signed_size(tokens.size()), d_model_});
        at::index_select_out(out, view(table, {vocab_, d_model_}), 0, indices(tokens));
    }

    void embedding_backward(std::span<const std::uint32_t> tokens, const float* dx,
                            float* table_gradient) override {
        const c10::InferenceMode guard;
        view(table_gradient, {vocab_, d_model_})
            .index_add_(0, indices(tokens), view(dx, {signed_size(tokens.size()), d_model_}));
    }

    void rms_norm(const float* x, const float* gain, std::size_t rows, float* y,
                  float* inv) override {
        const c10::InferenceMode guard;
        const std::int64_t n = signed_size(rows);
        const at::Tensor in = view(x, {n, d_model_});
        at::Tensor out = view(y, {n, d_model_});
        at::Tensor scale = view(inv, {n, 1});
        at::mul_out(out, in, in);  // y serves as scratch for the squares
        scale.copy_(out.mean(1, true).add_(static_cast<double>(config_.norm_eps)).rsqrt_());
        at::mul_out(out, in, scale);
        out.mul_(view(gain, {d_model_}));
    }

    // With n = x * inv and t = dy * gain: dx += inv * (t - n * mean(t * n)); dgain += sum(dy * n).
    void rms_norm_backward(const float* dy, const float* x, const float* gain, const float* inv,
                           std::size_t rows, float* dx, float* gain_gradient) override {
        const c10::InferenceMode guard;
        const std::int64_t n = signed_size(rows);
        const at::Tensor gradient = view(dy, {n, d_model_});
        const at::Tensor scale = view(inv, {n, 1});
        at::Tensor normed = at::mul(view(x, {n, d_model_}), scale);
        at::Tensor scratch = at::mul(gradient, normed);
        view(gain_gradient, {d_model_}).add_(scratch.sum(0));
        scratch.mul_(view(gain, {d_model_}));
        const at::Tensor mean = scratch.mean(1, true);
        at::mul_out(scratch, gradient, view(gain, {d_model_}));
        scratch.sub_(normed.mul_(mean));
        view(dx, {n, d_model_}).addcmul_(scratch, scale);
    }

    void linear(const float* x, const float* w, std::size_t rows, std::size_t in, std::size_t out,
                bool accumulate, float* y) override {
        const c10::InferenceMode guard;
        multiply(matrix(x, rows, in), matrix(w, out, in).t(), accumulate, matrix(y, rows, out));
    }

    void linear_backward_input(const float* dy, const float* w, std::size_t rows, std::size_t in,
                               std::size_t out, bool accumulate, float* dx) override {
        const c10::InferenceMode guard;
        multiply(matrix(dy, rows, out), matrix(w, out, in), accumulate, matrix(dx, rows, in));
    }

    void linear_backward_weight(const float* dy, const float* x, std::size_t rows, std::size_t in,
                                std::size_t out, float* w_gradient) override {
        const c10::InferenceMode guard;
        multiply(matrix(dy, rows, out).t(), matrix(x, rows, in), true, matrix(w_gradient, out, in));
    }

    void rope(float* q, float* k, std::size_t rows, bool inverse) override {
        const c10::InferenceMode guard;
        rotate(q, rows, heads_, inverse);
        rotate(k, rows, kv_heads_, inverse);
    }

    void attention(const float* q, const float* k, const float* v, std::size_t rows,
                   float* o) override {
        const c10::InferenceMode guard;
        const Heads in = split_heads(q, k, v, rows);
        at::Tensor out = at::empty({in.keys.size(0), group_, seq_len_, head_dim_}, fp32_);
        for (std::int64_t begin = 0; begin < seq_len_; begin += strip_) {
            const Strip s = strip(in, begin);
            rows_of(out, s).copy_(
                product(operand(s.probabilities), s.values).view(shape(s, head_dim_)));
        }
        merge_queries(out, o, rows);
    }

    // Per strip of query rows, with P recomputed: dV += P^T dO, dS = P * (dP - rowsum(P * dP)) for
    // dP = dO V^T, dQ = dS K * scale, dK += dS^T (Q * scale).
    void attention_backward(const float* q, const float* k, const float* v, const float* /*o*/,
                            const float* d_o, std::size_t rows, float* dq, float* dk,
                            float* dv) override {
        const c10::InferenceMode guard;
        const Heads in = split_heads(q, k, v, rows);
        const std::int64_t batch = in.keys.size(0);
        const at::Tensor d_out = operand(split_queries(d_o, rows));
        at::Tensor d_queries = at::empty({batch, group_, seq_len_, head_dim_}, fp32_);
        const at::Tensor d_keys = at::zeros({batch, seq_len_, head_dim_}, fp32_);
        const at::Tensor d_values = at::zeros({batch, seq_len_, head_dim_}, fp32_);
        for (std::int64_t begin = 0; begin < seq_len_; begin += strip_) {
            const Strip s = strip(in, begin);
            const at::Tensor d_rows =
                rows_of(d_out, s).reshape({batch, group_ * s.count, head_dim_});
            d_values.narrow(1, 0, s.seen)
                .add_(product(operand(s.probabilities).transpose(1, 2), d_rows));
            const at::Tensor d_scores = operand(at::_softmax_backward_data(
                product(d_rows, s.values.transpose(1, 2)), s.probabilities, 2, at::kFloat));
            rows_of(d_queries, s)
                .copy_(product(d_scores, s.keys).mul_(scale()).view(shape(s, head_dim_)));
            d_keys.narrow(1, 0, s.seen).add_(product(d_scores.transpose(1, 2), s.queries));
        }
        merge_queries(d_queries, dq, rows);
        merge_keys(d_keys, dk, rows);
        merge_keys(d_values, dv, rows);
    }

    void swiglu(const float* gate, const float* up, std::size_t count, float* out) override {
        const c10::InferenceMode guard;
        at::Tensor result = view(out, {signed_size(count)});
        at::silu_out(result, view(gate, {signed_size(count)}));
        result.mul_(view(up, {signed_size(count)}));
    }

    void swiglu_backward(const float* d_out, std::size_t count, float* gate, float* up) override {
        const c10::InferenceMode guard;
        const at::Tensor gradient = view(d_out, {signed_size(count)});
        at::Tensor g = view(gate, {signed_size(count)});
        at::Tensor u = view(up, {signed_size(count)});
        const at::Tensor activation = at::silu(g);
        u.mul_(gradient);
        g.copy_(at::silu_backward(u, g));
        at::mul_out(u, activation, gradient);
    }

    // Per chunk: log p = log_softmax(H W^T); dZ = weight * (p - [target]).
    double head_loss(const float* h, const float* table, std::span<const std::uint32_t> targets,
                     float weight, float* dh, float* table_gradient) override {
        const c10::InferenceMode guard;
        const std::int64_t tokens = signed_size(targets.size());
        const at::Tensor inputs = view(h, {tokens, d_model_});
        const at::Tensor weights = operand(view(table, {vocab_, d_model_}));
        const at::Tensor wanted = indices(targets).unsqueeze(1);
        // Summed where it arises: one wait for the device in all.
        const at::Tensor log_likelihood =
            at::zeros({}, at::TensorOptions(at::kDouble).device(device_));
        for (std::int64_t begin = 0; begin < tokens; begin += kHeadChunk) {
            const std::int64_t count = std::min(kHeadChunk, tokens - begin);
            const at::Tensor rows = operand(inputs.narrow(0, begin, count));
            const at::Tensor target = wanted.narrow(0, begin, count);
            at::Tensor p = at::log_softmax(product(rows, weights.t()), 1);
            log_likelihood.add_(p.gather(1, target).sum(at::kDouble));
            if (dh == nullptr) continue;
            p.exp_();
            p.scatter_add_(1, target, at::full({count, 1}, -1.0, fp32_));
            const at::Tensor d_logits = operand(p.mul_(static_cast<double>(weight)));
            view(dh + begin * d_model_, {count, d_model_}).copy_(product(d_logits, weights));
            multiply_operands(d_logits.t(), rows, true, view(table_gradient, {vocab_, d_model_}));
        }
        return -log_likelihood.item<double>();
    }

  private:
    // Operands of B = windows * kv_heads products: the query heads that share a key head are one
    // batch element.
    struct Heads {
        at::Tensor queries;  // [B, group, T, D], times scale
        at::Tensor keys;     // [B, T, D]
        at::Tensor values;   // [B, T, D]
    };
    // The rows [begin, begin + count) of every window and the keys they may see.
    struct Strip {
        std::int64_t begin = 0;
        std::int64_t count = 0;
        std::int64_t seen = 0;     // begin + count
        at::Tensor queries;        // [B, group * count, D]
        at::Tensor keys;           // [B, seen, D]
        at::Tensor values;         // [B, seen, D]
        at::Tensor probabilities;  // [B, group * count, seen]
    };

    [[nodiscard]] double scale() const { return 1.0 / std::sqrt(static_cast<double>(head_dim_)); }

    // libtorch has no constant tensors; nothing writes through views of constant data.
    [[nodiscard]] at::Tensor view(const float* data, at::IntArrayRef sizes) const {
        return at::from_blob(const_cast<float*>(data), sizes, fp32_);
    }
    [[nodiscard]] at::Tensor matrix(const float* data, std::size_t rows, std::size_t cols) const {
        return view(data, {signed_size(rows), signed_size(cols)});
    }
    [[nodiscard]] static at::Tensor host_view(const float* data, std::size_t floats) {
        return at::from_blob(const_cast<float*>(data), {signed_size(floats)},
                             at::TensorOptions().dtype(at::kFloat));
    }
    [[nodiscard]] at::Tensor on_device(const std::vector<float>& values) const {
        return host_view(values.data(), values.size()).to(device_, at::kFloat, false, true);
    }
    [[nodiscard]] at::Tensor indices(std::span<const std::uint32_t> values) const {
        at::Tensor out = at::empty({signed_size(values.size())}, at::TensorOptions(at::kLong));
        std::copy(values.begin(), values.end(), out.data_ptr<std::int64_t>());
        return out.to(device_);
    }

    // An operand of a product, in the precision.
    [[nodiscard]] at::Tensor operand(const at::Tensor& x) const {
        if (!bf16_) return x;
        const at::Tensor rounded = x.to(at::kBFloat16);
        return multiply_bf16_ ? rounded : rounded.to(at::kFloat);
    }
    // Batched or plain, of operands; fp32.
    [[nodiscard]] at::Tensor product(const at::Tensor& a, const at::Tensor& b) const {
        return (a.dim() == 3 ? at::bmm(a, b) : at::mm(a, b)).to(at::kFloat);
    }
    void multiply_operands(const at::Tensor& a, const at::Tensor& b, bool accumulate,
                           at::Tensor out) const {
        if (multiply_bf16_) {
            const at::Tensor result = at::mm(a, b);
            accumulate ? out.add_(result) : out.copy_(result);
        } else if (accumulate) {
            out.addmm_(a, b);
        } else {
            at::mm_out(out, a, b);
        }
    }
    void multiply(const at::Tensor& a, const at::Tensor& b, bool accumulate,
                  const at::Tensor& out) const {
        multiply_operands(operand(a), operand(b), accumulate, out);
    }

    void rotate(float* x, std::size_t rows, std::int64_t heads, bool inverse) const {
        const std::int64_t half = head_dim_ / 2;
        const at::Tensor all = view(x, {signed_size(rows) / seq_len_, seq_len_, heads, head_dim_});
        at::Tensor low = all.narrow(3, 0, half);
        at::Tensor high = all.narrow(3, half, half);
        const double sign = inverse ? 1.0 : -1.0;
        const at::Tensor turned_high = at::mul(high, cos_).addcmul_(low, sin_, -sign);
        low.copy_(at::mul(low, cos_).addcmul_(high, sin_, sign));
        high.copy_(turned_high);
    }

    // [N, heads * D] -> [B, group, T, D], contiguous
    [[nodiscard]] at::Tensor split_queries(const float* x, std::size_t rows) const {
        const std::int64_t windows = signed_size(rows) / seq_len_;
        return view(x, {windows, seq_len_, kv_heads_, group_, head_dim_})
            .permute({0, 2, 3, 1, 4})
            .reshape({windows * kv_heads_, group_, seq_len_, head_dim_});
    }
    void merge_queries(const at::Tensor& x, float* out, std::size_t rows) const {
        const std::int64_t windows = signed_size(rows) / seq_len_;
        view(out, {windows, seq_len_, kv_heads_, group_, head_dim_})
            .copy_(
                x.view({windows, kv_heads_, group_, seq_len_, head_dim_}).permute({0, 3, 1, 2, 4}));
    }
    // [N, kv_heads * D] -> [B, T, D], contiguous
    [[nodiscard]] at::Tensor split_keys(const float* x, std::size_t rows) const {
        const std::int64_t windows = signed_size(rows) / seq_len_;
        return view(x, {windows, seq_len_, kv_heads_, head_dim_})
            .transpose(1, 2)
            .reshape({windows * kv_heads_, seq_len_, head_dim_});
    }
    void merge_keys(const at::Tensor& x, float* out, std::size_t rows) const {
        const std::int64_t windows = signed_size(rows) / seq_len_;
        view(out, {windows, seq_len_, kv_heads_, head_dim_})
            .copy_(x.view({windows, kv_heads_, seq_len_, head_dim_}).transpose(1, 2));
    }
    [[nodiscard]] Heads split_heads(const float* q, const float* k, const float* v,
                                    std::size_t rows) const {
        return {.queries = operand(at::mul(split_queries(q, rows), scale())),
                .keys = operand(split_keys(k, rows)),
                .values = operand(split_keys(v, rows))};
    }

    [[nodiscard]] std::array<std::int64_t, 4> shape(const Strip& s, std::int64_t cols) const {
        return {s.keys.size(0), group_, s.count, cols};
    }
    // The strip's rows of a [B, group, T, D].
    [[nodiscard]] static at::Tensor rows_of(const at::Tensor& x, const Strip& s) {
        return x.narrow(2, s.begin, s.count);
    }

    [[nodiscard]] Strip strip(const Heads& in, std::int64_t begin) const {
        Strip s;
        s.begin = begin;
        s.count = std::min(strip_, seq_len_ - begin);
        s.seen = begin + s.count;
        s.queries = rows_of(in.queries, s).reshape({in.keys.size(0), group_ * s.count, head_dim_});
        s.keys = in.keys.narrow(1, 0, s.seen);
        s.values = in.values.narrow(1, 0, s.seen);
        const at::Tensor scores = product(s.queries, s.keys.transpose(1, 2)).view(shape(s, s.seen));
        scores.add_(mask_.narrow(0, begin, s.count).narrow(1, 0, s.seen));
        s.probabilities = at::softmax(scores, 3).view({in.keys.size(0), group_ * s.count, s.seen});
        return s;
    }

    ModelConfig config_;
    at::Device device_;
    at::TensorOptions fp32_;
    bool bf16_;
    bool multiply_bf16_;
    std::int64_t seq_len_, d_model_, vocab_, heads_, kv_heads_, group_, head_dim_;
    std::int64_t strip_;
    at::Tensor cos_, sin_;  // [T, 1, D / 2]
    at::Tensor mask_;       // [T, T]: 0 where key <= query, minus infinity above
};

void fail(char* error, std::size_t error_size, const char* text) {
    if (error != nullptr && error_size > 0) std::snprintf(error, error_size, "%s", text);
}

// OpenBLAS with threads of its own does not listen to libtorch.
void set_blas_threads(unsigned threads) {
    void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    if (symbol == nullptr) return;
    void (*set)(int) = nullptr;
    static_assert(sizeof set == sizeof symbol);
    std::memcpy(&set, &symbol, sizeof set);
    set(static_cast<int>(threads));
}

void keep_large_blocks() {
    mallopt(M_MMAP_THRESHOLD, INT_MAX);
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 64 << 20);
}

}  // namespace
}  // namespace covenant::engine

covenant::engine::Ops* covenant_native_ops(const covenant::engine::ModelConfig* config,
                                           int precision, unsigned threads, int gpu, char* error,
                                           std::size_t error_size) {
    using namespace covenant::engine;
    constexpr unsigned kMostThreads = 4096;
    if (precision != kNativeF32 && precision != kNativeBf16) {
        fail(error, error_size, "the native module knows the precisions 0 (fp32) and 1 (bf16)");
        return nullptr;
    }
    if (threads == 0 || threads > kMostThreads) {
        fail(error, error_size, "the native module takes 1 to 4096 threads");
        return nullptr;
    }
    try {
        at::set_num_threads(static_cast<int>(threads));
        set_blas_threads(threads);
        keep_large_blocks();
        const at::Device device = gpu != 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
        return std::make_unique<NativeOps>(*config, precision, device).release();
    } catch (const std::exception& failure) {
        fail(error, error_size, failure.what());
    } catch (...) {
        fail(error, error_size, "libtorch threw something that is no std::exception");
    }
    return nullptr;
}
