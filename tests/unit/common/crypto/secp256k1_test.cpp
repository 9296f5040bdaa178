#include "common/crypto/secp256k1.hpp"

#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <type_traits>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace covenant::crypto {
namespace {

static_assert(!std::is_copy_constructible_v<SecretKey> && !std::is_copy_assignable_v<SecretKey>);
static_assert(!fmt::is_formattable<SecretKey>::value);
static_assert(!std::is_constructible_v<std::string_view, SecretKey>);

constexpr std::string_view kOrder =
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

using Word = std::array<std::uint8_t, 32>;

Word word(std::string_view hex) {
    return fixed_from_hex<Hash256>(hex)->bytes;
}

SecretKey key_of(std::string_view hex) {
    auto key = SecretKey::from_bytes(word(hex));
    EXPECT_TRUE(key);
    return std::move(*key);
}

SecretKey key_one() {
    return key_of(std::string(63, '0') + "1");
}

Word order_minus(const Word& value) {
    const Word order = word(kOrder);
    Word out{};
    int borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
        int digit = order[i] - value[i] - borrow;
        borrow = digit < 0 ? 1 : 0;
        out[i] = static_cast<std::uint8_t>(digit + 256 * borrow);
    }
    return out;
}

TEST(SecretKey, KnownAddressesAndPoints) {
    EXPECT_EQ(to_checksum_address(key_one().address()),
              "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
    // The generator.
    EXPECT_EQ(to_hex(key_one().public_key().view()),
              "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
              "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8");
    EXPECT_EQ(address_of(key_one().public_key()), key_one().address());
}

TEST(SecretKey, RefusesWhatIsNoScalar) {
    Word below = word(kOrder);
    --below[31];
    EXPECT_TRUE(SecretKey::from_bytes(below));
    for (const Word& bad : {Word{}, word(kOrder), word(std::string(64, 'f'))}) {
        const auto key = SecretKey::from_bytes(bad);
        ASSERT_FALSE(key);
        EXPECT_EQ(key.error().code, Errc::kInvalidArgument);
    }
    EXPECT_FALSE(SecretKey::from_bytes(Bytes(31, 1)));
    EXPECT_FALSE(SecretKey::from_bytes(Bytes(33, 1)));
    EXPECT_FALSE(SecretKey::from_bytes({}));
}

TEST(SecretKey, GeneratedAndSeededKeys) {
    EXPECT_NE(SecretKey::generate().address(), SecretKey::generate().address());
    Hash256 seed;
    const Address first = SecretKey::from_seed(seed).address();
    EXPECT_EQ(SecretKey::from_seed(seed).address(), first);
    seed.bytes[0] = 1;
    EXPECT_NE(SecretKey::from_seed(seed).address(), first);
    const SecretKey key = SecretKey::generate();
    EXPECT_EQ(key.clone().address(), key.address());
    EXPECT_TRUE(std::equal(key.expose().begin(), key.expose().end(), key.clone().expose().begin()));
}

// The widely used RFC 6979 vector for secp256k1 with SHA-256.
TEST(Signature, IsTheDeterministicOne) {
    const Hash256 digest = sha256(as_bytes("Satoshi Nakamoto"));
    const Signature signature = key_one().sign(digest);
    EXPECT_EQ(to_hex(signature.r),
              "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8");
    EXPECT_EQ(to_hex(signature.s),
              "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
    EXPECT_EQ(key_one().sign(digest), signature);
    EXPECT_EQ(*recover(digest, signature), key_one().address());
}

TEST(Signature, RoundTripsForManyKeysAndDigests) {
    const Word half = word("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");
    bool saw[2] = {false, false};
    for (int i = 0; i < 40; ++i) {
        const Hash256 digest = sha256(as_bytes(std::to_string(i)));
        const SecretKey key = SecretKey::from_seed(digest);
        const Signature signature = key.sign(digest);
        EXPECT_LE(signature.s, half);
        saw[signature.y_parity()] = true;
        EXPECT_EQ(*recover(digest, signature), key.address());
        const auto bytes = signature.encode();
        EXPECT_EQ(*Signature::decode(bytes), signature);
    }
    EXPECT_TRUE(saw[0] && saw[1]);
}

TEST(Signature, AnotherDigestGivesAnotherSigner) {
    const SecretKey key = key_one();
    const Signature signature = key.sign(sha256(as_bytes("a")));
    const auto other = recover(sha256(as_bytes("b")), signature);
    EXPECT_TRUE(!other || *other != key.address());
}

TEST(Signature, AnyFlippedBitLosesTheSigner) {
    const SecretKey key = key_one();
    const Hash256 digest = sha256(as_bytes("flip"));
    const auto bytes = key.sign(digest).encode();
    for (std::size_t bit = 0; bit < 65 * 8; bit += 3) {
        auto bad = bytes;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        const auto signature = Signature::decode(bad);
        if (!signature) continue;
        const auto signer = recover(digest, *signature);
        EXPECT_TRUE(!signer || *signer != key.address()) << bit;
    }
}

TEST(Signature, HighSIsRefusedThoughItsMathHolds) {
    const Hash256 digest = sha256(as_bytes("malleable"));
    Signature signature = key_one().sign(digest);
    signature.s = order_minus(signature.s);
    signature.v = signature.v == 27 ? 28 : 27;
    const auto signer = recover(digest, signature);
    ASSERT_FALSE(signer);
    EXPECT_EQ(signer.error().code, Errc::kMalformed);
    EXPECT_NE(signer.error().context.find("half the group order"), std::string::npos);
}

TEST(Signature, MalformedPartsAreRefused) {
    const Hash256 digest = sha256(as_bytes("m"));
    const Signature good = key_one().sign(digest);
    for (const int v : {0, 1, 26, 29, 30, 255}) {
        Signature bad = good;
        bad.v = static_cast<std::uint8_t>(v);
        EXPECT_FALSE(recover(digest, bad)) << v;
        EXPECT_FALSE(Signature::decode(bad.encode())) << v;
    }
    for (const Word& value : {Word{}, word(kOrder), word(std::string(64, 'f'))}) {
        Signature bad_r = good;
        bad_r.r = value;
        EXPECT_EQ(recover(digest, bad_r).error().code, Errc::kMalformed);
        Signature bad_s = good;
        bad_s.s = value;
        EXPECT_EQ(recover(digest, bad_s).error().code, Errc::kMalformed);
    }
    Signature no_point = good;
    no_point.r = word(std::string(63, '0') + "5");  // no point of the curve has x = 5
    EXPECT_FALSE(recover(digest, no_point));
    const auto bytes = good.encode();
    EXPECT_FALSE(Signature::decode(ByteView(bytes).first(64)));
    EXPECT_FALSE(Signature::decode(Bytes(66, 27)));
    EXPECT_FALSE(Signature::decode({}));
}

TEST(AddressText, FollowsEip55) {
    for (const std::string text : {"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                                   "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                                   "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
                                   "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(to_checksum_address(*address), text);
        EXPECT_EQ(*parse_address(to_0x(*address)), *address);
        std::string wrong = text;
        const auto letter =
            std::find_if(wrong.begin() + 2, wrong.end(), [](char c) { return c >= 'a'; });
        *letter = static_cast<char>(*letter - 'a' + 'A');
        EXPECT_EQ(parse_address(wrong).error().code, Errc::kMalformed);
    }
    EXPECT_FALSE(parse_address("0x12"));
    EXPECT_FALSE(parse_address(""));
    EXPECT_FALSE(parse_address("0x" + std::string(40, 'g')));
}

}  // namespace
}  // namespace covenant::crypto
