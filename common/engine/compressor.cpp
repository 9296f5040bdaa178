#include "common/engine/compressor.hpp"

#include "common/base/assert.hpp"
#include "common/base/level.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

constexpr std::uint32_t kMagnitude = 0x7FFFFFFFU;
constexpr std::uint32_t kInfinity = 0x7F800000U;

std::uint32_t magnitude(float value) {
    return std::bit_cast<std::uint32_t>(value) & kMagnitude;
}

// float(sum / count); 0 of nothing.
float mean_of(double sum, std::size_t count) {
    return count == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(count));
}

}  // namespace

std::uint32_t keep_count(std::uint32_t keep, std::uint32_t live) {
    const std::uint64_t rounded = (std::uint64_t{keep} * live + kChunkFloats / 2) / kChunkFloats;
    return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(rounded));
}

void accumulate(float beta, std::span<const float> error, std::span<const float> start,
                std::span<const float> end, std::span<float> a) {
    COVENANT_ASSERT(error.size() == a.size() && start.size() == a.size() && end.size() == a.size(),
                    "the four buffers have one size");
    for (std::size_t i = 0; i < a.size(); ++i) {
        const float difference = start[i] - end[i];
        a[i] = beta * error[i] + difference;
    }
}

Result<SparseChunk> compress_chunk(std::span<const float> a, std::uint32_t live,
                                   std::uint32_t count) {
    if (a.size() != kChunkFloats || live == 0 || live > kChunkFloats || count == 0 ||
        count > live) {
        return fail(Errc::kInvalidArgument, fmt::format("compress {} of {} values of a chunk of {}",
                                                        count, live, a.size()));
    }
    // One integer orders the rule: larger magnitude first, then the smaller index.
    std::array<std::uint64_t, kChunkFloats> keys;
    for (std::uint32_t i = 0; i < live; ++i) {
        const std::uint32_t bits = magnitude(a[i]);
        if (bits >= kInfinity) {
            return fail(Errc::kRejected, fmt::format("value {} is NaN or infinite", i));
        }
        keys[i] = (std::uint64_t{bits} << 16) | (0xFFFFU - i);
    }
    const auto first = keys.begin();
    if (count < live) {
        std::nth_element(first, first + count - 1, first + live, std::greater<>());
    }
    SparseChunk out;
    out.indices.resize(count);
    out.codes.resize(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        out.indices[i] = static_cast<std::uint16_t>(0xFFFFU - (keys[i] & 0xFFFFU));
    }
    std::sort(out.indices.begin(), out.indices.end());

    double sum = 0.0;
    for (const std::uint16_t index : out.indices)
        sum += static_cast<double>(std::fabs(a[index]));
    const float threshold = mean_of(sum, count);
    double low_sum = 0.0;
    double high_sum = 0.0;
    std::size_t high_count = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const float value = a[out.indices[i]];
        const float absolute = std::fabs(value);
        std::uint8_t code = std::signbit(value) ? kCodeNegative : std::uint8_t{0};
        if (absolute > threshold) {
            code |= kCodeHigh;
            high_sum += static_cast<double>(absolute);
            ++high_count;
        } else {
            low_sum += static_cast<double>(absolute);
        }
        out.codes[i] = code;
    }
    out.low = level_value(nearest_level(mean_of(low_sum, count - high_count)));
    out.high =
        high_count == 0 ? out.low : level_value(nearest_level(mean_of(high_sum, high_count)));
    if (out.low == out.high) {
        for (std::uint8_t& code : out.codes)
            code &= kCodeNegative;
    }
    return out;
}

void subtract_decoded(const SparseChunk& chunk, std::span<const float> a,
                      std::span<float> residual) {
    COVENANT_ASSERT(a.size() == residual.size(), "a and its residual have one size");
    std::copy(a.begin(), a.end(), residual.begin());
    for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
        const std::size_t at = chunk.indices[i];
        residual[at] = a[at] - chunk.value(i);
    }
}

void decode_chunk(const SparseChunk& chunk, std::span<float> out) {
    std::fill(out.begin(), out.end(), 0.0F);
    for (std::size_t i = 0; i < chunk.indices.size(); ++i)
        out[chunk.indices[i]] = chunk.value(i);
}

