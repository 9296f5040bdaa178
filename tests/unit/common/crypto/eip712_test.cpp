#include "common/crypto/eip712.hpp"

#include "common/base/hex.hpp"
#include "common/crypto/keccak256.hpp"
#include "common/crypto/secp256k1.hpp"

#include <gtest/gtest.h>

namespace covenant::crypto {
namespace {

Address address(std::string_view text) {
    return *fixed_from_hex<Address>(text);
}

// The example of the EIP: Ether Mail.
constexpr std::string_view kMail =
    "Mail(Person from,Person to,string contents)Person(string name,address wallet)";
constexpr std::string_view kPerson = "Person(string name,address wallet)";

Hash256 mail_hash() {
    const Hash256 from = Eip712Struct(kPerson)
                             .string("Cow")
                             .address(address("CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"))
                             .hash();
    const Hash256 to = Eip712Struct(kPerson)
                           .string("Bob")
                           .address(address("bBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"))
                           .hash();
    return Eip712Struct(kMail).nested(from).nested(to).string("Hello, Bob!").hash();
}

Hash256 mail_domain() {
    return eip712_domain_separator(
        {"Ether Mail", "1", 1, address("CcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC")});
}

TEST(Eip712, TheExampleOfTheStandard) {
    EXPECT_EQ(to_hex(keccak256(as_bytes(kMail)).view()),
              "a0cedeb2dc280ba39b857546d74f5549c3a1d7bdc2dd96bf881f76108e23dac2");
    EXPECT_EQ(to_hex(mail_domain().view()),
              "f2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
    EXPECT_EQ(to_hex(mail_hash().view()),
              "c52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
    EXPECT_EQ(to_hex(eip712_digest(mail_domain(), mail_hash()).view()),
              "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
}

TEST(Eip712, ItsSignature) {
    const auto cow = SecretKey::from_bytes(keccak256(as_bytes("cow")).view());
    ASSERT_TRUE(cow);
    EXPECT_EQ(cow->address(), address("CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"));
    const Signature signature = cow->sign(eip712_digest(mail_domain(), mail_hash()));
    EXPECT_EQ(to_hex(signature.r),
              "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d");
    EXPECT_EQ(to_hex(signature.s),
              "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562");
    EXPECT_EQ(signature.v, 28);
}

TEST(Eip712, WordsAreRightAlignedBigEndian) {
    const auto hash_of_word = [](const std::string& word_hex) {
        const Bytes words = *from_hex(to_hex(keccak256(as_bytes("T(x y)")).view()) + word_hex);
        return keccak256(words);
    };
    const std::string zeros(64, '0');
    const auto padded = [&](const std::string& tail) { return zeros.substr(tail.size()) + tail; };
    EXPECT_EQ(Eip712Struct("T(x y)").uint(0x0102).hash(), hash_of_word(padded("0102")));
    EXPECT_EQ(Eip712Struct("T(x y)").uint(~Uint128{0}).hash(),
              hash_of_word(padded(std::string(32, 'f'))));
    EXPECT_EQ(Eip712Struct("T(x y)").boolean(true).hash(), hash_of_word(padded("1")));
    Address who;
    who.bytes.fill(0xAB);
    std::string who_hex;
    for (int i = 0; i < 20; ++i) {
        who_hex += "ab";
    }
    EXPECT_EQ(Eip712Struct("T(x y)").address(who).hash(), hash_of_word(padded(who_hex)));
    std::array<std::uint8_t, 32> big{};
    big[0] = 0x80;
    EXPECT_EQ(Eip712Struct("T(x y)").uint256(big).hash(), hash_of_word("80" + zeros.substr(2)));
    EXPECT_EQ(Eip712Struct("T(x y)").bytes32(PublicKey{big}).hash(),
              Eip712Struct("T(x y)").bytes32(Hash256{big}).hash());
    EXPECT_EQ(Eip712Struct("T(x y)").bytes(Bytes{1, 2}).hash(),
              Eip712Struct("T(x y)").bytes32(keccak256(Bytes{1, 2})).hash());
}

TEST(Eip712, EveryDomainFieldCounts) {
    const Eip712Domain base{"Covenant", "1", 31337, address(std::string(40, '1'))};
    Eip712Domain other = base;
    other.name = "covenant";
    EXPECT_NE(eip712_domain_separator(other), eip712_domain_separator(base));
    other = base;
    other.version = "2";
    EXPECT_NE(eip712_domain_separator(other), eip712_domain_separator(base));
    other = base;
    other.chain_id = 1;
    EXPECT_NE(eip712_domain_separator(other), eip712_domain_separator(base));
    other = base;
    other.verifying_contract.bytes[0] = 9;
    EXPECT_NE(eip712_domain_separator(other), eip712_domain_separator(base));
}

}  // namespace
}  // namespace covenant::crypto
