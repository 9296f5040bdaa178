// Web3 Secret Storage, version 3: the key files of geth, cast and most wallets.
//   derived key = scrypt or PBKDF2-HMAC-SHA256 (32 bytes); ciphertext = AES-128-CTR under its first
//   half; mac = keccak256(second half ‖ ciphertext)
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/password_box.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/crypto/secret.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace covenant::crypto {

struct ScryptParams {
    std::uint64_t n = std::uint64_t{1} << 18;  // a power of two; memory is 128 * n * r bytes
    std::uint32_t r = 8;
    std::uint32_t p = 1;
};

// The JSON text of the file. kInvalidArgument: parameters out of range. kUnavailable: no memory.
Result<std::string> web3_export(const SecretKey& key, const SecretBytes& password,
                                const ScryptParams& params = {});
// kMalformed: not such a file, an unknown KDF or cipher, or parameters beyond the limits.
// kPermission: wrong password. kCorrupt: the key's address is not the one that the file names.
Result<SecretKey> web3_import(std::string_view text, const SecretBytes& password,
                              const KdfLimits& limits = {});
// The address that the file names, without the password; kNotFound when it names none.
Result<Address> web3_address(std::string_view text);

}  // namespace covenant::crypto
