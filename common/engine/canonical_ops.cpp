#include "common/engine/canonical_ops.hpp"

#include "common/engine/float_memory.hpp"
#include "common/engine/rope_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace covenant::engine {
namespace {

using kernels::Gemm;
using kernels::Kernels;
using kernels::Precision;

constexpr std::size_t kNormRows = 64;       // E5: rows of one block of the gain's gradient
constexpr std::size_t kAttentionRows = 64;  // E8: query rows of a strip
constexpr std::size_t kHeadTokens = 256;    // E9: tokens of a chunk of logits
constexpr std::size_t kElements = 16384;    // elementwise work of one call
constexpr std::size_t kSplit = 96;          // a product is split at multiples of this

constexpr std::size_t blocks_of(std::size_t count, std::size_t block) {
    return (count + block - 1) / block;
}

class CanonicalOps final : public Ops {
  public:
    CanonicalOps(const ModelConfig& config, const Kernels& kernels, Precision precision,
                 ThreadPool& pool)
        : config_(config),
          k_(kernels),
          precision_(precision),
          pool_(pool),
          rope_(rope_table(config.seq_len, config.head_dim(), config.rope_theta)),
          scale_(1.0F / std::sqrt(static_cast<float>(config.head_dim()))) {
        const std::size_t strip = kAttentionRows * config.seq_len;
        const std::size_t chain = std::size_t{config.seq_len} * config.head_dim();
        for (unsigned i = 0; i < pool.threads(); ++i) {
            workers_.push_back({.gemm = allocate_floats(kernels::kGemmWorkspaceFloats),
                                .scores = allocate_floats(strip),
                                .score_gradients = allocate_floats(strip),
                                .key_chain = allocate_floats(chain),
                                .value_chain = allocate_floats(chain)});
        }
    }

    std::shared_ptr<float[]> allocate(std::size_t floats) override {
        return allocate_floats(floats);
    }
    void copy_in(const float* host, std::size_t floats, float* to) override {
        copy(host, floats, to);
    }
    void copy_out(const float* from, std::size_t floats, float* host) override {
        copy(from, floats, host);
    }
    void copy(const float* from, std::size_t floats, float* to) override {
        std::memcpy(to, from, floats * sizeof(float));
    }
    void set_zero(float* to, std::size_t floats) override {
        std::memset(to, 0, floats * sizeof(float));
    }
    [[nodiscard]] bool host_memory() const override { return true; }

    void embedding(std::span<const std::uint32_t> tokens, const float* table, float* x) override {
        const std::size_t d = config_.d_model;
        for (std::size_t i = 0; i < tokens.size(); ++i)
            copy(table + tokens[i] * d, d, x + i * d);
    }

    void embedding_backward(std::span<const std::uint32_t> tokens, const float* dx,
                            float* table_gradient) override {
        // A token's row takes its additions in token order; columns are independent.
        const std::size_t d = config_.d_model;
        const std::size_t width = d / pool_.threads() + 1;
        each(blocks_of(d, width), [&](std::size_t block, unsigned) {
            const std::size_t first = block * width;
            const std::size_t count = std::min(width, d - first);
            for (std::size_t i = 0; i < tokens.size(); ++i) {
                k_.add(dx + i * d + first, count, table_gradient + tokens[i] * d + first);
            }
        });
    }

    void rms_norm(const float* x, const float* gain, std::size_t rows, float* y,
                  float* inv) override {
        const std::size_t d = config_.d_model;
        each(blocks_of(rows, kNormRows), [&](std::size_t block, unsigned) {
            const std::size_t first = block * kNormRows;
            k_.rms_norm(x + first * d, gain, std::min(kNormRows, rows - first), d, config_.norm_eps,
                        y + first * d, inv + first);
        });
    }

    void rms_norm_backward(const float* dy, const float* x, const float* gain, const float* inv,
                           std::size_t rows, float* dx, float* gain_gradient) override {
        const std::size_t d = config_.d_model;
        const std::size_t blocks = blocks_of(rows, kNormRows);
        gains_.resize(blocks * d);
        each(blocks, [&](std::size_t block, unsigned) {
            const std::size_t first = block * kNormRows;
            k_.rms_norm_backward(dy + first * d, x + first * d, gain, inv + first,
                                 std::min(kNormRows, rows - first), d, dx + first * d,
                                 gains_.data() + block * d);
        });
        const kernels::CanonicalFloatMode mode;
        for (std::size_t block = 0; block < blocks; ++block)
            k_.add(gains_.data() + block * d, d, gain_gradient);
    }

