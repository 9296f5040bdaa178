#include "common/engine/compressor.hpp"

#include "common/base/level.hpp"
#include "common/base/thread_pool.hpp"
#include "tests/support/engine_fixture.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include <gtest/gtest.h>

namespace covenant::engine::testing {
namespace {

std::vector<float> random_chunk(std::uint64_t seed) {
    CounterRng rng(seed);
    std::vector<float> values(kChunkFloats);
    for (float& value : values) {
        value = static_cast<float>(rng.next_u32()) / 4294967296.0F - 0.5F;
    }
    return values;
}

std::uint8_t closest_level(float value) {
    int best = 0;
    value = std::min(value, level_value(kMaxLevel));
    for (int code = 1; code < 256; ++code) {
        const auto off = [&](int c) {
            return std::fabs(static_cast<double>(level_value(static_cast<std::uint8_t>(c))) -
                             static_cast<double>(value));
        };
        if (off(code) < off(best) || (off(code) == off(best) && code % 2 == 0)) best = code;
    }
    return static_cast<std::uint8_t>(best);
}

Sparsity at(std::uint32_t keep, unsigned code_bits = 2) {
    return {.keep = static_cast<std::uint16_t>(keep),
            .code_bits = static_cast<std::uint8_t>(code_bits)};
}

struct Part {
    std::vector<std::uint16_t> indices;  // ascending
    float mean = 0.0F;
};

Part part_of(const std::vector<float>& a, std::vector<std::uint16_t> indices, float of_nothing) {
    double sum = 0.0;
    for (const std::uint16_t i : indices)
        sum += static_cast<double>(std::fabs(a[i]));
    const float mean = indices.empty()
                           ? of_nothing
                           : static_cast<float>(sum / static_cast<double>(indices.size()));
    return {std::move(indices), mean};
}

// The rule by a full sort, the parts as lists.
SparseChunk naive(const std::vector<float>& a, std::uint32_t live, const Sparsity& sparsity) {
    std::vector<std::uint16_t> order(live);
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::ranges::stable_sort(
        order, [&](std::uint16_t i, std::uint16_t j) { return std::fabs(a[i]) > std::fabs(a[j]); });
    order.resize(sparsity.kept_of(live));
    std::ranges::sort(order);
    std::vector<Part> parts = {part_of(a, order, 0.0F)};
    for (unsigned bit = 1; bit < sparsity.code_bits; ++bit) {
        std::vector<Part> halves;
        for (const Part& part : parts) {
            std::vector<std::uint16_t> small;
            std::vector<std::uint16_t> large;
            for (const std::uint16_t i : part.indices)
                (std::fabs(a[i]) > part.mean ? large : small).push_back(i);
            halves.push_back(part_of(a, small, part.mean));
            halves.push_back(part_of(a, large, part.mean));
        }
        parts = std::move(halves);
    }
    SparseChunk out;
    out.indices = order;
    out.codes.resize(order.size());
    for (const Part& part : parts)
        out.levels.push_back(closest_level(part.mean));
    for (std::size_t number = 0; number < parts.size(); ++number) {
        const auto first = std::ranges::find(out.levels, out.levels[number]) - out.levels.begin();
        for (const std::uint16_t i : parts[number].indices) {
            const auto where = std::ranges::lower_bound(order, i) - order.begin();
            out.codes[static_cast<std::size_t>(where)] =
                static_cast<std::uint8_t>(first | (std::signbit(a[i]) ? 0x80 : 0));
        }
    }
    return out;
}

void expect_definition(const std::vector<float>& a, std::uint32_t live, const char* what) {
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        for (const std::uint32_t keep : {1U, 3U, 64U, 1024U, 4095U, 4096U}) {
            const auto chunk = compress_chunk(a, live, at(keep, code_bits));
            ASSERT_TRUE(chunk.has_value());
            ASSERT_EQ(*chunk, naive(a, live, at(keep, code_bits)))
                << what << ": " << keep << " of " << live << ", " << code_bits;
            ASSERT_TRUE(std::ranges::is_sorted(chunk->levels));
            ASSERT_TRUE(codes_are_canonical(std::as_const(*chunk).view()));
        }
    }
}

TEST(CompressChunk, MatchesTheDefinition) {
    for (const std::uint32_t live : {1U, 2U, 3U, 128U, 4095U, 4096U})
        expect_definition(random_chunk(live), live, "uniform");
}

TEST(CompressChunk, MatchesTheDefinitionForEveryKindOfValues) {
    CounterRng rng(8);
    const auto unit = [&] { return static_cast<float>(1 + rng.below(1 << 24)) / 16777216.0F; };
    const auto sign = [&] { return rng.below(2) == 0 ? 1.0F : -1.0F; };
    const float denormal = std::numeric_limits<float>::denorm_min();
    const std::vector<std::pair<const char*, std::function<float(std::size_t)>>> kinds = {
        {"exponential", [&](std::size_t) { return 1e-4F * sign() * std::log(unit()); }},
        {"many exponents", [&](std::size_t) { return sign() * std::pow(2.0F, -60.0F * unit()); }},
        {"ties", [&](std::size_t) { return sign() * static_cast<float>(1 + rng.below(5)); }},
        {"all equal", [&](std::size_t) { return 0.3F * sign(); }},
        {"all zero", [&](std::size_t) { return 0.0F * sign(); }},
        {"denormals", [&](std::size_t) { return denormal * static_cast<float>(rng.below(900)); }},
        {"huge", [&](std::size_t) { return 3.4e38F * sign() * unit(); }},
        {"the largest", [&](std::size_t) { return std::numeric_limits<float>::max() * sign(); }},
        {"mixed", [&](std::size_t i) { return i % 7 == 0 ? 3e38F * sign() : denormal; }},
        {"mostly zero", [&](std::size_t i) { return i % 97 == 0 ? sign() * unit() : 0.0F; }},
        {"ascending", [&](std::size_t i) { return 1e-3F * static_cast<float>(i); }},
        {"neighbours", [&](std::size_t i) { return 1.0F + 1.2e-7F * static_cast<float>(i % 9); }},
    };
    for (const auto& [what, value] : kinds) {
        std::vector<float> a(kChunkFloats);
        for (std::size_t i = 0; i < a.size(); ++i)
            a[i] = value(i);
        expect_definition(a, 4096, what);
        expect_definition(a, 100, what);
    }
}

TEST(CompressChunk, TiesGoToTheLowerIndexWhateverTheSign) {
    std::vector<float> a(kChunkFloats, 0.5F);
    for (std::size_t i = 0; i < a.size(); i += 3)
        a[i] = -0.5F;
    a[4000] = 0.75F;
    const SparseChunk chunk = compress_chunk(a, 4096, at(5)).value();
    EXPECT_EQ(chunk.indices, (std::vector<std::uint16_t>{0, 1, 2, 3, 4000}));
    EXPECT_EQ(chunk.codes, (std::vector<std::uint8_t>{0x80, 0, 0, 0x80, 1}));
    EXPECT_EQ(level_value(chunk.levels[0]), 0.5F);
    EXPECT_EQ(level_value(chunk.levels[1]), 0.75F);
}

TEST(CompressChunk, EqualMagnitudesHaveOneLevel) {
    for (const float value : {0.1F, 1.0F / 3.0F, 1e-30F, 3e38F, 1e-44F}) {
        const std::vector<float> a(kChunkFloats, value);
        for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
            const SparseChunk chunk = compress_chunk(a, 4096, at(1023, code_bits)).value();
            EXPECT_EQ(chunk.levels, (std::vector<std::uint8_t>(std::size_t{1} << (code_bits - 1),
                                                               closest_level(value))));
            EXPECT_TRUE(std::ranges::all_of(chunk.codes, [](auto code) { return code == 0; }));
        }
    }
}

