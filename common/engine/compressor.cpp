#include "common/engine/compressor.hpp"

#include "common/base/assert.hpp"
#include "common/engine/for_chunks.hpp"
#include "common/engine/kernels/chunk_loops.hpp"
#include "common/engine/top_k.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <memory>
#include <vector>

#include <fmt/format.h>

namespace covenant::engine {
namespace {

// Splits each of kParts / 2 parts at its mean and finds the means of the new parts; kParts = 1
// takes all values as one part. One pass makes all sums side by side, because a sum alone waits for
// each of its additions. A value outside a part adds +0 to the part's sum, which changes no bit of
// it.
template <std::size_t kParts>
void split(std::span<const float> values, std::span<std::uint8_t> parts,
           std::array<float, kMaxLevels>& means) {
    const std::array<float, kMaxLevels> wholes = means;
    std::array<double, kParts> sums{};
    std::array<std::uint32_t, kParts> counts{};
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float magnitude = std::fabs(values[i]);
        std::size_t part = 0;
        if constexpr (kParts > 1) {
            // The magnitude's bits are compared with the mean's. A branch would be taken by half
            // of the values, so that the processor could not predict it.
            const std::size_t whole = parts[i];
            const auto mean = std::bit_cast<std::uint32_t>(wholes[whole]);
            part = 2 * whole + ((mean - std::bit_cast<std::uint32_t>(magnitude)) >> 31U);
        }
        parts[i] = static_cast<std::uint8_t>(part);
        const auto bits = std::bit_cast<std::uint64_t>(static_cast<double>(magnitude));
        for (std::size_t j = 0; j < kParts; ++j) {
            const std::uint32_t inside = part == j ? 1 : 0;
            sums[j] += std::bit_cast<double>(bits & (0 - std::uint64_t{inside}));
            counts[j] += inside;
        }
    }
    for (std::size_t j = 0; j < kParts; ++j) {
        means[j] = counts[j] == 0 ? wholes[j / 2]
                                  : static_cast<float>(sums[j] / static_cast<double>(counts[j]));
    }
}

// `memory` has room for the kept values.
void quantise(std::span<const float> a, const MutableSparseView& chunk, std::span<float> memory) {
    const std::span<std::uint8_t> codes = chunk.codes;
    const std::span<float> values = memory.first(codes.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = a[chunk.indices[i]];
    std::array<float, kMaxLevels> means{};
    split<1>(values, codes, means);
    if (chunk.levels.size() >= 2) split<2>(values, codes, means);
    if (chunk.levels.size() >= 4) split<4>(values, codes, means);
    if (chunk.levels.size() >= 8) split<8>(values, codes, means);
    static_assert(kMaxLevels == 8);
    std::array<std::uint8_t, kMaxLevels> first{};  // the lowest part with the same level
    for (std::size_t part = 0; part < chunk.levels.size(); ++part) {
        chunk.levels[part] = nearest_level(means[part]);
        const bool same = part > 0 && chunk.levels[part] == chunk.levels[part - 1];
        first[part] = same ? first[part - 1] : static_cast<std::uint8_t>(part);
    }
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const bool negative = std::signbit(values[i]);
        codes[i] = static_cast<std::uint8_t>(first[codes[i]] | (negative ? kCodeNegative : 0));
    }
}

// beta = 1, start = -0 and end = +0 leave a as it is, a zero of either sign too: a + (-0 - +0) = a.
constexpr std::array<float, kChunkElements> kZeros{};
constexpr std::array<float, kChunkElements> kMinusZeros = [] {
    std::array<float, kChunkElements> out{};
    out.fill(-0.0F);
    return out;
}();

// One thread's memory.
struct Worker {
    TopK top_k;
    alignas(64) std::array<float, kernels::kPeaks> peaks;
    std::array<float, kChunkElements> kept;

    // a = beta * a + (start - end), compressed; false when a value is NaN or infinite.
    bool compress(float beta, std::span<const float> start, std::span<const float> end,
                  std::span<float> a, const MutableSparseView& chunk,
                  const kernels::Ahead& ahead = {}) {
        const std::uint32_t largest = kernels::chunk_loops().accumulate(
            beta, start.data(), end.data(), a.size(), a.data(), peaks.data());
        if (largest >= kInfinityBits) return false;
        top_k.select(a, std::span(peaks).first(std::min(a.size(), kernels::kPeaks)), chunk.indices,
                     ahead);
        quantise(a, chunk, kept);
        return true;
    }
};

// Counts in bytes, because a vector holds many, and in blocks whose count fits a byte.
std::uint32_t count_of_level(std::span<const std::uint8_t> codes, std::uint8_t level) {
    constexpr std::size_t kBlock = 64;
    const auto in_block = [level](const std::uint8_t* block, std::size_t size) {
        std::uint8_t count = 0;
        for (std::size_t i = 0; i < size; ++i) {
            const auto of_code = static_cast<std::uint8_t>(block[i] & kCodeLevel);
            count = static_cast<std::uint8_t>(count + static_cast<std::uint8_t>(of_code == level));
        }
        return std::uint32_t{count};
    };
    std::uint32_t count = 0;
    std::size_t i = 0;
    for (; i + kBlock <= codes.size(); i += kBlock)
        count += in_block(codes.data() + i, kBlock);
    return count + in_block(codes.data() + i, codes.size() - i);
}

std::string name_of_chunk(const ParameterLayout& layout, std::size_t chunk) {
    for (const TensorSlot& slot : layout.tensors()) {
        if (chunk < slot.chunks()) return fmt::format("{}, chunk {}", slot.name, chunk);
        chunk -= slot.chunks();
    }
    return "no tensor";
}

Status check_sizes(const ParameterLayout& layout, std::span<const std::size_t> sizes) {
    for (const std::size_t size : sizes) {
        if (size != layout.total_floats()) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("compress a buffer of {} floats, the model needs {}", size,
                                    layout.total_floats()));
        }
    }
    return {};
}