    void linear(const float* x, const float* w, std::size_t rows, std::size_t in, std::size_t out,
                bool accumulate, float* y) override {
        product({.m = rows,
                 .n = out,
                 .k = in,
                 .a = x,
                 .a_row = in,
                 .b = w,
                 .b_row = 1,
                 .b_col = in,
                 .c = y,
                 .c_row = out,
                 .accumulate = accumulate});
    }

    void linear_backward_input(const float* dy, const float* w, std::size_t rows, std::size_t in,
                               std::size_t out, bool accumulate, float* dx) override {
        product({.m = rows,
                 .n = in,
                 .k = out,
                 .a = dy,
                 .a_row = out,
                 .b = w,
                 .b_row = in,
                 .c = dx,
                 .c_row = in,
                 .accumulate = accumulate});
    }

    void linear_backward_weight(const float* dy, const float* x, std::size_t rows, std::size_t in,
                                std::size_t out, float* w_gradient) override {
        product({.m = out,
                 .n = in,
                 .k = rows,
                 .a = dy,
                 .a_row = 1,
                 .a_col = out,
                 .b = x,
                 .b_row = in,
                 .c = w_gradient,
                 .c_row = in,
                 .accumulate = true});
    }

    void rope(float* q, float* k, std::size_t rows, bool inverse) override {
        const std::size_t length = config_.seq_len;
        const std::size_t dim = config_.head_dim();
        each(blocks_of(rows, length), [&](std::size_t window, unsigned) {
            const std::size_t first = window * length;
            const std::size_t count = std::min(length, rows - first);
            for (const auto& [x, heads] : {std::pair<float*, std::size_t>{q, config_.heads},
                                           std::pair<float*, std::size_t>{k, config_.kv_heads}}) {
                k_.rope(x + first * heads * dim, count, heads * dim, heads, dim, length,
                        rope_.cos.data(), rope_.sin.data(), inverse);
            }
        });
    }

    void attention(const float* q, const float* k, const float* v, std::size_t rows,
                   float* o) override {
        const std::size_t windows = blocks_of(rows, config_.seq_len);
        each(windows * config_.heads, [&](std::size_t index, unsigned worker) {
            const Head head = head_of(index / config_.heads, index % config_.heads, rows);
            const Worker& scratch = workers_[worker];
            for (std::size_t first = 0; first < head.length; first += kAttentionRows) {
                const Strip strip = strip_of(head, first);
                probabilities(q, k, head, strip, scratch);
                gemm(scratch, {.m = strip.rows,
                               .n = head.dim,
                               .k = strip.keys,
                               .a = scratch.scores.get(),
                               .a_row = strip.keys,
                               .b = v + head.keys,
                               .b_row = head.key_stride,
                               .c = o + head.queries + first * head.query_stride,
                               .c_row = head.query_stride});
            }
        });
    }

    void attention_backward(const float* q, const float* k, const float* v, const float* o,
                            const float* d_o, std::size_t rows, float* dq, float* dk,
                            float* dv) override {
        const std::size_t windows = blocks_of(rows, config_.seq_len);
        const std::size_t group = config_.heads / config_.kv_heads;
        each(windows * config_.kv_heads, [&](std::size_t index, unsigned worker) {
            const std::size_t window = index / config_.kv_heads;
            const std::size_t key_head = index % config_.kv_heads;
            for (std::size_t member = 0; member < group; ++member) {
                const Head head = head_of(window, key_head * group + member, rows);
                head_backward(q, k, v, o, d_o, head, workers_[worker], dq);
                for (std::size_t i = 0; i < head.length; ++i) {
                    add_or_copy(member > 0, workers_[worker].key_chain.get() + i * head.dim,
                                head.dim, dk + head.keys + i * head.key_stride);
                    add_or_copy(member > 0, workers_[worker].value_chain.get() + i * head.dim,
                                head.dim, dv + head.keys + i * head.key_stride);
                }
            }
        });
    }

    void swiglu(const float* gate, const float* up, std::size_t count, float* out) override {
        each(blocks_of(count, kElements), [&](std::size_t block, unsigned) {
            const std::size_t first = block * kElements;
            k_.swiglu(gate + first, up + first, std::min(kElements, count - first), out + first);
        });
    }

