#include "tests/bench/optimiser/outer.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <vector>

namespace covenant::bench {
namespace {

class DenseStep final : public OuterStep {
  public:
    DenseStep(const engine::ParameterLayout& layout, std::size_t peers, const DenseHyper& hyper)
        : peers_(static_cast<double>(peers)),
          hyper_(hyper),
          bytes_(4.0 * static_cast<double>(layout.parameter_count())),
          sum_(layout.total_floats()),
          momentum_(layout.total_floats()) {}

    Status add(std::size_t /*peer*/, const engine::ParameterBuffer& start,
               const engine::ParameterBuffer& end) override {
        const auto from = start.floats();
        const auto to = end.floats();
        COVENANT_ASSERT(from.size() == sum_.size() && to.size() == sum_.size(), "one layout");
        for (std::size_t i = 0; i < sum_.size(); ++i)
            sum_[i] += static_cast<double>(from[i]) - static_cast<double>(to[i]);
        return {};
    }

    Status apply(engine::ParameterBuffer& theta) override {
        const auto out = theta.floats();
        for (std::size_t i = 0; i < sum_.size(); ++i) {
            const double gradient = sum_[i] / peers_;
            momentum_[i] = hyper_.momentum * momentum_[i] + gradient;
            const double step = gradient + hyper_.momentum * momentum_[i];
            out[i] = static_cast<float>(static_cast<double>(out[i]) - hyper_.learning_rate * step);
        }
        std::fill(sum_.begin(), sum_.end(), 0.0);
        return {};
    }

    [[nodiscard]] double bytes_per_round() const override { return bytes_; }

  private:
    double peers_;
    DenseHyper hyper_;
    double bytes_;
    std::vector<double> sum_;
    std::vector<double> momentum_;
};

}  // namespace

std::unique_ptr<OuterStep> dense_step(const engine::ParameterLayout& layout, std::size_t peers,
                                      const DenseHyper& hyper) {
    return std::make_unique<DenseStep>(layout, peers, hyper);
}

}  // namespace covenant::bench
