// Parameters that are read piece by piece, whatever they are stored as; and the one pass over them
// that gives their root.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/engine/parameter_layout.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>

namespace covenant::model_files {

// Of long work. `progress` is called now and then with bytes done of all; a stop ends the work with
// kInterrupted and leaves nothing behind.
struct Monitor {
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
    std::stop_token stop;

    [[nodiscard]] Status report(std::uint64_t done, std::uint64_t total) const;
};

class ParameterSource {
  public:
    ParameterSource() = default;
    ParameterSource(const ParameterSource&) = delete;
    ParameterSource& operator=(const ParameterSource&) = delete;
    virtual ~ParameterSource() = default;

    [[nodiscard]] virtual const engine::ParameterLayout& layout() const = 0;
    // Elements [first, first + out.size()) of a tensor of layout().tensors(), row-major. The range
    // lies within the tensor. kIo, kMalformed.
    [[nodiscard]] virtual Status read(std::size_t tensor, std::size_t first,
                                      std::span<float> out) const = 0;
    // The root that the source itself says these values have; nullopt: it says none.
    [[nodiscard]] virtual Result<std::optional<Hash256>> declared_root() const {
        return std::optional<Hash256>{};
    }
};

// Floats that are held in memory at a time, a multiple of the chunk.
inline constexpr std::size_t kBlockFloats = 64 * engine::kChunkFloats;

// Reads everything once and gives the state root (Merkle root over the 16 KiB chunks of the
// layout). `take`, where given, sees the flat layout from the front, whole chunks with their
// padding. kMalformed: a value is NaN or infinite, naming the tensor and the element. kMismatch:
// the source says another root; no reader of the values may take them for good.
Result<Hash256> scan(const ParameterSource& source, const Monitor& monitor,
                     const std::function<Status(std::span<const float> chunks)>& take = {});

// How llama.cpp's files order the rows of q_proj and k_proj: within a head of D rows, rotary pairs
// (j, j + D/2) of Hugging Face's layout stand side by side as rows (2j, 2j + 1).
// The row, in the order of halves, that stands at `row` of the interleaved one.
[[nodiscard]] std::size_t halves_row(std::size_t row, std::size_t head_dim);
// The row, in the interleaved order, that stands at `row` of the one of halves.
[[nodiscard]] std::size_t interleaved_row(std::size_t row, std::size_t head_dim);

// Elements [first, first + out.size()) of a matrix whose row r stands at row_of(r, head_dim) of
// what `read` reads.
Status read_reordered(const std::function<Status(std::size_t first, std::span<float> out)>& read,
                      std::size_t (*row_of)(std::size_t, std::size_t), std::size_t head_dim,
                      std::size_t cols, std::size_t first, std::span<float> out);

}  // namespace covenant::model_files
