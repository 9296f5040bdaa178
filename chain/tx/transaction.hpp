// EIP-1559 transactions (type 2): keccak256(0x02 ‖ rlp(fields)) is signed, the hash covers the
// signed form.
#pragma once

#include "common/base/safe_math.hpp"
#include "common/crypto/secp256k1.hpp"

#include <cstdint>
#include <optional>

namespace covenant::chain {

struct Transaction {
    std::uint64_t chain_id = 0;
    std::uint64_t nonce = 0;
    Uint128 max_priority_fee = 0;  // wei per gas
    Uint128 max_fee = 0;           // wei per gas
    std::uint64_t gas_limit = 0;
    std::optional<Address> to;  // nothing creates a contract
    Uint128 value = 0;          // wei
    Bytes data;
};

struct SignedTransaction {
    Bytes raw;  // what eth_sendRawTransaction takes
    Hash256 hash;
};

SignedTransaction sign_transaction(const Transaction& transaction, const crypto::SecretKey& key);

// Address of the contract that `sender` creates with `nonce`: last 20 bytes of
// keccak256(rlp([sender, nonce])).
Address created_address(const Address& sender, std::uint64_t nonce);

}  // namespace covenant::chain