    void swiglu_backward(const float* d_out, std::size_t count, float* gate, float* up) override {
        each(blocks_of(count, kElements), [&](std::size_t block, unsigned) {
            const std::size_t first = block * kElements;
            k_.swiglu_backward(d_out + first, gate + first, up + first,
                               std::min(kElements, count - first), gate + first, up + first);
        });
    }

    double head_loss(const float* h, const float* table, std::span<const std::uint32_t> targets,
                     float weight, float* dh, float* table_gradient) override {
        const std::size_t d = config_.d_model;
        const std::size_t vocab = config_.vocab_size;
        const float row_weight = dh == nullptr ? 0.0F : weight;
        if (logits_ == nullptr) logits_ = allocate_floats(kHeadTokens * vocab);
        float* const logits = logits_.get();
        std::vector<float> nats(kHeadTokens);
        double sum = 0.0;
        for (std::size_t first = 0; first < targets.size(); first += kHeadTokens) {
            const std::size_t rows = std::min(kHeadTokens, targets.size() - first);
            const float* const x = h + first * d;
            linear(x, table, rows, d, vocab, false, logits);
            each(rows, [&](std::size_t i, unsigned) {
                nats[i] =
                    k_.cross_entropy_row(logits + i * vocab, vocab, targets[first + i], row_weight);
            });
            for (std::size_t i = 0; i < rows; ++i)
                sum += static_cast<double>(nats[i]);
            if (dh == nullptr) continue;
            linear_backward_input(logits, table, rows, d, vocab, false, dh + first * d);
            linear_backward_weight(logits, x, rows, d, vocab, table_gradient);
        }
        return sum;
    }

  private:
    struct Worker {
        std::shared_ptr<float[]> gemm;
        std::shared_ptr<float[]> scores;           // [64, keys of the strip]
        std::shared_ptr<float[]> score_gradients;  // likewise
        std::shared_ptr<float[]> key_chain;        // [T, D]
        std::shared_ptr<float[]> value_chain;      // [T, D]
    };
    // One query head of one window, as offsets into q (or o) and k (or v).
    struct Head {
        std::size_t queries, query_stride;
        std::size_t keys, key_stride;
        std::size_t length;  // tokens of the window
        std::size_t dim;
    };
    struct Strip {
        std::size_t first, rows;
        std::size_t keys;  // 0 .. the strip's last row
    };

    void each(std::size_t count, const std::function<void(std::size_t, unsigned)>& body) {
        for_each_canonical(pool_, count, body);
    }

    [[nodiscard]] Head head_of(std::size_t window, std::size_t head, std::size_t rows) const {
        const std::size_t dim = config_.head_dim();
        const std::size_t group = config_.heads / config_.kv_heads;
        const std::size_t first = window * config_.seq_len;
        const std::size_t query_stride = config_.heads * dim;
        const std::size_t key_stride = config_.kv_heads * dim;
        return {.queries = first * query_stride + head * dim,
                .query_stride = query_stride,
                .keys = first * key_stride + (head / group) * dim,
                .key_stride = key_stride,
                .length = std::min<std::size_t>(config_.seq_len, rows - first),
                .dim = dim};
    }

    [[nodiscard]] static Strip strip_of(const Head& head, std::size_t first) {
        const std::size_t rows = std::min(kAttentionRows, head.length - first);
        return {.first = first, .rows = rows, .keys = first + rows};
    }

    void gemm(const Worker& worker, Gemm gemm) const {
        gemm.precision = precision_;
        gemm.workspace = worker.gemm.get();
        k_.gemm(gemm);
    }

    // Splits the larger side of the output among the threads.
    void product(const Gemm& whole) {
        const bool by_rows = whole.m > whole.n;
        const std::size_t side = by_rows ? whole.m : whole.n;
        const std::size_t piece = blocks_of(blocks_of(side, pool_.threads()), kSplit) * kSplit;
        each(blocks_of(side, piece), [&](std::size_t block, unsigned worker) {
            Gemm part = whole;
            const std::size_t first = block * piece;
            const std::size_t count = std::min(piece, side - first);
            if (by_rows) {
                part.m = count;
                part.a += first * whole.a_row;
                part.c += first * whole.c_row;
            } else {
                part.n = count;
                part.b += first * whole.b_col;
                part.c += first;
            }
            gemm(workers_[worker], part);
        });
    }

