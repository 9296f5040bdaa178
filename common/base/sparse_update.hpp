// A compressed update: of every chunk of 4096 elements the k largest, each as its index, its sign
// and one of a few levels. One form from the compressor to the wire to the outer step.
#pragma once

#include "common/base/level.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace covenant {

inline constexpr std::size_t kChunkElements = 4096;  // a Merkle leaf of 16 KiB in binary32

// What is sent of a chunk. Consensus parameters of a round.
struct Sparsity {
    std::uint16_t keep = 0;      // k of 4096, 1..4096
    std::uint8_t code_bits = 2;  // a value's sign and level, 1..4: 1, 2, 4 or 8 levels
    bool operator==(const Sparsity&) const = default;

    [[nodiscard]] bool valid() const {
        return keep >= 1 && keep <= kChunkElements && code_bits >= 1 && code_bits <= 4;
    }
    [[nodiscard]] std::size_t levels() const { return std::size_t{1} << (code_bits - 1); }
    // Values kept of a chunk of 1..4096 elements: max(1, floor((k * elements + 2048) / 4096)).
    [[nodiscard]] std::uint32_t kept_of(std::uint32_t elements) const;
};

inline constexpr std::size_t kMaxLevels = 8;
inline constexpr std::uint8_t kCodeNegative = 0x80;  // the value is minus its level
inline constexpr std::uint8_t kCodeLevel = 0x7f;     // number of the level

// One chunk, wherever its arrays are.
template <typename Byte, typename Index>
struct BasicSparseView {
    std::span<Byte> levels;    // codes of levels (level.hpp), ascending, 2^(code_bits - 1) of them
    std::span<Index> indices;  // ascending, below the chunk's elements
    std::span<Byte> codes;     // one per index: kCodeNegative or 0, and the number of its level

    // NOLINTNEXTLINE(google-explicit-constructor): as span<T> becomes span<const T>
    operator BasicSparseView<const Byte, const Index>() const requires(!std::is_const_v<Byte>) {
        return {levels, indices, codes};
    }
    [[nodiscard]] float value(std::size_t at) const {
        const float level = level_value(levels[codes[at] & kCodeLevel]);
        return (codes[at] & kCodeNegative) != 0 ? -level : level;
    }
};
using SparseView = BasicSparseView<const std::uint8_t, const std::uint16_t>;
using MutableSparseView = BasicSparseView<std::uint8_t, std::uint16_t>;

[[nodiscard]] bool operator==(const SparseView& a, const SparseView& b);

// Each level is the lowest numbered of its value: the form in which a content is written once.
[[nodiscard]] bool codes_are_canonical(const SparseView& chunk);

// One chunk by itself.
struct SparseChunk {
    std::vector<std::uint8_t> levels;
    std::vector<std::uint16_t> indices;
    std::vector<std::uint8_t> codes;
    bool operator==(const SparseChunk&) const = default;

    // Of `elements` elements, all codes zero.
    static SparseChunk zeros(const Sparsity& sparsity, std::uint32_t elements);
    [[nodiscard]] SparseView view() const { return {levels, indices, codes}; }
    [[nodiscard]] MutableSparseView view() { return {levels, indices, codes}; }
};

// All chunks of a model, array by array.
class SparseUpdate {
  public:
    SparseUpdate() = default;
    // sparsity is valid; elements of each chunk, 1..4096. Starts with zeros everywhere.
    SparseUpdate(const Sparsity& sparsity, std::span<const std::uint16_t> elements);

    [[nodiscard]] const Sparsity& sparsity() const { return sparsity_; }
    [[nodiscard]] std::size_t chunk_count() const { return first_.empty() ? 0 : first_.size() - 1; }
    [[nodiscard]] std::size_t value_count() const { return indices_.size(); }
    [[nodiscard]] SparseView chunk(std::size_t index) const {
        return view_of<SparseView>(*this, index);
    }
    [[nodiscard]] MutableSparseView chunk(std::size_t index) {
        return view_of<MutableSparseView>(*this, index);
    }

    bool operator==(const SparseUpdate&) const = default;

  private:
    // Of a const update or another one, as the view has it.
    template <typename View, typename Update>
    static View view_of(Update& update, std::size_t index) {
        const std::size_t first = update.first_[index];
        const std::size_t kept = update.first_[index + 1] - first;
        const std::size_t levels = update.sparsity_.levels();
        return {.levels = std::span(update.levels_).subspan(index * levels, levels),
                .indices = std::span(update.indices_).subspan(first, kept),
                .codes = std::span(update.codes_).subspan(first, kept)};
    }

    Sparsity sparsity_;
    std::vector<std::size_t> first_;  // where a chunk's values start; the end last
    std::vector<std::uint8_t> levels_;
    std::vector<std::uint16_t> indices_;
    std::vector<std::uint8_t> codes_;
};

}  // namespace covenant