Status check_hyper(const CompressHyper& hyper) {
    if (!hyper.sparsity.valid() || !(hyper.beta >= 0.0F && hyper.beta <= 1.0F)) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("compress with keep {} (1..4096), codes of {} bits (1..4) and beta "
                                "{} (0..1)",
                                hyper.sparsity.keep, hyper.sparsity.code_bits, hyper.beta));
    }
    return {};
}

// a becomes beta * (a - arrived) + (start_of(chunk) - end_of(chunk)). Returns what is sent of it.
template <typename StartOf, typename EndOf>
Result<SparseUpdate> compress_chunks(const ParameterLayout& layout, const CompressHyper& hyper,
                                     const StartOf& start_of, const EndOf& end_of,
                                     ParameterBuffer& a, ThreadPool* pool,
                                     const SparseUpdate* arrived) {
    SparseUpdate out(hyper.sparsity, layout.chunk_elements());
    std::vector<std::unique_ptr<Worker>> workers(pool == nullptr ? 1 : pool->threads());
    std::atomic<std::size_t> bad = layout.chunk_count();  // the first bad chunk, here none
    for_chunks(layout.chunk_count(), pool, [&](std::size_t at, unsigned thread) {
        if (workers[thread] == nullptr) workers[thread] = std::make_unique<Worker>();
        const std::uint32_t live = layout.live_floats(at);
        const std::size_t next = std::min(at + 1, layout.chunk_count() - 1);
        const kernels::Ahead ahead{
            .inputs = {a.chunk(next).data(), start_of(next).data(), end_of(next).data()},
            .count = kChunkElements};
        if (arrived != nullptr) subtract_sent(arrived->chunk(at), a.chunk(at));
        if (workers[thread]->compress(hyper.beta, start_of(at).first(live), end_of(at).first(live),
                                      a.chunk(at).first(live), out.chunk(at), ahead)) {
            return;
        }
        std::size_t first = bad;
        while (at < first && !bad.compare_exchange_weak(first, at)) {
        }
    });
    if (bad < layout.chunk_count()) {
        return fail(Errc::kRejected, fmt::format("pseudo-gradient of {}: NaN or infinity",
                                                 name_of_chunk(layout, bad)));
    }
    return out;
}

}  // namespace

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
                                   const Sparsity& sparsity) {
    if (a.size() != kChunkFloats || live == 0 || live > kChunkFloats || !sparsity.valid()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("compress {} of {} values of a chunk, keep {}, codes of {} bits",
                                live, a.size(), sparsity.keep, sparsity.code_bits));
    }
    SparseChunk out = SparseChunk::zeros(sparsity, live);
    const auto worker = std::make_unique<Worker>();
    std::vector<float> copy(a.begin(), a.begin() + live);
    if (!worker->compress(1.0F, std::span(kMinusZeros).first(live), std::span(kZeros).first(live),
                          copy, out.view())) {
        return fail(Errc::kRejected, "a value is NaN or infinite");
    }
    return out;
}

void subtract_sent(const SparseView& chunk, std::span<float> a) {
    std::array<float, 2 * kMaxLevels> of_code{};
    for (std::size_t i = 0; i < chunk.levels.size(); ++i) {
        of_code[i] = level_value(chunk.levels[i]);
        of_code[i + kMaxLevels] = -of_code[i];
    }
    for (std::size_t i = 0; i < chunk.indices.size(); ++i) {
        const std::size_t code = chunk.codes[i];
        a[chunk.indices[i]] -= of_code[(code >> 7U) * kMaxLevels | (code & kCodeLevel)];
    }
}

void decode_chunk(const SparseView& chunk, std::span<float> out) {
    std::fill(out.begin(), out.end(), 0.0F);
    for (std::size_t i = 0; i < chunk.indices.size(); ++i)
        out[chunk.indices[i]] = chunk.value(i);
}

