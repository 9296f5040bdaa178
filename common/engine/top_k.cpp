#include "common/engine/top_k.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <bit>

namespace covenant::engine {
namespace {

// The first step from where a cut may be, in bits of a magnitude: about a twentieth of it.
constexpr std::uint32_t kFirstStep = 1U << 19;

std::uint32_t magnitude_bits(float value) {
    return std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU;
}

}  // namespace

// Ends when `wanted` to `enough` magnitudes reach low, or when nothing lies between low and high.
// Starts at `next`.
TopK::Cut TopK::narrow(std::span<const float> values, std::uint32_t wanted, std::uint32_t enough,
                       Cut out, std::uint32_t next) {
    const Cut whole = out;
    std::uint32_t step = kFirstStep;
    bool one_side = true;
    while (out.reached > enough && out.high - out.low > 1) {
        if (!one_side || next <= out.low || next >= out.high) {
            next = out.low + (out.high - out.low) / 2;
            one_side = false;
        }
        const std::uint32_t count =
            kernels::chunk_loops().count_at_least(values.data(), values.size(), next);
        if (count >= wanted) {
            out.low = next;
            out.reached = count;
            next = out.high - out.low > step ? out.low + step : out.high;
        } else {
            out.high = next;
            out.above = count;
            next = out.high - out.low > step ? out.high - step : out.low;
        }
        // Moves away from the start in growing steps while the cut is on one side of all tries.
        step *= 2;
        one_side = one_side && (out.low == whole.low || out.high == whole.high);
    }
    return out;
}

// Indices of the magnitudes from `least` on, ascending, to candidates_; returns how many.
std::size_t TopK::collect(std::span<const float> values, std::uint32_t least,
                          const kernels::Ahead& ahead) {
    const std::size_t whole = values.size() / 64 * 64;
    kernels::chunk_loops().mask_at_least(values.data(), whole, least, masks_.data(), ahead);
    std::size_t count = kernels::chunk_loops().numbers_of_bits(masks_.data(), whole / 64,
                                                               candidates_.data(), ahead);
    for (std::size_t i = whole; i < values.size(); ++i) {
        if (magnitude_bits(values[i]) >= least)
            candidates_[count++] = static_cast<std::uint16_t>(i);
    }
    return count;
}

void TopK::select(std::span<const float> values, std::span<const float> peaks,
                  std::span<std::uint16_t> indices, const kernels::Ahead& ahead) {
    COVENANT_ASSERT(
        !indices.empty() && indices.size() <= values.size() && values.size() <= kChunkElements,
        "1 to all values of a chunk are selected");
    const auto wanted = static_cast<std::uint32_t>(indices.size());
    // The peaks serve only when at most half of them are wanted. A cut that half of the peaks reach
    // is reached by about 0.7 values a peak; a cut that nearly all peaks reach, by far more.
    const std::span<const float> first = 2 * wanted <= peaks.size() ? peaks : values;
    const Cut all{.reached = static_cast<std::uint32_t>(first.size())};
    const std::uint32_t enough = wanted + std::max<std::uint32_t>(16, wanted / 4);
    const std::uint32_t least = narrow(first, wanted, enough, all, hint_).low;
    hint_ = least;
    const std::size_t count = collect(values, least, ahead);
    if (count > wanted) {
        // The cut among the candidates, exactly.
        const auto found = std::span(of_candidates_).first(count);
        for (std::size_t i = 0; i < count; ++i)
            found[i] = values[candidates_[i]];
        const Cut cut = narrow(found, wanted, wanted,
                               {.low = least, .reached = static_cast<std::uint32_t>(count)},
                               least + kFirstStep);
        // Either exactly as many candidates as wanted reach low. Or nothing lies between low and
        // high: all that reach high are kept, and the first ones of those that equal low.
        const bool exact = cut.reached == wanted;
        const std::uint32_t sure = exact ? cut.low : cut.high;
        std::size_t equal = exact ? 0 : wanted - cut.above;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t magnitude = magnitude_bits(found[i]);
            const bool tie = magnitude == cut.low && equal > 0;
            candidates_[kept] = candidates_[i];
            kept += static_cast<std::size_t>(magnitude >= sure || tie);
            equal -= static_cast<std::size_t>(tie);
        }
    }
    std::copy_n(candidates_.begin(), indices.size(), indices.begin());
}

}  // namespace covenant::engine