    // P of a strip in scratch.scores, rows of strip.keys floats.
    void probabilities(const float* q, const float* k, const Head& head, const Strip& strip,
                       const Worker& scratch) const {
        gemm(scratch, {.m = strip.rows,
                       .n = strip.keys,
                       .k = head.dim,
                       .a = q + head.queries + strip.first * head.query_stride,
                       .a_row = head.query_stride,
                       .b = k + head.keys,
                       .b_row = 1,
                       .b_col = head.key_stride,
                       .c = scratch.scores.get(),
                       .c_row = strip.keys});
        for (std::size_t i = 0; i < strip.rows; ++i) {
            k_.softmax_row(scratch.scores.get() + i * strip.keys, strip.first + i + 1, strip.keys,
                           scale_);
        }
    }

    void head_backward(const float* q, const float* k, const float* v, const float* o,
                       const float* d_o, const Head& head, const Worker& scratch, float* dq) const {
        std::memset(scratch.key_chain.get(), 0, head.length * head.dim * sizeof(float));
        std::memset(scratch.value_chain.get(), 0, head.length * head.dim * sizeof(float));
        float* const p = scratch.scores.get();
        float* const ds = scratch.score_gradients.get();
        for (std::size_t first = 0; first < head.length; first += kAttentionRows) {
            const Strip strip = strip_of(head, first);
            const std::size_t at = head.queries + first * head.query_stride;
            probabilities(q, k, head, strip, scratch);
            gemm(scratch, {.m = strip.rows,
                           .n = strip.keys,
                           .k = head.dim,
                           .a = d_o + at,
                           .a_row = head.query_stride,
                           .b = v + head.keys,
                           .b_row = 1,
                           .b_col = head.key_stride,
                           .c = ds,
                           .c_row = strip.keys});
            for (std::size_t i = 0; i < strip.rows; ++i) {
                const std::size_t row = at + i * head.query_stride;
                const float delta = k_.dot(d_o + row, o + row, head.dim);
                k_.softmax_backward_row(p + i * strip.keys, delta, first + i + 1, strip.keys,
                                        scale_, ds + i * strip.keys);
            }
            gemm(scratch, {.m = strip.rows,
                           .n = head.dim,
                           .k = strip.keys,
                           .a = ds,
                           .a_row = strip.keys,
                           .b = k + head.keys,
                           .b_row = head.key_stride,
                           .c = dq + at,
                           .c_row = head.query_stride});
            gemm(scratch, {.m = strip.keys,
                           .n = head.dim,
                           .k = strip.rows,
                           .a = p,
                           .a_row = 1,
                           .a_col = strip.keys,
                           .b = d_o + at,
                           .b_row = head.query_stride,
                           .c = scratch.value_chain.get(),
                           .c_row = head.dim,
                           .accumulate = true});
            gemm(scratch, {.m = strip.keys,
                           .n = head.dim,
                           .k = strip.rows,
                           .a = ds,
                           .a_row = 1,
                           .a_col = strip.keys,
                           .b = q + at,
                           .b_row = head.query_stride,
                           .c = scratch.key_chain.get(),
                           .c_row = head.dim,
                           .accumulate = true});
        }
    }

    void add_or_copy(bool add, const float* from, std::size_t count, float* to) const {
        if (add) {
            k_.add(from, count, to);
        } else {
            std::memcpy(to, from, count * sizeof(float));
        }
    }

    ModelConfig config_;
    const Kernels& k_;
    Precision precision_;
    ThreadPool& pool_;
    RopeTable rope_;
    float scale_;
    std::vector<Worker> workers_;
    std::vector<float> gains_;         // partial gain gradients
    std::shared_ptr<float[]> logits_;  // [256, V]
};

}  // namespace

void for_each_canonical(ThreadPool& pool, std::size_t count,
                        const std::function<void(std::size_t index, unsigned worker)>& body) {
    pool.parallel_for(count, [&](std::size_t index, unsigned worker) {
        const kernels::CanonicalFloatMode mode;
        body(index, worker);
    });
}

std::unique_ptr<Ops> make_canonical_ops(const ModelConfig& config, const Kernels& kernels,
                                        Precision precision, ThreadPool& pool) {
    return std::make_unique<CanonicalOps>(config, kernels, precision, pool);
}

}  // namespace covenant::engine
