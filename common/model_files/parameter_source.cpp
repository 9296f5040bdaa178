#include "common/model_files/parameter_source.hpp"

#include "common/base/assert.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace covenant::model_files {

using engine::kChunkBytes;
using engine::kChunkFloats;

Status Monitor::report(std::uint64_t done, std::uint64_t total) const {
    if (stop.stop_requested()) return fail(Errc::kInterrupted, "stopped as asked");
    if (progress) progress(done, total);
    return {};
}

Result<Hash256> scan(const ParameterSource& source, const Monitor& monitor,
                     const std::function<Status(std::span<const float>)>& take) {
    COVENANT_TRY(const std::optional<Hash256> declared, source.declared_root());
    const engine::ParameterLayout& layout = source.layout();
    const std::uint64_t total = std::uint64_t{layout.total_floats()} * sizeof(float);
    std::vector<Hash256> leaves(layout.chunk_count());
    std::vector<float> block(std::min(kBlockFloats, layout.total_floats()));
    std::size_t chunk = 0;
    for (std::size_t tensor = 0; tensor < layout.tensors().size(); ++tensor) {
        const engine::TensorSlot& slot = layout.tensors()[tensor];
        for (std::size_t first = 0; first < slot.numel;) {
            const std::size_t live = std::min(slot.numel - first, kBlockFloats);
            const std::size_t chunks = (live + kChunkFloats - 1) / kChunkFloats;
            const std::span<float> values = std::span(block).first(chunks * kChunkFloats);
            COVENANT_CHECK(source.read(tensor, first, values.first(live)));
            std::ranges::fill(values.subspan(live), 0.0F);
            const auto bad =
                std::ranges::find_if(values, [](float x) { return !std::isfinite(x); });
            if (bad != values.end()) {
                return fail(
                    Errc::kMalformed,
                    fmt::format("{}: element {} is {}: no parameter may be", slot.name,
                                first + static_cast<std::size_t>(bad - values.begin()), *bad));
            }
            crypto::sha256_leaves(
                {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()},
                kChunkBytes, std::span(leaves).subspan(chunk, chunks));
            if (take) COVENANT_CHECK(take(values));
            chunk += chunks;
            first += live;
            COVENANT_CHECK(monitor.report(std::uint64_t{chunk} * kChunkBytes, total));
        }
    }
    COVENANT_ASSERT(chunk == leaves.size(), "every chunk was read");
    const Hash256 root = crypto::merkle_root(leaves);
    if (declared && *declared != root) {
        return fail(Errc::kMismatch,
                    fmt::format("its parameters have root {}, the file says {}: it was changed "
                                "after it was written; fetch or export it again",
                                to_0x(root), to_0x(*declared)));
    }
    return root;
}

std::size_t halves_row(std::size_t row, std::size_t head_dim) {
    const std::size_t in_head = row % head_dim;
    return row - in_head + (in_head % 2) * (head_dim / 2) + in_head / 2;
}

std::size_t interleaved_row(std::size_t row, std::size_t head_dim) {
    const std::size_t in_head = row % head_dim;
    const std::size_t half = head_dim / 2;
    return row - in_head + 2 * (in_head % half) + in_head / half;
}

Status read_reordered(const std::function<Status(std::size_t, std::span<float>)>& read,
                      std::size_t (*row_of)(std::size_t, std::size_t), std::size_t head_dim,
                      std::size_t cols, std::size_t first, std::span<float> out) {
    while (!out.empty()) {
        const std::size_t col = first % cols;
        const std::size_t length = std::min(cols - col, out.size());
        COVENANT_CHECK(read(row_of(first / cols, head_dim) * cols + col, out.first(length)));
        out = out.subspan(length);
        first += length;
    }
    return {};
}

}  // namespace covenant::model_files
