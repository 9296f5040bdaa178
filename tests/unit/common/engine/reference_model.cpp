#include "tests/unit/common/engine/reference_model.hpp"

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace covenant::engine::testing {
namespace {

using Vector = std::vector<double>;

struct Reference {
    const ParameterLayout& layout;
    const ParameterBuffer& theta;

    [[nodiscard]] const TensorSlot& slot(const std::string& name) const {
        for (const TensorSlot& one : layout.tensors()) {
            if (one.name == name) return one;
        }
        throw std::invalid_argument(name);
    }
    [[nodiscard]] double at(const TensorSlot& s, std::size_t i) const {
        return static_cast<double>(theta.floats()[s.offset + i]);
    }
    [[nodiscard]] Vector multiply(const std::string& name, const Vector& x) const {
        const TensorSlot& s = slot(name);
        Vector y(s.rows, 0.0);
        for (std::size_t r = 0; r < s.rows; ++r) {
            for (std::size_t c = 0; c < s.cols; ++c)
                y[r] += at(s, r * s.cols + c) * x[c];
        }
        return y;
    }
    [[nodiscard]] Vector norm(const std::string& name, const Vector& x) const {
        double squares = 0.0;
        for (const double value : x)
            squares += value * value;
        const double scale = 1.0 / std::sqrt(squares / static_cast<double>(x.size()) +
                                             static_cast<double>(layout.config().norm_eps));
        Vector y(x.size());
        for (std::size_t i = 0; i < x.size(); ++i)
            y[i] = x[i] * scale * at(slot(name), i);
        return y;
    }
    void rotate(Vector& x, std::size_t position) const {
        const std::size_t size = layout.config().head_dim();
        for (std::size_t head = 0; head < x.size(); head += size) {
            for (std::size_t i = 0; i < size / 2; ++i) {
                const double angle =
                    static_cast<double>(position) *
                    std::pow(static_cast<double>(layout.config().rope_theta),
                             -2.0 * static_cast<double>(i) / static_cast<double>(size));
                const double low = x[head + i];
                const double high = x[head + size / 2 + i];
                x[head + i] = low * std::cos(angle) - high * std::sin(angle);
                x[head + size / 2 + i] = high * std::cos(angle) + low * std::sin(angle);
            }
        }
    }
};

}  // namespace

double reference_loss(const ParameterLayout& layout, const ParameterBuffer& theta,
                      std::span<const std::uint32_t> tokens) {
    const Reference model{layout, theta};
    const ModelConfig& config = layout.config();
    const std::size_t size = config.head_dim();
    const std::size_t group = config.heads / config.kv_heads;
    double total = 0.0;
    std::size_t terms = 0;
    for (std::size_t start = 0; start < tokens.size(); start += config.seq_len + 1) {
        std::vector<std::vector<Vector>> keys(config.layers);
        std::vector<std::vector<Vector>> values(config.layers);
        for (std::size_t t = 0; t < config.seq_len; ++t) {
            Vector x(config.d_model);
            for (std::size_t i = 0; i < x.size(); ++i) {
                x[i] = model.at(model.slot("model.embed_tokens.weight"),
                                tokens[start + t] * std::size_t{config.d_model} + i);
            }
            for (std::size_t layer = 0; layer < config.layers; ++layer) {
                const std::string name = "model.layers." + std::to_string(layer) + ".";
                const Vector h = model.norm(name + "input_layernorm.weight", x);
                Vector q = model.multiply(name + "self_attn.q_proj.weight", h);
                Vector k = model.multiply(name + "self_attn.k_proj.weight", h);
                model.rotate(q, t);
                model.rotate(k, t);
                keys[layer].push_back(k);
                values[layer].push_back(model.multiply(name + "self_attn.v_proj.weight", h));
                Vector mixed(config.d_model, 0.0);
                for (std::size_t head = 0; head < config.heads; ++head) {
                    const std::size_t shared = (head / group) * size;
                    Vector weight(t + 1);
                    double sum = 0.0;
                    for (std::size_t s = 0; s <= t; ++s) {
                        double score = 0.0;
                        for (std::size_t i = 0; i < size; ++i) {
                            score += q[head * size + i] * keys[layer][s][shared + i];
                        }
                        weight[s] = std::exp(score / std::sqrt(static_cast<double>(size)));
                        sum += weight[s];
                    }
                    for (std::size_t s = 0; s <= t; ++s) {
                        for (std::size_t i = 0; i < size; ++i) {
                            mixed[head * size + i] +=
                                weight[s] / sum * values[layer][s][shared + i];
                        }
                    }
                }
                const Vector attended = model.multiply(name + "self_attn.o_proj.weight", mixed);
                for (std::size_t i = 0; i < x.size(); ++i)
                    x[i] += attended[i];
                const Vector g = model.norm(name + "post_attention_layernorm.weight", x);
                Vector gate = model.multiply(name + "mlp.gate_proj.weight", g);
                const Vector up = model.multiply(name + "mlp.up_proj.weight", g);
                for (std::size_t i = 0; i < gate.size(); ++i) {
                    gate[i] = gate[i] / (1.0 + std::exp(-gate[i])) * up[i];
                }
                const Vector down = model.multiply(name + "mlp.down_proj.weight", gate);
                for (std::size_t i = 0; i < x.size(); ++i)
                    x[i] += down[i];
            }
            const Vector logits =
                model.multiply("lm_head.weight", model.norm("model.norm.weight", x));
            double sum = 0.0;
            for (const double logit : logits)
                sum += std::exp(logit);
            total += std::log(sum) - logits[tokens[start + t + 1]];
            ++terms;
        }
    }
    return total / static_cast<double>(terms);
}

}  // namespace covenant::engine::testing
