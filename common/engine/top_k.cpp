#include "common/engine/top_k.hpp"

#include "common/base/assert.hpp"
#include "common/engine/chunk_loops.hpp"

#include <algorithm>
#include <bit>

namespace covenant::engine {
namespace {

// The first step from the last chunk's cut, in bits of a magnitude: about a twentieth of it.
constexpr std::uint32_t kFirstStep = 1U << 19;

std::uint32_t count_at_least(std::span<const std::uint32_t> magnitudes, std::uint32_t least) {
    return chunk_loops().count_at_least(magnitudes.data(), magnitudes.size(), least);
}

}  // namespace

// Ends when only a few more than `wanted` reach low, or when nothing lies between low and high.
TopK::Cut TopK::cut(std::span<const std::uint32_t> magnitudes, std::uint32_t wanted) {
    const std::uint32_t enough = wanted + std::max<std::uint32_t>(16, wanted / 4);
    Cut out;
    std::uint32_t next = hint_;
    std::uint32_t step = kFirstStep;
    bool from_hint = hint_ != 0;
    while (out.high - out.low > 1) {
        if (!from_hint || next <= out.low || next >= out.high) {
            next = out.low + (out.high - out.low) / 2;
            from_hint = false;
        }
        const std::uint32_t count = count_at_least(magnitudes, next);
        if (count >= wanted) {
            out.low = next;
            if (count <= enough) break;
            next = out.high - out.low > step ? out.low + step : out.high;
        } else {
            out.high = next;
            next = out.high - out.low > step ? out.high - step : out.low;
        }
        // Away from the hint in growing steps while all answers are on one side of it.
        step *= 2;
        from_hint = from_hint && (out.low == 0 || out.high == kInfinityBits);
    }
    hint_ = out.low;
    return out;
}

// Indices of the magnitudes from `least` on, ascending, to candidates_; returns how many.
std::size_t TopK::collect(std::span<const std::uint32_t> magnitudes, std::uint32_t least) {
    const std::size_t whole = magnitudes.size() / 64 * 64;
    chunk_loops().mask_at_least(magnitudes.data(), whole, least, masks_.data());
    std::size_t count = 0;
    for (std::size_t i = 0; i < whole; i += 64) {
        std::uint64_t mask = masks_[i / 64];
        const auto found = static_cast<std::size_t>(std::popcount(mask));
        std::uint16_t* const out = candidates_.data() + count;
        const auto write = [&](std::size_t j) {
            // Of no bit it is 64: written into the slack or overwritten by what comes next.
            out[j] = static_cast<std::uint16_t>(i + static_cast<unsigned>(std::countr_zero(mask)));
            mask &= mask - 1;
        };
        // Four at a time without asking, because most blocks have fewer and no two are alike.
        for (std::size_t j = 0; j < found; j += 4) {
            write(j);
            write(j + 1);
            write(j + 2);
            write(j + 3);
        }
        count += found;
    }
    for (std::size_t i = whole; i < magnitudes.size(); ++i) {
        if (magnitudes[i] >= least) candidates_[count++] = static_cast<std::uint16_t>(i);
    }
    return count;
}

void TopK::select(std::span<const std::uint32_t> magnitudes, std::span<std::uint16_t> indices) {
    const std::size_t wanted = indices.size();
    COVENANT_ASSERT(
        wanted >= 1 && wanted <= magnitudes.size() && magnitudes.size() <= kChunkElements,
        "1 to all values of a chunk are selected");
    auto [low, high] = cut(magnitudes, static_cast<std::uint32_t>(wanted));
    const std::size_t count = collect(magnitudes, low);
    if (count > wanted) {
        // The cut among the candidates, exactly.
        const auto found = std::span(of_candidates_).first(count);
        for (std::size_t i = 0; i < count; ++i)
            found[i] = magnitudes[candidates_[i]];
        std::uint32_t above = count_at_least(found, high);
        while (high - low > 1) {
            const std::uint32_t middle = low + (high - low) / 2;
            const std::uint32_t reached = count_at_least(found, middle);
            if (reached > wanted) {
                low = middle;
            } else {
                high = middle;
                above = reached;
                if (reached == wanted) break;
            }
        }
        // All from high on, and of those equal to low (nothing lies between) the first ones.
        std::size_t equal = wanted - above;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const bool tie = found[i] == low && equal > 0;
            candidates_[kept] = candidates_[i];
            kept += static_cast<std::size_t>(found[i] >= high || tie);
            equal -= static_cast<std::size_t>(tie);
        }
    }
    std::copy_n(candidates_.begin(), wanted, indices.begin());
}

}  // namespace covenant::engine
