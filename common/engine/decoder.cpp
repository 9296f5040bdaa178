#include "common/engine/decoder.hpp"

#include "common/base/thread_pool.hpp"
#include "common/engine/canonical_ops.hpp"
#include "common/engine/kernels/kernels.hpp"
#include "common/engine/rope_table.hpp"
#include "common/engine/tensor_offsets.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

constexpr std::size_t kBlockTokens = 32;             // share one pass over the weights
constexpr std::size_t kTask = std::size_t{1} << 18;  // multiplications worth waking a thread for

}  // namespace

struct Decoder::Impl {
    Impl(const ModelConfig& model_config, ParameterBuffer parameters,
         const kernels::Kernels& kernels, unsigned threads)
        : config(model_config),
          theta(std::move(parameters)),
          k(kernels),
          pool(threads),
          rope(rope_table(config.seq_len, config.head_dim(), config.rope_theta)),
          d(config.d_model),
          dim(config.head_dim()),
          kv(std::size_t{config.kv_heads} * dim),
          ff(config.d_ff),
          scale(1.0F / std::sqrt(static_cast<float>(dim))),
          tensors(ParameterLayout(config)) {
        keys.resize(config.layers * kv * config.seq_len);
        values.resize(keys.size());
        const std::size_t rows = std::min<std::size_t>(kBlockTokens, config.seq_len);
        for (std::vector<float>* one : {&x, &h, &q, &o})
            one->resize(rows * d);
        key.resize(rows * kv);
        value.resize(rows * kv);
        gate.resize(rows * ff);
        up.resize(rows * ff);
        wide.resize(rows * ff);
        inv.resize(rows);
        scores.resize(std::size_t{threads} * config.seq_len);
        logits.resize(config.vocab_size);
    }

    [[nodiscard]] const float* parameter(std::size_t offset) const {
        return theta.floats().data() + offset;
    }

    // Calls body(first, last, worker) for parts of [0, count) of about kTask multiplications.
    template <typename Body>
    void split(std::size_t count, std::size_t work_of_one, const Body& body) {
        const std::size_t part =
            std::max<std::size_t>(1, kTask / std::max<std::size_t>(1, work_of_one));
        for_each_canonical(pool, (count + part - 1) / part, [&](std::size_t i, unsigned worker) {
            body(i * part, std::min(count, (i + 1) * part), worker);
        });
    }

    // y[n, out] (+)= x[n, in] * w[out, in]^T: a row of w serves every token while it is near.
    void product(const float* rows, std::size_t n, std::size_t in, std::size_t weight,
                 std::size_t out, bool add, float* y) {
        const float* const w = parameter(weight);
        split(out, in * n, [&](std::size_t first, std::size_t last, unsigned) {
            for (std::size_t j = first; j < last; ++j) {
                for (std::size_t t = 0; t < n; ++t) {
                    const float sum = k.dot(w + j * in, rows + t * in, in);
                    float& to = y[t * out + j];
                    to = add ? to + sum : sum;
                }
            }
        });
    }

    // Keys lie [head, position, dim], values [head, dim, position]: both sides of attention are dot
    // products of consecutive floats.
    [[nodiscard]] float* layer_keys(std::size_t layer) {
        return keys.data() + layer * kv * config.seq_len;
    }
    [[nodiscard]] float* layer_values(std::size_t layer) {
        return values.data() + layer * kv * config.seq_len;
    }

    void keep(std::size_t layer, std::size_t n) {
        float* const cached_keys = layer_keys(layer);
        float* const cached_values = layer_values(layer);
        for (std::size_t t = 0; t < n; ++t) {
            for (std::size_t i = 0; i < kv; ++i) {
                const std::size_t base = (i / dim) * dim * config.seq_len;
                cached_keys[base + (size + t) * dim + i % dim] = key[t * kv + i];
                cached_values[base + (i % dim) * config.seq_len + size + t] = value[t * kv + i];
            }
        }
    }

    void attention(std::size_t layer, std::size_t n) {
        const std::size_t group = config.heads / config.kv_heads;
        const float* const cached_keys = layer_keys(layer);
        const float* const cached_values = layer_values(layer);
        split(n * config.heads, 2 * dim * (size + n),
              [&](std::size_t first, std::size_t last, unsigned worker) {
                  float* const s = scores.data() + std::size_t{worker} * config.seq_len;
                  for (std::size_t i = first; i < last; ++i) {
                      const std::size_t t = i / config.heads;
                      const std::size_t at = i % config.heads;
                      const std::size_t live = size + t + 1;
                      const std::size_t base = (at / group) * dim * config.seq_len;
                      for (std::size_t j = 0; j < live; ++j)
                          s[j] =
                              k.dot(q.data() + t * d + at * dim, cached_keys + base + j * dim, dim);
                      k.softmax_row(s, live, live, scale);
                      for (std::size_t j = 0; j < dim; ++j)
                          o[t * d + at * dim + j] =
                              k.dot(s, cached_values + base + j * config.seq_len, live);
                  }
              });
    }

