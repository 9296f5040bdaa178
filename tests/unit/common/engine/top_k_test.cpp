// The selection against a sort, and that what it remembers of an earlier chunk changes nothing.
#include "common/engine/top_k.hpp"

#include "common/base/counter_rng.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::engine {
namespace {

using kernels::kPeaks;

using Magnitudes = std::vector<std::uint32_t>;

std::vector<std::uint16_t> by_sort(const Magnitudes& magnitudes, std::size_t count) {
    std::vector<std::uint16_t> order(magnitudes.size());
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::ranges::stable_sort(
        order, [&](std::uint16_t i, std::uint16_t j) { return magnitudes[i] > magnitudes[j]; });
    order.resize(count);
    std::ranges::sort(order);
    return order;
}

// Values of these magnitudes, of either sign.
std::vector<float> values_of(const Magnitudes& magnitudes) {
    std::vector<float> values;
    for (std::size_t i = 0; i < magnitudes.size(); ++i) {
        const std::uint32_t sign = i * 0x9E3779B9U & 0x80000000U;
        values.push_back(std::bit_cast<float>(magnitudes[i] | sign));
    }
    return values;
}

std::vector<float> peaks_of(const std::vector<float>& values) {
    std::vector<float> peaks(std::min(values.size(), kPeaks), 0.0F);
    for (std::size_t i = 0; i < values.size(); ++i)
        peaks[i % kPeaks] = std::max(peaks[i % kPeaks], std::fabs(values[i]));
    return peaks;
}

std::vector<std::uint16_t> selected(TopK& top_k, const Magnitudes& magnitudes, std::size_t count) {
    std::vector<std::uint16_t> indices(count);
    const std::vector<float> values = values_of(magnitudes);
    top_k.select(values, peaks_of(values), indices);
    return indices;
}

struct Sample {
    std::string name;
    Magnitudes magnitudes;
};

// Chunks of `size` magnitudes whose cuts are far from one another, and of every tie.
std::vector<Sample> samples(std::size_t size, std::uint64_t seed) {
    CounterRng rng(seed);
    std::vector<Sample> out;
    const auto add = [&](const char* name, auto value) {
        Magnitudes magnitudes(size);
        for (std::size_t i = 0; i < size; ++i)
            magnitudes[i] = static_cast<std::uint32_t>(value(i));
        out.push_back({name, std::move(magnitudes)});
    };
    const auto bits_of = [](float value) { return std::bit_cast<std::uint32_t>(value); };
    const auto unit = [&] { return static_cast<float>(rng.below(1 << 24)) / 16777216.0F; };
    add("uniform", [&](std::size_t) { return bits_of(unit()); });
    add("any bits", [&](std::size_t) { return rng.below(kInfinityBits); });
    add("zero", [](std::size_t) { return 0; });
    add("tiny", [&](std::size_t) { return bits_of(1e-30F * unit()); });
    add("denormal", [&](std::size_t) { return rng.below(1 << 23); });
    add("huge", [&](std::size_t) { return bits_of(3e38F * unit()); });
    add("all equal", [&](std::size_t) { return bits_of(0.5F); });
    add("all the largest", [](std::size_t) { return kInfinityBits - 1; });
    add("all the smallest", [](std::size_t) { return 1; });
    add("few distinct", [&](std::size_t) { return bits_of(0.25F) + rng.below(3); });
    add("ascending", [&](std::size_t i) { return bits_of(1.0F) + i; });
    add("descending", [&](std::size_t i) { return bits_of(1.0F) - i; });
    add("one of many", [&](std::size_t i) { return i == size / 2 ? bits_of(2.0F) : 0U; });
    // What differs is below the upper half of the bits, or below the lower one.
    add("one upper half", [&](std::size_t) { return 0x3F800000U | rng.below(1 << 16); });
    add("one lower half", [&](std::size_t) { return rng.below(0x7F80) << 16 | 0x1234U; });
    // The largest are of one peak or of a few, or just as large as the others'.
    add("one peak",
        [&](std::size_t i) { return bits_of(i % kPeaks == 3 ? 1.0F + unit() : unit()); });
    add("a run", [&](std::size_t i) { return bits_of(i < size / 4 ? 1.0F + unit() : unit()); });
    add("equal peaks",
        [&](std::size_t i) { return i < kPeaks ? 1'000'000U : rng.below(1'000'001); });
    add("ends", [&](std::size_t i) { return i % (size - 1 + (size == 1)) == 0 ? 9U : 8U; });
    add("exponents", [&](std::size_t) { return rng.below(255) << 23; });
    add("half zero", [&](std::size_t i) { return i % 2 == 0 ? 0U : bits_of(unit()); });
    return out;
}

TEST(TopK, IsWhatASortSelects) {
    for (const std::size_t size : {1U, 2U, 15U, 16U, 17U, 100U, 2048U, 4095U, 4096U}) {
        for (const Sample& sample : samples(size, size)) {
            for (const std::size_t wanted : {1U, 2U, 3U, 16U, 64U, 1024U, 4095U, 4096U}) {
                const std::size_t count = std::min(wanted, size);
                const auto top_k = std::make_unique<TopK>();
                ASSERT_EQ(selected(*top_k, sample.magnitudes, count),
                          by_sort(sample.magnitudes, count))
                    << sample.name << ": " << count << " of " << size;
            }
        }
    }
}

TEST(TopK, WhatItRemembersChangesNothing) {
    // One TopK through chunks in a random order, so that a hint comes from any kind of chunk.
    const auto top_k = std::make_unique<TopK>();
    CounterRng rng(3);
    std::vector<Sample> all = samples(4096, 1);
    for (const std::size_t size : {4096U, 1000U, 7U, 1U}) {
        for (Sample& sample : samples(size, 100 + size))
            all.push_back(std::move(sample));
    }
    std::string before = "nothing";
    for (int i = 0; i < 400; ++i) {
        const Sample& sample = all[rng.below(all.size())];
        const std::size_t size = sample.magnitudes.size();
        const std::size_t count =
            rng.below(3) == 0 ? 1 + rng.below(size) : std::min<std::size_t>(64, size);
        ASSERT_EQ(selected(*top_k, sample.magnitudes, count), by_sort(sample.magnitudes, count))
            << sample.name << " (" << count << " of " << size << ") after " << before;
        before = sample.name;
    }
}

TEST(TopK, AHintOfAnyMagnitudeIsHarmless) {
    // A chunk of one magnitude leaves its bits as the hint.
    const auto top_k = std::make_unique<TopK>();
    const std::vector<Sample> all = samples(512, 7);
    for (std::uint32_t hint = 1; hint < kInfinityBits; hint += 70'000'001) {
        for (const Sample& sample : all) {
            selected(*top_k, Magnitudes(1, hint), 1);
            ASSERT_EQ(selected(*top_k, sample.magnitudes, 64), by_sort(sample.magnitudes, 64))
                << sample.name << " after " << hint;
        }
    }
}

TEST(TopK, AnyPeaksWillDo) {
    const auto top_k = std::make_unique<TopK>();
    CounterRng rng(9);
    for (const std::size_t size : {1U, 200U, 2000U}) {
        for (const Sample& sample : samples(size, 11)) {
            const std::vector<float> values = values_of(sample.magnitudes);
            for (const std::size_t peaks : {0U, 100U, 256U}) {
                // Some of the values, drawn without putting back.
                std::vector<float> some = values;
                for (std::size_t i = 0; i + 1 < size; ++i)
                    std::swap(some[i], some[i + rng.below(size - i)]);
                some.resize(std::min(peaks, size));
                for (const std::size_t wanted : {1U, 64U, 128U}) {
                    std::vector<std::uint16_t> indices(std::min(wanted, size));
                    top_k->select(values, some, indices);
                    ASSERT_EQ(indices, by_sort(sample.magnitudes, indices.size()))
                        << sample.name << ": " << wanted << " of " << size << " by " << peaks;
                }
            }
        }
    }
}

TEST(TopK, TiesGoToTheLowerIndex) {
    const auto top_k = std::make_unique<TopK>();
    Magnitudes magnitudes(4096, 1000);
    magnitudes[4095] = 1001;
    EXPECT_EQ(selected(*top_k, magnitudes, 3), (std::vector<std::uint16_t>{0, 1, 4095}));
    magnitudes[0] = 999;
    EXPECT_EQ(selected(*top_k, magnitudes, 3), (std::vector<std::uint16_t>{1, 2, 4095}));
    EXPECT_EQ(selected(*top_k, magnitudes, 1), (std::vector<std::uint16_t>{4095}));
}

}  // namespace
}  // namespace covenant::engine