// By hand: the mean of 1..8 is 4.5, of its halves 2.5 and 6.5.
TEST(CompressChunk, PartsAreSplitAtTheirMeans) {
    std::vector<float> a(kChunkFloats, 0.0F);
    const std::vector<float> eight = {5, -1, 8, 3, -6, 2, 7, -4};
    std::ranges::copy(eight, a.begin());
    const auto levels = [](const SparseChunk& chunk) {
        std::vector<float> out;
        for (const std::uint8_t level : chunk.levels)
            out.push_back(level_value(level));
        return out;
    };
    const SparseChunk one = compress_chunk(a, 4096, at(8, 1)).value();
    EXPECT_EQ(levels(one), (std::vector<float>{4.5F}));
    EXPECT_EQ(one.codes, (std::vector<std::uint8_t>{0, 0x80, 0, 0, 0x80, 0, 0, 0x80}));
    const SparseChunk two = compress_chunk(a, 4096, at(8, 2)).value();
    EXPECT_EQ(levels(two), (std::vector<float>{2.5F, 6.5F}));
    EXPECT_EQ(two.codes, (std::vector<std::uint8_t>{1, 0x80, 1, 0, 0x81, 0, 1, 0x80}));
    const SparseChunk three = compress_chunk(a, 4096, at(8, 3)).value();
    EXPECT_EQ(levels(three), (std::vector<float>{1.5F, 3.5F, 5.5F, 7.5F}));
    EXPECT_EQ(three.codes, (std::vector<std::uint8_t>{2, 0x80, 3, 1, 0x82, 0, 3, 0x81}));
    const SparseChunk four = compress_chunk(a, 4096, at(8, 4)).value();
    EXPECT_EQ(levels(four), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(four.codes, (std::vector<std::uint8_t>{4, 0x80, 7, 2, 0x85, 1, 6, 0x83}));
}

TEST(CompressChunk, ZerosDecodeToZero) {
    std::vector<float> a(kChunkFloats, 0.0F);
    a[1] = -0.0F;
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        const SparseChunk chunk = compress_chunk(a, 100, at(123, code_bits)).value();
        EXPECT_EQ(chunk.indices, (std::vector<std::uint16_t>{0, 1, 2}));
        EXPECT_TRUE(std::ranges::all_of(chunk.levels, [](auto level) { return level == 0; }));
        for (std::size_t i = 0; i < 3; ++i)
            EXPECT_EQ(chunk.view().value(i), 0.0F);
    }
    EXPECT_EQ(decoded_norm(SparseUpdate(at(64), std::vector<std::uint16_t>{4096, 7})), 0.0);
    EXPECT_EQ(decoded_norm(SparseUpdate()), 0.0);
}

