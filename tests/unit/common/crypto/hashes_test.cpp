#include "common/base/counter_rng.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/keccak256.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sha256.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace covenant::crypto {
namespace {

Bytes test_data(std::size_t size) {
    Bytes out(size);
    CounterRng rng(size);
    for (std::uint8_t& byte : out) {
        byte = static_cast<std::uint8_t>(rng.next_u32());
    }
    return out;
}

// FIPS 180-4 examples.
TEST(Sha256, GivesThePublishedDigests) {
    EXPECT_EQ(to_hex(sha256({}).view()),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(sha256(as_bytes("abc")).view()),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(
        to_hex(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).view()),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(to_hex(sha256(Bytes(1000000, 'a')).view()),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesMakeTheWhole) {
    const Bytes data = test_data(1000);
    CounterRng rng(2);
    for (int round = 0; round < 50; ++round) {
        Sha256 hasher;
        for (std::size_t at = 0; at < data.size();) {
            const std::size_t part = std::min<std::size_t>(data.size() - at, rng.below(200));
            hasher.update(ByteView(data).subspan(at, part));
            at += part;
        }
        EXPECT_EQ(hasher.finish(), sha256(data));
        EXPECT_EQ(hasher.finish(), sha256({}));  // it started again
    }
}

TEST(Sha256, TagsAreAPrefixWithAnEnd) {
    Bytes whole;
    append(whole, as_bytes("covenant/audit"));
    whole.push_back(0);
    append(whole, as_bytes("data"));
    EXPECT_EQ(sha256_tagged("audit", as_bytes("data")), sha256(whole));
    EXPECT_EQ(Sha256::tagged("audit").update(as_bytes("data")).finish(), sha256(whole));
    EXPECT_NE(sha256_tagged("a", as_bytes("bc")), sha256_tagged("ab", as_bytes("c")));
}

TEST(Sha256DeathTest, ATagHasNoZeroByte) {
    EXPECT_DEATH(sha256_tagged(std::string_view("a\0b", 3), {}), "ends a tag");
}

TEST(Sha256, ThreadsDoNotDisturbEachOther) {
    const Bytes data = test_data(5000);
    const Hash256 expected = sha256(data);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int k = 0; k < 200; ++k) {
                EXPECT_EQ(sha256(data), expected);
            }
        });
    }
}

TEST(Keccak256, GivesThePublishedDigests) {
    EXPECT_EQ(to_hex(keccak256({}).view()),
              "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    EXPECT_EQ(to_hex(keccak256(as_bytes("abc")).view()),
              "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    // The selector of ERC-20 transfer.
    EXPECT_EQ(to_hex(keccak256(as_bytes("transfer(address,uint256)")).view().first(4)), "a9059cbb");
}

TEST(Random, DoesNotRepeat) {
    EXPECT_NE(random_fixed<Hash256>(), random_fixed<Hash256>());
    EXPECT_EQ(random_bytes(33).size(), 33U);
    EXPECT_NE(random_bytes(33), random_bytes(33));
    EXPECT_TRUE(random_bytes(0).empty());
}

}  // namespace
}  // namespace covenant::crypto
