// The signed manifest of an artifact: exactly the struct that RoundManager checks (EIP-712).
#pragma once

#include "common/base/bytes.hpp"
#include "common/crypto/stream_cipher.hpp"
#include "common/protocol/ids.hpp"

#include <array>
#include <vector>

namespace covenant::protocol {

struct Commitment {
    RunId run;
    Round round;
    Uid uid;  // signed and hashed as u32: the number of the miner's identity
    Hash256 rho;
    Hash256 base_root;           // root of Theta_r
    Hash256 root;                // C of segment.hpp
    Hash256 ciphertext_hash;     // SHA-256 = the ciphertext's address in the store
    std::uint64_t size = 0;      // ciphertext bytes
    Hash256 key_hash;            // SHA-256 of the 32-byte key, which is shown on chain
    std::uint16_t segments = 0;  // trained in this round: S
    bool operator==(const Commitment&) const = default;
};

using SignatureBytes = std::array<std::uint8_t, 65>;  // r ‖ s ‖ v, v in {27, 28}

struct SignedCommitment {
    Commitment commitment;
    SignatureBytes signature{};
    bool operator==(const SignedCommitment&) const = default;
};

// The key that opens one committed artifact.
struct ShownKey {
    Uid uid;
    crypto::StreamKey key;
    bool operator==(const ShownKey&) const = default;
};
using ShownKeys = std::vector<ShownKey>;  // at most kMaxUids

// The chain and contract a signature is for.
struct SigningDomain {
    std::uint64_t chain_id = 0;
    Address round_manager;
};

// EIP-712 digest of the commitment under domain {"Covenant", "1", chain_id, round_manager}.
Hash256 commitment_digest(const Commitment& commitment, const SigningDomain& domain);
// kAccept or kBadSignature (R4.4).
Verdict verify_commitment(const SignedCommitment& signed_commitment, const SigningDomain& domain,
                          const Address& hotkey);

// Canonical bytes for journals and files (the chain carries ABI).
Bytes encode_signed_commitment(const SignedCommitment& value);
Outcome<SignedCommitment> decode_signed_commitment(ByteView bytes);

}  // namespace covenant::protocol
