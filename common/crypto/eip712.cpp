#include "common/crypto/eip712.hpp"

#include "common/crypto/keccak256.hpp"

namespace covenant::crypto {
namespace {

constexpr std::size_t kWord = 32;

void append_right_aligned(Bytes& out, ByteView value) {
    out.insert(out.end(), kWord - value.size(), 0);
    append(out, value);
}

}  // namespace

Hash256 eip712_domain_separator(const Eip712Domain& domain) {
    return Eip712Struct(
               "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
        .string(domain.name)
        .string(domain.version)
        .uint(domain.chain_id)
        .address(domain.verifying_contract)
        .hash();
}

Eip712Struct::Eip712Struct(std::string_view encode_type) {
    string(encode_type);
}

Eip712Struct& Eip712Struct::uint(Uint128 value) {
    std::array<std::uint8_t, 16> big_endian{};
    store_be(value, big_endian.data());
    append_right_aligned(words_, big_endian);
    return *this;
}

Eip712Struct& Eip712Struct::uint256(const std::array<std::uint8_t, 32>& big_endian) {
    append(words_, big_endian);
    return *this;
}

Eip712Struct& Eip712Struct::boolean(bool value) {
    return uint(value ? 1 : 0);
}

Eip712Struct& Eip712Struct::address(const Address& value) {
    append_right_aligned(words_, value.view());
    return *this;
}

Eip712Struct& Eip712Struct::bytes32(const Hash256& value) {
    return uint256(value.bytes);
}

Eip712Struct& Eip712Struct::bytes32(const PublicKey& value) {
    return uint256(value.bytes);
}

Eip712Struct& Eip712Struct::bytes(ByteView value) {
    return bytes32(keccak256(value));
}

Eip712Struct& Eip712Struct::string(std::string_view value) {
    return bytes(as_bytes(value));
}

Eip712Struct& Eip712Struct::nested(const Hash256& struct_hash) {
    return bytes32(struct_hash);
}

Hash256 Eip712Struct::hash() const {
    return keccak256(words_);
}

Hash256 eip712_digest(const Hash256& domain_separator, const Hash256& struct_hash) {
    std::array<std::uint8_t, 2 + 2 * kWord> message{0x19, 0x01};
    std::copy(domain_separator.bytes.begin(), domain_separator.bytes.end(), message.begin() + 2);
    std::copy(struct_hash.bytes.begin(), struct_hash.bytes.end(), message.begin() + 2 + kWord);
    return keccak256(message);
}

}  // namespace covenant::crypto
