#include "common/store/state_store.hpp"

#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"
#include "common/store/retention.hpp"
#include "tests/support/flip_bit.hpp"
#include "tests/support/temp_folder.hpp"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

namespace covenant::store {
namespace {

using covenant::testing::TempFolder;

namespace fs = std::filesystem;

Hash256 root_of(std::span<const float> values) {
    return crypto::sha256(
        {reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
}

std::vector<float> sample(float first) {
    std::vector<float> values(10'000);
    std::iota(values.begin(), values.end(), first);
    return values;
}

TEST(StateStore, GivesBackTheSameBits) {
    const TempFolder folder;
    auto store = StateStore::open(folder / "state", root_of);
    ASSERT_TRUE(store) << store.error().context;
    std::vector<float> values = sample(0.5F);
    values[0] = -0.0F;
    values[1] = std::numeric_limits<float>::denorm_min();
    values[2] = std::bit_cast<float>(0x7fc00123U);
    const Hash256 root = root_of(values);
    ASSERT_TRUE(store->put(root, values));
    ASSERT_TRUE(store->put(root, values));
    EXPECT_TRUE(store->has(root).value());
    std::vector<float> out(values.size());
    ASSERT_TRUE(store->get(root, out));
    EXPECT_EQ(root_of(out), root);
    EXPECT_EQ(StateStore::open(folder / "state")->list().value(), std::vector<Hash256>{root});
}

TEST(StateStore, AMissingStateIsAnError) {
    const TempFolder folder;
    auto store = StateStore::open(folder.path(), root_of).value();
    const std::vector<float> values = sample(1);
    const Hash256 root = root_of(values);
    std::vector<float> out(values.size());
    EXPECT_EQ(store.get(root, out).error().code, Errc::kNotFound);
    EXPECT_FALSE(store.has(root).value());
}

TEST(StateStore, DamagedStatesAreSetAside) {
    const TempFolder folder;
    auto store = StateStore::open(folder.path(), root_of).value();
    const std::vector<float> values = sample(1);
    const Hash256 root = root_of(values);
    ASSERT_TRUE(store.put(root, values));
    const fs::path file = fs::directory_iterator(folder.path())->path();
    covenant::testing::flip_bit(file, 4000);
    std::vector<float> out(values.size());
    EXPECT_EQ(store.get(root, out).error().code, Errc::kCorrupt);
    EXPECT_FALSE(store.has(root).value());
    EXPECT_EQ(store.get(root, out).error().code, Errc::kNotFound);
    ASSERT_TRUE(store.put(root, values));
    EXPECT_TRUE(store.get(root, out));
}

// Whole values or not, shorter, longer or empty: it is not the state, with a Rooter or without.
TEST(StateStore, AFileOfAnotherLengthIsSetAsideToo) {
    const TempFolder folder;
    const std::vector<float> values = sample(1);
    const Hash256 root = root_of(values);
    for (const StateStore::Rooter& rooter : {StateStore::Rooter(), StateStore::Rooter(root_of)}) {
        auto store = StateStore::open(folder.path(), rooter).value();
        for (const std::uintmax_t bytes : {0U, 4000U, 4001U, 40'004U}) {
            ASSERT_TRUE(store.put(root, values));
            const fs::path file = folder / (to_hex(root.view()) + ".f32");
            fs::resize_file(file, bytes);
            std::vector<float> out(values.size());
            const auto got = store.get(root, out);
            ASSERT_FALSE(got);
            EXPECT_EQ(got.error().code, Errc::kCorrupt);
            EXPECT_NE(got.error().context.find(".bad"), std::string::npos) << got.error().context;
            EXPECT_FALSE(fs::exists(file)) << bytes;
            EXPECT_EQ(fs::file_size(folder / (to_hex(root.view()) + ".bad")), bytes);
            EXPECT_EQ(store.get(root, out).error().code, Errc::kNotFound);
        }
    }
}

TEST(StateStore, PuttingAStateAgainMendsItsFile) {
    const TempFolder folder;
    auto store = StateStore::open(folder.path(), root_of).value();
    const std::vector<float> values = sample(1);
    const Hash256 root = root_of(values);
    ASSERT_TRUE(store.put(root, values));
    const fs::path file = fs::directory_iterator(folder.path())->path();
    covenant::testing::flip_bit(file, 4000);
    ASSERT_TRUE(store.put(root, values));
    std::vector<float> out(values.size());
    EXPECT_TRUE(store.get(root, out));
    EXPECT_EQ(out, values);
}

TEST(StateStore, WithoutARooterOnlyTheSizeIsChecked) {
    const TempFolder folder;
    auto store = StateStore::open(folder.path()).value();
    const Hash256 root = crypto::sha256(as_bytes("any"));
    ASSERT_TRUE(store.put(root, sample(3)));
    std::vector<float> out(sample(3).size());
    ASSERT_TRUE(store.get(root, out));
    EXPECT_EQ(out, sample(3));
}

TEST(StateStore, RetainErasesTheRest) {
    const TempFolder folder;
    auto store = StateStore::open(folder.path()).value();
    std::vector<Hash256> roots;
    for (int i = 0; i < 4; ++i) {
        const std::vector<float> values = sample(static_cast<float>(i));
        roots.push_back(root_of(values));
        ASSERT_TRUE(store.put(roots.back(), values));
    }
    const std::vector<Hash256> kept = {roots[2], roots[0], crypto::sha256({})};
    ASSERT_TRUE(store.retain(kept));
    std::vector<Hash256> expected = {roots[0], roots[2]};
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(store.list().value(), expected);
    ASSERT_TRUE(store.erase(roots[0]));
    ASSERT_TRUE(store.erase(roots[0]));
    EXPECT_EQ(store.list().value(), std::vector<Hash256>{roots[2]});
}

TEST(StateStore, OpeningRemovesWhatDeadWritersLeft) {
    const TempFolder folder;
    std::ofstream(folder / ".writing-1-0") << "half";
    std::ofstream(folder / "note.txt") << "not ours";
    const auto store = StateStore::open(folder.path()).value();
    EXPECT_FALSE(fs::exists(folder / ".writing-1-0"));
    EXPECT_TRUE(fs::exists(folder / "note.txt"));
    EXPECT_TRUE(store.list().value().empty());
}

TEST(RetentionPolicy, KeepsTheLastRoundsAndPins) {
    using protocol::Round;
    const RetentionPolicy policy(3);
    EXPECT_FALSE(policy.expired(Round(5), Round(5)));
    EXPECT_FALSE(policy.expired(Round(5), Round(8)));
    EXPECT_TRUE(policy.expired(Round(5), Round(9)));
    EXPECT_FALSE(policy.expired(Round(9), Round(5)));

    const auto object = [](std::uint8_t fill) {
        Hash256 hash;
        hash.bytes.fill(fill);
        return hash;
    };
    const std::vector<DatedObject> objects = {
        {object(3), Round(1)},       {object(1), Round(5)}, {object(2), Round(6)},
        {object(4), Round(1), true}, {object(5), Round(1)}, {object(5), Round(9)},
        {object(3), Round(2)},
    };
    EXPECT_EQ(policy.droppable(objects, Round(9)), (std::vector<Hash256>{object(1), object(3)}));
    EXPECT_TRUE(policy.droppable({}, Round(9)).empty());
}

}  // namespace
}  // namespace covenant::store
