#include "common/engine/sampler.hpp"

#include "common/base/assert.hpp"
#include "common/base/counter_rng.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

double uniform(std::uint64_t seed, std::uint64_t position) {
    const auto words = CounterRng(seed).block(position);
    const std::uint64_t word = std::uint64_t{words[1]} << 32 | words[0];
    return static_cast<double>(word >> 11) * 0x1p-53;
}

float weight_of(std::uint64_t entry) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(entry >> 32));
}
std::uint32_t token_of(std::uint64_t entry) {
    return ~static_cast<std::uint32_t>(entry);
}

}  // namespace

Status SamplingOptions::validate() const {
    if (temperature != 0.0 && !(temperature >= 0.01 && temperature <= 100.0)) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("temperature is {}, must be 0 or in [0.01, 100]", temperature));
    }
    if (!(top_p > 0.0 && top_p <= 1.0)) {
        return fail(Errc::kInvalidArgument, fmt::format("top-p is {}, must be in (0, 1]", top_p));
    }
    return {};
}

std::uint32_t Sampler::next(std::span<const float> logits, std::uint64_t position) {
    COVENANT_ASSERT(!logits.empty(), "a vocabulary has tokens");
    const auto largest = std::ranges::max_element(logits);  // the first of equals
    if (options_.temperature == 0.0) return static_cast<std::uint32_t>(largest - logits.begin());

    const auto temperature = static_cast<float>(options_.temperature);
    const kernels::CanonicalFloatMode mode;
    exponents_.resize(logits.size());
    weights_.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i)
        exponents_[i] = (logits[i] - *largest) / temperature;
    kernels_->exp(exponents_.data(), exponents_.size(), weights_.data());
    double total = 0.0;
    order_.clear();
    for (std::size_t i = 0; i < weights_.size(); ++i) {
        total += static_cast<double>(weights_[i]);
        order_.push_back(std::uint64_t{std::bit_cast<std::uint32_t>(weights_[i])} << 32 |
                         static_cast<std::uint32_t>(~static_cast<std::uint32_t>(i)));
    }
    // A nucleus is small next to the vocabulary: a heap gives its members in order without sorting
    // the rest. The members gather at the end of order_, the first member last.
    std::ranges::make_heap(order_);
    const double wanted = options_.top_p * total;
    double sum = 0.0;
    auto end = order_.end();
    while (end != order_.begin() && (sum < wanted || end == order_.end())) {
        std::ranges::pop_heap(order_.begin(), end);
        --end;
        sum += static_cast<double>(weight_of(*end));
    }
    const double threshold = uniform(options_.seed, position) * sum;
    double running = 0.0;
    for (auto at = order_.end(); at != end;) {
        --at;
        running += static_cast<double>(weight_of(*at));
        if (running > threshold) return token_of(*at);
    }
    return token_of(order_.back());
}

}  // namespace covenant::engine
