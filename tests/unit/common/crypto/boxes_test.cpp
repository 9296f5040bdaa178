#include "common/base/hex.hpp"
#include "common/crypto/password_box.hpp"
#include "common/crypto/sealed_box.hpp"

#include <gtest/gtest.h>

namespace covenant::crypto {
namespace {

constexpr Argon2Params kQuick{1, 8192};

SecretBytes secret(std::string_view text) {
    return SecretBytes::copy_of(as_bytes(text));
}

Bytes quick_box(std::string_view text = "the key") {
    auto box = password_seal(as_bytes(text), secret("pw"), "hotkey", kQuick);
    EXPECT_TRUE(box);
    return std::move(*box);
}

TEST(PasswordBox, RoundTrips) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{32}, kPasswordBoxMaxPlaintext}) {
        const Bytes plaintext(size, 0x5A);
        const auto box = password_seal(plaintext, secret("pw"), "hotkey", kQuick);
        ASSERT_TRUE(box);
        EXPECT_EQ(box->size(), 72 + size + 16);
        const auto opened = password_open(*box, secret("pw"), "hotkey");
        ASSERT_TRUE(opened);
        EXPECT_TRUE(opened->equals(plaintext));
    }
}

TEST(PasswordBox, AnEmptyPasswordIsAPassword) {
    const auto box = password_seal(as_bytes("x"), SecretBytes(), "hotkey", kQuick);
    ASSERT_TRUE(box);
    EXPECT_TRUE(password_open(*box, SecretBytes(), "hotkey"));
    EXPECT_FALSE(password_open(*box, secret("x"), "hotkey"));
}

TEST(PasswordBox, SaltAndNonceAreFresh) {
    EXPECT_NE(quick_box(), quick_box());
}

TEST(PasswordBox, WrongPasswordOrLabelIsPermission) {
    const Bytes box = quick_box();
    const auto wrong = password_open(box, secret("PW"), "hotkey");
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, Errc::kPermission);
    EXPECT_EQ(wrong.error().context.find("PW"), std::string::npos);
    EXPECT_EQ(password_open(box, secret("pw"), "coldkey").error().code, Errc::kPermission);
}

TEST(PasswordBox, AnyChangedByteIsNoticed) {
    const Bytes box = quick_box();
    KdfLimits limits;
    limits.memory_bytes = 1 << 20;
    limits.passes = 3;
    for (std::size_t i = 0; i < box.size(); ++i) {
        Bytes bad = box;
        bad[i] ^= 1;
        const auto opened = password_open(bad, secret("pw"), "hotkey", limits);
        ASSERT_FALSE(opened) << i;
        EXPECT_TRUE(opened.error().code == Errc::kPermission ||
                    opened.error().code == Errc::kMalformed);
    }
    for (std::size_t size = 0; size < box.size(); ++size) {
        EXPECT_EQ(password_open(ByteView(box).first(size), secret("pw"), "hotkey").error().code,
                  Errc::kMalformed);
    }
    Bytes longer = box;
    longer.push_back(0);
    EXPECT_EQ(password_open(longer, secret("pw"), "hotkey").error().code, Errc::kMalformed);
}

// A file must not make the machine that opens it work for hours or fill its memory.
TEST(PasswordBox, HostileParametersAreRefusedBeforeAnyWork) {
    const auto with = [](std::uint64_t passes, std::uint64_t memory) {
        Bytes box = quick_box();
        store_le(passes, &box[8]);
        store_le(memory, &box[16]);
        return password_open(box, secret("pw"), "hotkey").error();
    };
    EXPECT_EQ(with(1, std::uint64_t{100} << 30).code, Errc::kMalformed);
    EXPECT_EQ(with(1000000, 8192).code, Errc::kMalformed);
    EXPECT_EQ(with(0, 8192).code, Errc::kMalformed);
    EXPECT_EQ(with(1, 0).code, Errc::kMalformed);
    EXPECT_EQ(with(~std::uint64_t{0}, ~std::uint64_t{0}).code, Errc::kMalformed);
    Bytes size = quick_box();
    store_le(~std::uint64_t{0}, &size[64]);
    EXPECT_EQ(password_open(size, secret("pw"), "hotkey").error().code, Errc::kMalformed);
}

TEST(PasswordBox, RefusesToSealWhatItCouldNotOpen) {
    const Bytes too_long(kPasswordBoxMaxPlaintext + 1);
    EXPECT_EQ(password_seal(too_long, secret("pw"), "x", kQuick).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(password_seal({}, secret("pw"), "x", {1, std::uint64_t{2} << 30}).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(password_seal({}, secret("pw"), "x", {0, 8192}).error().code, Errc::kInvalidArgument);
}

// RFC 7748, section 6.1: Alice's key pair.
TEST(SealedBox, PublicKeyIsThePublishedOne) {
    const auto alice = BoxKey::from_bytes(
        *from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
    ASSERT_TRUE(alice);
    EXPECT_EQ(to_hex(alice->public_key().view()),
              "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
}

TEST(SealedBox, RoundTripsForItsKeyOnly) {
    const BoxKey key = BoxKey::generate();
    for (const std::size_t size : {0U, 1U, 1000U}) {
        const Bytes plaintext(size, 7);
        const auto sealed = seal(plaintext, key.public_key());
        ASSERT_TRUE(sealed);
        EXPECT_EQ(sealed->size(), size + kSealedBoxOverhead);
        const auto opened = key.open(*sealed);
        ASSERT_TRUE(opened);
        EXPECT_TRUE(opened->equals(plaintext));
        EXPECT_EQ(BoxKey::generate().open(*sealed).error().code, Errc::kMismatch);
        const auto same = BoxKey::from_bytes(key.expose());
        ASSERT_TRUE(same);
        EXPECT_EQ(same->public_key(), key.public_key());
        EXPECT_TRUE(same->open(*sealed));
    }
}

TEST(SealedBox, AnyChangedByteIsNoticed) {
    const BoxKey key = BoxKey::generate();
    const Bytes sealed = *seal(as_bytes("grant"), key.public_key());
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        Bytes bad = sealed;
        bad[i] ^= 0x40;
        EXPECT_EQ(key.open(bad).error().code, Errc::kMismatch) << i;
    }
    EXPECT_EQ(key.open(ByteView(sealed).first(47)).error().code, Errc::kMalformed);
    EXPECT_EQ(key.open({}).error().code, Errc::kMalformed);
}

TEST(SealedBox, RefusesBadKeys) {
    EXPECT_EQ(BoxKey::from_bytes(Bytes(31, 1)).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(seal(as_bytes("x"), PublicKey{}).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace covenant::crypto