TEST(CompressChunk, NeverSelectsPadding) {
    std::vector<float> a(kChunkFloats, 1.0F);  // larger than every live value, and refused nowhere
    for (std::size_t i = 0; i < 10; ++i)
        a[i] = 1e-6F;
    a[10] = std::numeric_limits<float>::quiet_NaN();  // not live: not looked at
    const SparseChunk chunk = compress_chunk(a, 10, at(4096)).value();
    EXPECT_EQ(chunk.indices.size(), 10U);
    EXPECT_EQ(chunk.indices.back(), 9);
}

TEST(CompressChunk, RefusesNanInfinityAndBadSizes) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
          std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
        std::vector<float> a = random_chunk(1);
        a[4095] = bad;
        EXPECT_EQ(compress_chunk(a, 4096, at(64)).error().code, Errc::kRejected);
        EXPECT_TRUE(compress_chunk(a, 4095, at(64)));
        std::swap(a[0], a[4095]);
        EXPECT_EQ(compress_chunk(a, 1, at(64)).error().code, Errc::kRejected);
    }
    const std::vector<float> a = random_chunk(1);
    const auto code = [&](std::span<const float> values, std::uint32_t live, Sparsity sparsity) {
        const auto chunk = compress_chunk(values, live, sparsity);
        return chunk ? Errc::kInterrupted : chunk.error().code;
    };
    EXPECT_EQ(code(a, 0, at(64)), Errc::kInvalidArgument);
    EXPECT_EQ(code(a, 4097, at(64)), Errc::kInvalidArgument);
    EXPECT_EQ(code(std::span(a).first(4095), 10, at(64)), Errc::kInvalidArgument);
    EXPECT_EQ(code(a, 10, at(0)), Errc::kInvalidArgument);
    EXPECT_EQ(code(a, 10, at(4097)), Errc::kInvalidArgument);
    EXPECT_EQ(code(a, 10, at(64, 0)), Errc::kInvalidArgument);
    EXPECT_EQ(code(a, 10, at(64, 5)), Errc::kInvalidArgument);
}

TEST(CompressChunk, HugeValuesKeepFiniteLevels) {
    std::vector<float> a(kChunkFloats, std::numeric_limits<float>::max());
    a[7] = -std::numeric_limits<float>::denorm_min();
    const SparseChunk chunk = compress_chunk(a, 4096, at(4096)).value();
    EXPECT_EQ(level_value(chunk.levels[0]), 0.0F);
    EXPECT_EQ(level_value(chunk.levels[1]),
              60.0F);  // the largest level: the residual keeps the rest
}

