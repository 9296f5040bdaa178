// EIP-712 typed structured data.
//   digest = keccak256(0x19 0x01 ‖ domain separator ‖ hashStruct(message))
//   hashStruct(s) = keccak256(keccak256(encodeType) ‖ one 32-byte word for each field)
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/safe_math.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace covenant::crypto {

struct Eip712Domain {
    std::string name;
    std::string version;
    std::uint64_t chain_id = 0;
    Address verifying_contract;
};

// EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)
Hash256 eip712_domain_separator(const Eip712Domain& domain);

// hashStruct, field by field in the order of the type:
//   Eip712Struct("Vote(address voter,uint64 round)").address(a).uint(7).hash()
class Eip712Struct {
  public:
    // encodeType, with the referenced struct types appended in alphabetical order.
    explicit Eip712Struct(std::string_view encode_type);

    Eip712Struct& uint(Uint128 value);  // uint8 ... uint128, and uint256 values that fit
    Eip712Struct& uint256(const std::array<std::uint8_t, 32>& big_endian);
    Eip712Struct& boolean(bool value);
    Eip712Struct& address(const Address& value);
    Eip712Struct& bytes32(const Hash256& value);
    Eip712Struct& bytes32(const PublicKey& value);
    Eip712Struct& bytes(ByteView value);           // hashed, as dynamic types are
    Eip712Struct& string(std::string_view value);  // hashed
    Eip712Struct& nested(const Hash256& struct_hash);

    [[nodiscard]] Hash256 hash() const;

  private:
    Bytes words_;
};

Hash256 eip712_digest(const Hash256& domain_separator, const Hash256& struct_hash);

}  // namespace covenant::crypto
