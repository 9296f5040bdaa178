#include "common/base/sparse_update.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <initializer_list>
#include <numeric>
#include <utility>

#include <gtest/gtest.h>

namespace covenant {
namespace {

TEST(Sparsity, KeptValuesAreRoundedHalfUpAndAtLeastOne) {
    const auto kept = [](std::uint16_t keep, std::uint32_t elements) {
        return Sparsity{.keep = keep}.kept_of(elements);
    };
    EXPECT_EQ(kept(64, 4096), 64U);
    EXPECT_EQ(kept(64, 100), 2U);  // 1.5625 + 0.5
    EXPECT_EQ(kept(64, 95), 1U);   // 1.484 + 0.5
    EXPECT_EQ(kept(64, 96), 2U);   // exactly 1.5 + 0.5
    EXPECT_EQ(kept(64, 1), 1U);
    EXPECT_EQ(kept(1, 1), 1U);
    EXPECT_EQ(kept(1, 4096), 1U);
    EXPECT_EQ(kept(1024, 128), 32U);
    EXPECT_EQ(kept(4096, 77), 77U);
    EXPECT_EQ(kept(4096, 4096), 4096U);
    for (const std::uint16_t keep : std::initializer_list<std::uint16_t>{1, 63, 2048, 4095, 4096}) {
        for (std::uint32_t elements = 1; elements <= 4096; ++elements) {
            const std::uint32_t count = kept(keep, elements);
            ASSERT_GE(count, 1U);
            ASSERT_LE(count, elements);
            ASSERT_GE(kept(keep, std::min(elements + 1, 4096U)), count);
        }
    }
}

TEST(Sparsity, RangesAndNumberOfLevels) {
    EXPECT_TRUE((Sparsity{.keep = 1, .code_bits = 1}.valid()));
    EXPECT_TRUE((Sparsity{.keep = 4096, .code_bits = 4}.valid()));
    for (const Sparsity& bad :
         {Sparsity{}, Sparsity{.keep = 4097}, Sparsity{.keep = 64, .code_bits = 0},
          Sparsity{.keep = 64, .code_bits = 5}}) {
        EXPECT_FALSE(bad.valid()) << bad.keep << " " << int{bad.code_bits};
    }
    std::size_t levels = 1;
    for (const std::uint8_t bits : std::initializer_list<std::uint8_t>{1, 2, 3, 4}) {
        EXPECT_EQ((Sparsity{.keep = 1, .code_bits = bits}.levels()), levels);
        levels *= 2;
    }
}

TEST(SparseChunk, ValuesAreSignedLevels) {
    SparseChunk chunk = SparseChunk::zeros({.keep = 4, .code_bits = 3}, 4096);
    EXPECT_EQ(chunk.levels, (std::vector<std::uint8_t>(4, 0)));
    EXPECT_EQ(chunk.indices, (std::vector<std::uint16_t>(4, 0)));
    EXPECT_EQ(chunk.codes, (std::vector<std::uint8_t>(4, 0)));
    chunk.levels = {0, 208, 216, kMaxLevel};
    chunk.codes = {kCodeNegative, 1, kCodeNegative | 2, 3};
    const SparseView view = std::as_const(chunk).view();
    EXPECT_EQ(std::bit_cast<std::uint32_t>(view.value(0)), 0x80000000U);
    EXPECT_EQ(view.value(1), 1.0F);
    EXPECT_EQ(view.value(2), -2.0F);
    EXPECT_EQ(view.value(3), 60.0F);
    EXPECT_EQ(chunk.view().value(2), -2.0F);
}

TEST(SparseChunk, TheSecondOfTwoEqualLevelsIsNotCanonical) {
    SparseChunk chunk = SparseChunk::zeros({.keep = 2, .code_bits = 3}, 4096);
    const auto canonical = [&] { return codes_are_canonical(std::as_const(chunk).view()); };
    EXPECT_TRUE(canonical());
    chunk.levels = {3, 9, 9, 200};
    for (const auto& [code, good] : {std::pair{0, true}, {1, true}, {2, false}, {3, true}}) {
        for (const std::uint8_t sign : std::array<std::uint8_t, 2>{0, kCodeNegative}) {
            chunk.codes = {0, static_cast<std::uint8_t>(code | sign)};
            EXPECT_EQ(canonical(), good) << code;
        }
    }
    chunk.levels = {9, 9, 9, 9};
    chunk.codes = {0, 3};
    EXPECT_FALSE(canonical());
    chunk.codes = {kCodeNegative, 0};
    EXPECT_TRUE(canonical());
}

TEST(SparseUpdate, ChunksHaveMemoryOfTheirOwn) {
    const Sparsity sparsity{.keep = 1024, .code_bits = 3};
    const std::vector<std::uint16_t> elements = {4096, 1, 100, 4096};
    SparseUpdate update(sparsity, elements);
    EXPECT_EQ(update.sparsity(), sparsity);
    ASSERT_EQ(update.chunk_count(), 4U);
    EXPECT_EQ(update.value_count(), 1024U + 1 + 25 + 1024);
    std::uint16_t next = 1;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const MutableSparseView chunk = update.chunk(i);
        ASSERT_EQ(chunk.levels.size(), 4U);
        ASSERT_EQ(chunk.indices.size(), sparsity.kept_of(elements[i]));
        ASSERT_EQ(chunk.codes.size(), chunk.indices.size());
        for (const std::uint16_t index : chunk.indices)
            ASSERT_EQ(index, 0);
        std::ranges::fill(chunk.levels, static_cast<std::uint8_t>(i + 1));
        std::ranges::fill(chunk.codes, static_cast<std::uint8_t>(i + 11));
        std::iota(chunk.indices.begin(), chunk.indices.end(), next);
        next = static_cast<std::uint16_t>(next + chunk.indices.size());
    }
    next = 1;
    for (std::size_t i = 0; i < elements.size(); ++i) {
        const SparseView chunk = std::as_const(update).chunk(i);
        for (const std::uint8_t level : chunk.levels)
            ASSERT_EQ(level, i + 1);
        for (const std::uint8_t code : chunk.codes)
            ASSERT_EQ(code, i + 11);
        for (const std::uint16_t index : chunk.indices)
            ASSERT_EQ(index, next++);
    }
}

TEST(SparseUpdate, EqualityIsOfSparsityAndEveryValue) {
    const std::vector<std::uint16_t> elements = {4096, 100};
    const SparseUpdate one({.keep = 64, .code_bits = 2}, elements);
    EXPECT_EQ(one, SparseUpdate({.keep = 64, .code_bits = 2}, elements));
    EXPECT_NE(one, SparseUpdate({.keep = 65, .code_bits = 2}, elements));
    EXPECT_NE(one, SparseUpdate({.keep = 64, .code_bits = 1}, elements));
    EXPECT_NE(one, SparseUpdate({.keep = 64, .code_bits = 2}, std::span(elements).first(1)));
    EXPECT_NE(one, SparseUpdate());
    const auto changed = [&](auto change) {
        SparseUpdate other = one;
        change(other.chunk(1));
        EXPECT_NE(other, one);
        EXPECT_FALSE(std::as_const(other).chunk(1) == std::as_const(one).chunk(1));
        EXPECT_TRUE(std::as_const(other).chunk(0) == std::as_const(one).chunk(0));
    };
    changed([](const MutableSparseView& c) { c.levels[1] = 1; });
    changed([](const MutableSparseView& c) { c.indices[1] = 1; });
    changed([](const MutableSparseView& c) { c.codes[1] = kCodeNegative; });
}

TEST(SparseUpdate, NothingHasNoChunks) {
    EXPECT_EQ(SparseUpdate().chunk_count(), 0U);
    EXPECT_EQ(SparseUpdate().value_count(), 0U);
    const SparseUpdate empty({.keep = 64, .code_bits = 2}, {});
    EXPECT_EQ(empty.chunk_count(), 0U);
    EXPECT_EQ(empty.value_count(), 0U);
}

}  // namespace
}  // namespace covenant
