// The one place of this benchmark that speaks to the compressor, the aggregation and the format.
#include "common/engine/compressor.hpp"
#include "common/protocol/payload_format.hpp"
#include "tests/bench/optimiser/outer.hpp"

#include <utility>
#include <vector>

namespace covenant::bench {
namespace {

constexpr std::uint64_t kFullSegments = 1;  // every peer weighs the same

// 2 bits a value: its sign and one of two levels.
Sparsity sparsity_of(const SparseHyper& hyper) {
    return {.keep = static_cast<std::uint16_t>(hyper.keep), .code_bits = 2};
}

class SparseStep final : public OuterStep {
  public:
    SparseStep(const engine::ParameterLayout& layout, std::size_t peers, const SparseHyper& hyper)
        : layout_(layout), hyper_(hyper), sent_(peers) {
        for (std::size_t peer = 0; peer < peers; ++peer)
            errors_.emplace_back(layout);
    }

    Status add(std::size_t peer, const engine::ParameterBuffer& start,
               const engine::ParameterBuffer& end) override {
        COVENANT_TRY(
            engine::Compressed made,
            engine::compress(layout_, {.beta = hyper_.beta, .sparsity = sparsity_of(hyper_)}, start,
                             end, errors_.at(peer)));
        engine::subtract_sent(made.update, errors_[peer]);
        bytes_ += static_cast<double>(protocol::encode_payload(made.update).size());
        updates_ += 1.0;
        sent_[peer] = std::move(made.update);
        return {};
    }

    Status apply(engine::ParameterBuffer& theta) override {
        std::vector<engine::Contribution> contributions;
        for (std::size_t peer = 0; peer < sent_.size(); ++peer)
            contributions.push_back({.uid = static_cast<std::uint16_t>(peer),
                                     .segments = kFullSegments,
                                     .update = &sent_[peer]});
        COVENANT_TRY(
            [[maybe_unused]] const engine::AggregateReport report,
            engine::aggregate(
                layout_,
                {.alpha = hyper_.alpha, .support = hyper_.support, .full_segments = kFullSegments},
                contributions, theta));
        return {};
    }

    [[nodiscard]] double bytes_per_round() const override {
        return updates_ == 0.0 ? 0.0 : bytes_ / updates_;
    }

  private:
    engine::ParameterLayout layout_;
    SparseHyper hyper_;
    std::vector<engine::ParameterBuffer> errors_;
    std::vector<SparseUpdate> sent_;
    double bytes_ = 0.0;
    double updates_ = 0.0;
};

}  // namespace

std::unique_ptr<OuterStep> sparse_step(const engine::ParameterLayout& layout, std::size_t peers,
                                       const SparseHyper& hyper) {
    return std::make_unique<SparseStep>(layout, peers, hyper);
}

}  // namespace covenant::bench