    void rms_norm(std::size_t gain, std::size_t n) {
        k.rms_norm(x.data(), parameter(gain), n, d, config.norm_eps, h.data(), inv.data());
    }

    void rotate(float* rows, std::size_t n, std::size_t heads) {
        const std::size_t at = size * (dim / 2);
        k.rope(rows, n, heads * dim, heads, dim, n, rope.cos.data() + at, rope.sin.data() + at,
               false);
    }

    // At most kBlockTokens tokens; leaves the residual stream in x.
    void forward(std::span<const std::uint32_t> tokens) {
        const std::size_t n = tokens.size();
        for (std::size_t t = 0; t < n; ++t)
            std::copy_n(parameter(tensors.embedding + tokens[t] * d), d, x.data() + t * d);
        for (std::size_t layer = 0; layer < config.layers; ++layer) {
            const LayerOffsets& w = tensors.layers[layer];
            rms_norm(w.norm1, n);
            product(h.data(), n, d, w.q, d, false, q.data());
            product(h.data(), n, d, w.k, kv, false, key.data());
            product(h.data(), n, d, w.v, kv, false, value.data());
            rotate(q.data(), n, config.heads);
            rotate(key.data(), n, config.kv_heads);
            keep(layer, n);
            attention(layer, n);
            product(o.data(), n, d, w.o, d, true, x.data());
            rms_norm(w.norm2, n);
            product(h.data(), n, d, w.gate, ff, false, gate.data());
            product(h.data(), n, d, w.up, ff, false, up.data());
            k.swiglu(gate.data(), up.data(), n * ff, wide.data());
            product(wide.data(), n, ff, w.down, d, true, x.data());
        }
        size += n;
    }

    // Logits after the last of the n tokens of the last forward().
    void finish(std::size_t n) {
        std::copy_n(x.data() + (n - 1) * d, d, x.data());
        rms_norm(tensors.norm, 1);
        product(h.data(), 1, d, tensors.head, config.vocab_size, false, logits.data());
    }

    ModelConfig config;
    ParameterBuffer theta;
    const kernels::Kernels& k;
    ThreadPool pool;
    RopeTable rope;
    std::size_t d, dim, kv, ff;
    float scale;
    TensorOffsets tensors;

    std::size_t size = 0;               // tokens kept
    std::vector<float> keys, values;    // of every layer
    std::vector<float> x, h, q, o;      // [block, d]
    std::vector<float> key, value;      // [block, kv]
    std::vector<float> gate, up, wide;  // [block, ff]
    std::vector<float> inv;             // [block]
    std::vector<float> scores;          // [threads, T]
    std::vector<float> logits;          // [V]
};

Result<Decoder> Decoder::create(const ModelConfig& config, ParameterBuffer theta,
                                const Profile& profile) {
    COVENANT_CHECK(config.validate());
    if (profile.native) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("profile {} has no decoder: generation runs on our own kernels "
                                "(use a canonical profile)",
                                profile.name));
    }
    if (const std::size_t wanted = ParameterLayout(config).total_floats(); theta.size() != wanted) {
        return fail(
            Errc::kInvalidArgument,
            fmt::format("parameters have {} floats, the model needs {}", theta.size(), wanted));
    }
    COVENANT_TRY(const kernels::Kernels* const table, kernels::kernels_for(profile.isa));
    try {
        return Decoder(std::make_unique<Impl>(config, std::move(theta), *table, profile.threads));
    } catch (const std::exception& error) {
        return fail(Errc::kPrecondition, std::string("memory for the decoder: ") + error.what());
    }
}

Decoder::Decoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

const ModelConfig& Decoder::config() const {
    return impl_->config;
}
std::size_t Decoder::size() const {
    return impl_->size;
}
void Decoder::reset() {
    impl_->size = 0;
}

Result<std::span<const float>> Decoder::feed(std::span<const std::uint32_t> tokens) {
    if (tokens.empty()) return fail(Errc::kInvalidArgument, "no token to decode");
    if (tokens.size() > room()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{} tokens after the {} of the context: the model sees at most {}",
                                tokens.size(), size(), config().seq_len));
    }
    const std::uint32_t vocabulary = config().vocab_size;
    for (const std::uint32_t token : tokens) {
        if (token >= vocabulary) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("token {} is outside the vocabulary of {}", token, vocabulary));
        }
    }
    const kernels::CanonicalFloatMode mode;
    std::size_t block = 0;
    for (std::size_t at = 0; at < tokens.size(); at += block) {
        block = std::min(kBlockTokens, tokens.size() - at);
        impl_->forward(tokens.subspan(at, block));
    }
    impl_->finish(block);
    if (!impl_->k.all_finite(impl_->logits.data(), impl_->logits.size())) {
        return fail(Errc::kRejected,
                    fmt::format("logits after {} tokens are not finite: these parameters are no "
                                "trained model",
                                size()));
    }
    return std::span<const float>(impl_->logits);
}

}  // namespace covenant::engine