double decoded_norm(const SparseUpdate& update, ThreadPool* pool) {
    std::vector<double> squares(update.chunk_count());
    for_chunks(squares.size(), pool, [&](std::size_t at, unsigned) {
        const SparseView chunk = update.chunk(at);
        std::array<std::uint32_t, kMaxLevels> counts{};
        counts[0] = static_cast<std::uint32_t>(chunk.codes.size());
        for (std::size_t i = 1; i < chunk.levels.size(); ++i) {
            counts[i] = count_of_level(chunk.codes, static_cast<std::uint8_t>(i));
            counts[0] -= counts[i];
        }
        for (std::size_t i = 0; i < chunk.levels.size(); ++i) {
            const auto level = static_cast<double>(level_value(chunk.levels[i]));
            squares[at] += static_cast<double>(counts[i]) * (level * level);
        }
    });
    double sum = 0.0;
    for (const double one : squares)
        sum += one;
    return std::sqrt(sum);
}

Result<Compressed> compress(const ParameterLayout& layout, const CompressHyper& hyper,
                            const ParameterBuffer& start, const ParameterBuffer& end,
                            ParameterBuffer& feedback, ThreadPool* pool,
                            const SparseUpdate* arrived) {
    COVENANT_CHECK(check_sizes(layout, std::array{start.size(), end.size(), feedback.size()}));
    COVENANT_CHECK(check_hyper(hyper));
    if (arrived != nullptr && arrived->chunk_count() != layout.chunk_count()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("compress after an update of {} chunks, the model has {}",
                                arrived->chunk_count(), layout.chunk_count()));
    }
    COVENANT_TRY(SparseUpdate update,
                 compress_chunks(
                     layout, hyper, [&](std::size_t at) { return start.chunk(at); },
                     [&](std::size_t at) { return end.chunk(at); }, feedback, pool, arrived));
    const double norm = decoded_norm(update, pool);
    return Compressed{.update = std::move(update), .norm = norm};
}

Result<SparseUpdate> sent_of(const ParameterLayout& layout, const Sparsity& sparsity,
                             ParameterBuffer& a, ThreadPool* pool) {
    COVENANT_CHECK(check_sizes(layout, std::array{a.size()}));
    const CompressHyper hyper{.beta = 1.0F, .sparsity = sparsity};
    COVENANT_CHECK(check_hyper(hyper));
    return compress_chunks(
        layout, hyper, [](std::size_t) { return std::span(kMinusZeros); },
        [](std::size_t) { return std::span(kZeros); }, a, pool, nullptr);
}

void subtract_sent(const SparseUpdate& update, ParameterBuffer& a, ThreadPool* pool) {
    COVENANT_ASSERT(update.chunk_count() == a.chunk_count(), "the update fits the buffer");
    for_chunks(update.chunk_count(), pool,
               [&](std::size_t at, unsigned) { subtract_sent(update.chunk(at), a.chunk(at)); });
}

Status check_update(const ParameterLayout& layout, const Sparsity& sparsity,
                    const SparseUpdate& update) {
    if (update.chunk_count() != layout.chunk_count() || update.sparsity() != sparsity) {
        return fail(
            Errc::kMalformed,
            fmt::format("{} chunks at k {} with codes of {} bits, the model has {} at k {} "
                        "with {}",
                        update.chunk_count(), update.sparsity().keep, update.sparsity().code_bits,
                        layout.chunk_count(), sparsity.keep, sparsity.code_bits));
    }
    for (std::size_t at = 0; at < layout.chunk_count(); ++at) {
        const SparseView chunk = update.chunk(at);
        const std::uint32_t live = layout.live_floats(at);
        const std::uint32_t count = sparsity.kept_of(live);
        if (chunk.indices.size() != count) {
            return fail(Errc::kMalformed, fmt::format("chunk {} has {} values, must have {}", at,
                                                      chunk.indices.size(), count));
        }
        if (chunk.indices.back() >= live ||
            !std::ranges::is_sorted(chunk.indices, std::ranges::less_equal{})) {
            return fail(Errc::kMalformed,
                        fmt::format("chunk {}: indices must ascend and stay below {}", at, live));
        }
        if (!std::ranges::is_sorted(chunk.levels)) {
            return fail(Errc::kMalformed, fmt::format("chunk {}: levels must ascend", at));
        }
        const bool known = std::ranges::all_of(chunk.codes, [&](std::uint8_t code) {
            return (code & kCodeLevel) < chunk.levels.size();
        });
        if (!known || !codes_are_canonical(chunk)) {
            return fail(Errc::kMalformed,
                        fmt::format("chunk {}: a code names no level, or the second of two", at));
        }
    }
    return {};
}

void subtract_scaled(ParameterBuffer& theta, const SparseUpdate& update, float scale) {
    COVENANT_ASSERT(update.chunk_count() == theta.chunk_count(), "the update fits the parameters");
    for (std::size_t at = 0; at < update.chunk_count(); ++at) {
        const std::span<float> out = theta.chunk(at);
        const SparseView chunk = update.chunk(at);
        for (std::size_t i = 0; i < chunk.indices.size(); ++i)
            out[chunk.indices[i]] -= scale * chunk.value(i);
    }
}

}  // namespace covenant::engine