TEST(CompressChunk, MeansThatOneLevelIsNearestToAreNotToldApart) {
    std::vector<float> a(kChunkFloats, 1.0F);
    for (std::size_t i = 0; i < a.size(); i += 2)
        a[i] = -1.03F;
    const SparseChunk chunk = compress_chunk(a, 4096, at(4096)).value();
    EXPECT_EQ(level_value(chunk.levels[0]), 1.0F);
    EXPECT_EQ(level_value(chunk.levels[1]), 1.0F);
    EXPECT_EQ(chunk.codes[0], kCodeNegative);
    EXPECT_EQ(chunk.codes[1], 0);
}

class CompressTest : public ::testing::Test {
  protected:
    explicit CompressTest(const ModelConfig& config = tiny_config()) : layout_(config) {}
    void perturb(ParameterBuffer& buffer, std::uint64_t seed, float scale) const {
        CounterRng rng(seed);
        for (const TensorSlot& slot : layout_.tensors()) {
            for (float& value : buffer.floats().subspan(slot.offset, slot.numel)) {
                value += (static_cast<float>(rng.next_u32()) / 4294967296.0F - 0.5F) * scale;
            }
        }
    }
    struct Ran {
        Compressed compressed;
        ParameterBuffer sum;
    };
    Result<Ran> run(const CompressHyper& hyper, ThreadPool* pool = nullptr) const {
        ParameterBuffer sum = feedback_.clone();
        COVENANT_TRY(Compressed compressed, compress(layout_, hyper, start_, end_, sum, pool));
        return Ran{std::move(compressed), std::move(sum)};
    }
    ParameterLayout layout_;
    ParameterBuffer start_ = genesis_parameters(layout_, 1);
    ParameterBuffer end_ = start_.clone();
    ParameterBuffer feedback_{layout_};
};

TEST_F(CompressTest, FeedbackBecomesTheSumAndTheSumLessWhatWasSentTheNextFeedback) {
    perturb(end_, 1, 0.01F);
    perturb(feedback_, 2, 0.02F);
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        const Sparsity sparsity = at(1024, code_bits);
        const auto [out, sum] = run({0.95F, sparsity}).value();
        EXPECT_TRUE(check_update(layout_, sparsity, out.update));
        EXPECT_TRUE(check_state(layout_, sum));
        ParameterBuffer next = sum.clone();
        subtract_sent(out.update, next);
        std::vector<float> sent(kChunkFloats);
        double squares = 0.0;
        for (std::size_t c = 0; c < layout_.chunk_count(); ++c) {
            decode_chunk(out.update.chunk(c), sent);
            for (std::size_t i = 0; i < kChunkFloats; ++i) {
                const std::size_t where = c * kChunkFloats + i;
                volatile float product = 0.95F * feedback_.floats()[where];
                volatile float difference = start_.floats()[where] - end_.floats()[where];
                ASSERT_EQ(sum.floats()[where], product + difference);
                ASSERT_EQ(next.floats()[where], sum.floats()[where] - sent[i]);
                squares += static_cast<double>(sent[i]) * static_cast<double>(sent[i]);
            }
            // Chunk by chunk as compress_chunk() has it, which auditors call.
            const std::uint32_t live = layout_.live_floats(c);
            const auto alone = compress_chunk(sum.chunk(c), live, sparsity).value();
            ASSERT_TRUE(alone.view() == out.update.chunk(c)) << c;
        }
        EXPECT_NEAR(out.norm, std::sqrt(squares), 1e-12);
        EXPECT_EQ(out.norm, decoded_norm(out.update));
        EXPECT_TRUE(check_state(layout_, next));
        // From the sum alone, which stays.
        ParameterBuffer same = sum.clone();
        const auto again = sent_of(layout_, sparsity, same);
        ASSERT_TRUE(again);
        EXPECT_EQ(*again, out.update);
        EXPECT_TRUE(same_bits(same, sum));
        // In one go with the next round's compression.
        const CompressHyper hyper{0.5F, at(64, code_bits)};
        const auto together =
            compress(layout_, hyper, start_, end_, same, nullptr, &out.update).value();
        EXPECT_EQ(together.update, compress(layout_, hyper, start_, end_, next).value().update);
        EXPECT_TRUE(same_bits(same, next));
    }
}

