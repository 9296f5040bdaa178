#include "common/protocol/commitment.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/eip712.hpp"
#include "common/crypto/secp256k1.hpp"

#include <algorithm>
#include <string_view>

namespace covenant::protocol {
namespace {

constexpr std::uint16_t kVersion = 2;
constexpr std::string_view kCommitmentType =
    "Commitment(bytes32 run,uint64 round,uint32 id,bytes32 rho,bytes32 baseRoot,bytes32 root,"
    "bytes32 ciphertextHash,uint64 size,bytes32 keyHash,uint16 segments)";

}  // namespace

Hash256 commitment_digest(const Commitment& commitment, const SigningDomain& domain) {
    const Hash256 separator =
        crypto::eip712_domain_separator({.name = "Covenant",
                                         .version = "1",
                                         .chain_id = domain.chain_id,
                                         .verifying_contract = domain.round_manager});
    const Hash256 message = crypto::Eip712Struct(kCommitmentType)
                                .bytes32(commitment.run)
                                .uint(commitment.round.value)
                                .uint(commitment.uid.value)
                                .bytes32(commitment.rho)
                                .bytes32(commitment.base_root)
                                .bytes32(commitment.root)
                                .bytes32(commitment.ciphertext_hash)
                                .uint(commitment.size)
                                .bytes32(commitment.key_hash)
                                .uint(commitment.segments)
                                .hash();
    return crypto::eip712_digest(separator, message);
}

Verdict verify_commitment(const SignedCommitment& signed_commitment, const SigningDomain& domain,
                          const Address& hotkey) {
    const auto signature = crypto::Signature::decode(signed_commitment.signature);
    if (!signature) return Verdict::kBadSignature;
    const auto signer =
        crypto::recover(commitment_digest(signed_commitment.commitment, domain), *signature);
    if (!signer || *signer != hotkey) return Verdict::kBadSignature;
    return Verdict::kAccept;
}

Bytes encode_signed_commitment(const SignedCommitment& value) {
    const Commitment& c = value.commitment;
    codec::Writer out(512);
    out.u16(kVersion)
        .fixed(c.run)
        .id(c.round)
        .u32(c.uid.value)
        .fixed(c.rho)
        .fixed(c.base_root)
        .fixed(c.root)
        .fixed(c.ciphertext_hash)
        .u64(c.size)
        .fixed(c.key_hash)
        .u16(c.segments)
        .raw(value.signature);
    return out.take();
}

Outcome<SignedCommitment> decode_signed_commitment(ByteView bytes) {
    codec::Reader in(bytes);
    const std::uint16_t version = in.u16();
    if (in.ok() && version != kVersion) return refuse(Verdict::kUnsupportedVersion);
    SignedCommitment out;
    Commitment& c = out.commitment;
    c.run = in.fixed<Hash256>();
    c.round = in.id<Round>();
    const std::uint32_t id = in.u32();
    c.uid = Uid(static_cast<std::uint16_t>(id));
    c.rho = in.fixed<Hash256>();
    c.base_root = in.fixed<Hash256>();
    c.root = in.fixed<Hash256>();
    c.ciphertext_hash = in.fixed<Hash256>();
    c.size = in.u64();
    c.key_hash = in.fixed<Hash256>();
    c.segments = in.u16();
    const ByteView signature = in.raw(out.signature.size());
    if (!in.finish() || id >= kMaxUids) return refuse(Verdict::kMalformed);
    std::copy(signature.begin(), signature.end(), out.signature.begin());
    return out;
}

}  // namespace covenant::protocol