double decoded_norm(std::span<const SparseChunk> chunks) {
    double sum = 0.0;
    for (const SparseChunk& chunk : chunks) {
        std::size_t high_count = 0;
        for (const std::uint8_t code : chunk.codes)
            high_count += code & kCodeHigh;
        const double low = static_cast<double>(chunk.low);
        const double high = static_cast<double>(chunk.high);
        sum += static_cast<double>(chunk.codes.size() - high_count) * (low * low) +
               static_cast<double>(high_count) * (high * high);
    }
    return std::sqrt(sum);
}

Result<Compressed> compress(const ParameterLayout& layout, const CompressHyper& hyper,
                            const ParameterBuffer& start, const ParameterBuffer& end,
                            const ParameterBuffer& error) {
    const std::size_t size = layout.total_floats();
    if (start.size() != size || end.size() != size || error.size() != size) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("compress buffers of {}, {} and {} floats, the model needs {}",
                                start.size(), end.size(), error.size(), size));
    }
    if (hyper.keep < 1 || hyper.keep > kChunkFloats ||
        !(hyper.beta >= 0.0F && hyper.beta <= 1.0F)) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("compress with keep {} (1..4096) and beta {} (0..1)", hyper.keep,
                                hyper.beta));
    }
    Compressed out;
    out.accumulated = ParameterBuffer(layout);
    out.residual = ParameterBuffer(layout);
    out.chunks.reserve(layout.chunk_count());
    std::size_t chunk = 0;
    for (const TensorSlot& slot : layout.tensors()) {
        for (std::size_t i = 0; i < slot.chunks(); ++i, ++chunk) {
            const std::uint32_t live = layout.live_floats(chunk);
            const std::span<float> a = out.accumulated.chunk(chunk).first(live);
            accumulate(hyper.beta, error.chunk(chunk).first(live), start.chunk(chunk).first(live),
                       end.chunk(chunk).first(live), a);
            Result<SparseChunk> sparse =
                compress_chunk(out.accumulated.chunk(chunk), live, keep_count(hyper.keep, live));
            if (!sparse) {
                return fail(std::move(sparse).error().within(
                    fmt::format("pseudo-gradient of {}, chunk {}", slot.name, i)));
            }
            subtract_decoded(*sparse, out.accumulated.chunk(chunk), out.residual.chunk(chunk));
            out.chunks.push_back(std::move(*sparse));
        }
    }
    out.norm = decoded_norm(out.chunks);
    return out;
}

Status check_chunks(const ParameterLayout& layout, std::uint32_t keep,
                    std::span<const SparseChunk> chunks) {
    if (chunks.size() != layout.chunk_count()) {
        return fail(Errc::kMalformed, fmt::format("{} chunks, the model has {}", chunks.size(),
                                                  layout.chunk_count()));
    }
    for (std::size_t at = 0; at < chunks.size(); ++at) {
        const SparseChunk& chunk = chunks[at];
        const std::uint32_t live = layout.live_floats(at);
        const std::uint32_t count = keep_count(keep, live);
        if (chunk.indices.size() != count || chunk.codes.size() != count) {
            return fail(Errc::kMalformed,
                        fmt::format("chunk {} has {} indices and {} codes, must have {}", at,
                                    chunk.indices.size(), chunk.codes.size(), count));
        }
        if (chunk.indices.back() >= live ||
            !std::ranges::is_sorted(chunk.indices, std::ranges::less_equal{})) {
            return fail(Errc::kMalformed,
                        fmt::format("chunk {}: indices must ascend and stay below {}", at, live));
        }
        if (std::ranges::any_of(chunk.codes, [](std::uint8_t code) { return code > 3; })) {
            return fail(Errc::kMalformed, fmt::format("chunk {}: a code is above 3", at));
        }
        if (!is_level(chunk.low) || !is_level(chunk.high) || chunk.low > chunk.high) {
            return fail(Errc::kMalformed,
                        fmt::format("chunk {}: {} and {} must be levels of 8 bits, low <= high", at,
                                    chunk.low, chunk.high));
        }
    }
    return {};
}

void subtract_scaled(ParameterBuffer& theta, std::span<const SparseChunk> chunks, float scale) {
    COVENANT_ASSERT(chunks.size() == theta.chunk_count(), "chunks fit the parameters");
    for (std::size_t at = 0; at < chunks.size(); ++at) {
        const std::span<float> out = theta.chunk(at);
        for (std::size_t i = 0; i < chunks[at].indices.size(); ++i) {
            out[chunks[at].indices[i]] -= scale * chunks[at].value(i);
        }
    }
}

}  // namespace covenant::engine