TEST_F(CompressTest, OfMinusZerosNothingChanges) {
    for (const TensorSlot& slot : layout_.tensors())
        std::ranges::fill(feedback_.floats().subspan(slot.offset, slot.numel), -0.0F);
    ParameterBuffer a = feedback_.clone();
    const auto sent_of_all = sent_of(layout_, at(64), a);
    ASSERT_TRUE(sent_of_all);
    EXPECT_TRUE(same_bits(a, feedback_));
    subtract_sent(*sent_of_all, a);
    for (std::size_t c = 0; c < layout_.chunk_count(); ++c) {
        const auto sent = compress_chunk(feedback_.chunk(c), layout_.live_floats(c), at(64));
        subtract_sent(sent->view(), feedback_.chunk(c));
    }
    EXPECT_TRUE(same_bits(a, feedback_));
}

// Of enough chunks for several threads.
ModelConfig many_chunks() {
    ModelConfig config = nano_config();
    config.vocab_size = 512;
    config.layers = 1;
    return config;
}

class CompressThreads : public CompressTest {
  protected:
    CompressThreads() : CompressTest(many_chunks()) {}
};

TEST_F(CompressThreads, ChangeNoBit) {
    ASSERT_GT(layout_.chunk_count(), 64U);
    perturb(end_, 1, 0.01F);
    perturb(feedback_, 2, 0.02F);
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        const CompressHyper hyper{0.95F, at(64, code_bits)};
        const Ran expected = run(hyper).value();
        for (const unsigned threads : {1U, 2U, 3U}) {
            ThreadPool pool(threads);
            const auto other = run(hyper, &pool);
            ASSERT_TRUE(other) << other.error().context;
            EXPECT_EQ(other->compressed.update, expected.compressed.update);
            EXPECT_TRUE(same_bits(other->sum, expected.sum));
            EXPECT_EQ(other->compressed.norm, expected.compressed.norm);
            EXPECT_EQ(decoded_norm(expected.compressed.update, &pool), expected.compressed.norm);
            ParameterBuffer next = expected.sum.clone();
            ParameterBuffer together = expected.sum.clone();
            const auto again = sent_of(layout_, hyper.sparsity, together, &pool);
            ASSERT_TRUE(again);
            EXPECT_EQ(*again, expected.compressed.update);
            subtract_sent(*again, next, &pool);
            ASSERT_TRUE(compress(layout_, hyper, start_, end_, next));
            ASSERT_TRUE(compress(layout_, hyper, start_, end_, together, &pool, &*again));
            EXPECT_TRUE(same_bits(together, next));
        }
    }
}

TEST_F(CompressThreads, TheErrorNamesTheFirstBadTensorWhateverTheirNumber) {
    perturb(end_, 1, 0.01F);
    const auto& tensors = layout_.tensors();
    std::vector<std::string> names;
    for (std::size_t bad = tensors.size(); bad-- > 0;) {
        // Each tensor from here on is bad, one more than in the turn before.
        end_.floats()[tensors[bad].offset + tensors[bad].numel - 1] =
            bad % 2 == 0 ? std::numeric_limits<float>::quiet_NaN()
                         : std::numeric_limits<float>::infinity();
        for (const unsigned threads : {0U, 1U, 2U, 3U}) {
            const auto pool = threads == 0 ? nullptr : std::make_unique<ThreadPool>(threads);
            const auto out = run({0.95F, at(64)}, pool.get());
            ASSERT_FALSE(out);
            EXPECT_EQ(out.error().code, Errc::kRejected);
            const std::string last = std::to_string(tensors[bad].chunks() - 1);
            EXPECT_NE(out.error().context.find(std::string(tensors[bad].name) + ", chunk " + last),
                      std::string::npos)
                << out.error().context;
        }
    }
}

TEST_F(CompressTest, KeepingEverythingWithOneLevelLeavesNothing) {
    for (const TensorSlot& slot : layout_.tensors()) {
        for (float& value : start_.floats().subspan(slot.offset, slot.numel))
            value = 1.0F;
        for (float& value : end_.floats().subspan(slot.offset, slot.numel))
            value = 0.75F;
    }
    for (const unsigned code_bits : {1U, 2U, 3U, 4U}) {
        auto [out, sum] = run({0.95F, at(4096, code_bits)}).value();
        subtract_sent(out.update, sum);
        for (const float value : sum.floats())
            ASSERT_EQ(value, 0.0F);
        EXPECT_EQ(out.norm, 0.25 * std::sqrt(static_cast<double>(layout_.parameter_count())));
        ParameterBuffer moved = start_.clone();
        subtract_scaled(moved, out.update, 1.0F);
        EXPECT_TRUE(same_bits(moved, end_));
    }
}

TEST_F(CompressTest, RefusesBadInput) {
    const auto code = [&](const CompressHyper& hyper) { return run(hyper).error().code; };
    EXPECT_EQ(code({0.95F, at(0)}), Errc::kInvalidArgument);
    EXPECT_EQ(code({0.95F, at(4097)}), Errc::kInvalidArgument);
    EXPECT_EQ(code({0.95F, at(64, 0)}), Errc::kInvalidArgument);
    EXPECT_EQ(code({0.95F, at(64, 5)}), Errc::kInvalidArgument);
    EXPECT_EQ(code({1.5F, at(64)}), Errc::kInvalidArgument);
    EXPECT_EQ(code({-0.1F, at(64)}), Errc::kInvalidArgument);
    EXPECT_EQ(code({std::numeric_limits<float>::quiet_NaN(), at(64)}), Errc::kInvalidArgument);
    ParameterBuffer a(layout_);
    EXPECT_EQ(sent_of(layout_, at(0), a).error().code, Errc::kInvalidArgument);
    a.floats()[0] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(sent_of(layout_, at(64), a).error().code, Errc::kRejected);
    a = ParameterBuffer();
    EXPECT_EQ(sent_of(layout_, at(64), a).error().code, Errc::kInvalidArgument);
    a = ParameterBuffer(layout_);
    const SparseUpdate none;
    EXPECT_EQ(compress(layout_, {0.95F, at(64)}, start_, end_, a, nullptr, &none).error().code,
              Errc::kInvalidArgument);
    feedback_ = ParameterBuffer();
    EXPECT_EQ(code({0.95F, at(64)}), Errc::kInvalidArgument);
}

TEST_F(CompressTest, CheckUpdateRefusesEachDefect) {
    perturb(end_, 1, 0.01F);
    const SparseUpdate good = run({0.95F, at(1024, 3)})->compressed.update;
    const auto refused = [&](const SparseUpdate& update) {
        const Status status = check_update(layout_, at(1024, 3), update);
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().code, Errc::kMalformed);
    };
    const auto refused_with = [&](auto change) {
        SparseUpdate update = good;
        change(update.chunk(0));
        refused(update);
    };
    EXPECT_TRUE(check_update(layout_, at(1024, 3), good));
    // Another density, another code, another number of chunks or of their elements.
    EXPECT_EQ(check_update(layout_, at(1025, 3), good).error().code, Errc::kMalformed);
    for (const unsigned code_bits : {1U, 2U, 4U}) {
        EXPECT_EQ(check_update(layout_, at(1024, code_bits), good).error().code, Errc::kMalformed);
        refused(run({0.95F, at(1024, code_bits)})->compressed.update);
    }
    std::vector<std::uint16_t> elements(layout_.chunk_elements().begin(),
                                        layout_.chunk_elements().end());
    refused(SparseUpdate());
    refused(SparseUpdate(at(1024, 3), std::span(elements).first(elements.size() - 1)));
    elements.front() = 5;
    refused(SparseUpdate(at(1024, 3), elements));
    refused_with([](auto c) { std::swap(c.indices[0], c.indices[1]); });
    refused_with([](auto c) { c.indices[1] = c.indices[0]; });
    refused_with([](auto c) { c.indices.back() = 4096; });
    refused_with([](auto c) { c.codes[0] = 4; });
    refused_with([](auto c) { c.codes[0] = 0x40; });
    refused_with([](auto c) { c.codes.back() = 0xff; });
    refused_with([](auto c) { std::swap(c.levels[0], c.levels[3]); });
    refused_with([](auto c) { c.levels[2] = c.levels[3]; });  // some code names the fourth
    refused_with([](auto c) { std::ranges::fill(c.levels, std::uint8_t{7}); });
}

}  // namespace
}  // namespace covenant::engine::testing
