#include "miner/stages/package.hpp"

#include "chain/participant/housekeeping.hpp"
#include "common/base/hex.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/node/journal.hpp"
#include "common/store/sealed_artifact.hpp"

namespace covenant::miner {
namespace {

// A reorganised chain can give the round another beacon, and with it another domain: only then is a
// second commitment no equivocation.
std::string package_key(const protocol::RoundView& view) {
    return participant::stage_key(view.round, "package/" + to_hex(view.rho.view()));
}

Bytes encode_package(const Package& package) {
    codec::Writer out;
    out.fixed(package.key).var_bytes(protocol::encode_signed_commitment(package.commitment));
    return out.take();
}

Result<Package> decode_package(ByteView bytes) {
    codec::Reader in(bytes);
    Package package;
    package.key = in.fixed<crypto::StreamKey>();
    const auto commitment = protocol::decode_signed_commitment(in.var_bytes(4096));
    if (!in.finish() || !commitment) {
        return fail(Errc::kCorrupt, "the journal's package row does not decode");
    }
    package.commitment = *commitment;
    return package;
}

}  // namespace

Result<Package> encrypt_round(const participant::Seat& seat, store::ArtifactStore& store,
                              const protocol::RoundView& view,
                              const execution::RoundResult& result) {
    const store::SealedArtifact sealed =
        store::seal_artifact(protocol::encode_artifact(result.artifact));
    COVENANT_TRY(const Hash256 address, store.put(sealed.ciphertext));
    if (address != sealed.ciphertext_hash) {
        return fail(Errc::kCorrupt, "the store gave the ciphertext address " + to_0x(address) +
                                        ", its hash is " + to_0x(sealed.ciphertext_hash));
    }
    Package package;
    package.key = sealed.key;
    package.commitment.commitment = {
        .run = seat.run,
        .round = view.round,
        .uid = seat.uid,
        .rho = view.rho,
        .base_root = view.base_root,
        .root = result.commitment_root,
        .ciphertext_hash = sealed.ciphertext_hash,
        .size = sealed.ciphertext.size(),
        .key_hash = sealed.key_hash,
        .segments = static_cast<std::uint16_t>(seat.spec.segments()),
    };
    return package;
}

Result<Package> seal_package(const participant::Seat& seat, node::Journal& journal,
                             const protocol::SigningDomain& domain, const protocol::RoundView& view,
                             Package package) {
    const Hash256 digest = protocol::commitment_digest(package.commitment.commitment, domain);
    package.commitment.signature = seat.key.sign(digest).encode();
    COVENANT_CHECK(journal.seal(package_key(view), encode_package(package)));
    return package;
}

Result<std::optional<Package>> sealed_package(const node::Journal& journal,
                                              const protocol::RoundView& view) {
    COVENANT_TRY(const std::optional<Bytes> row, journal.get(package_key(view)));
    if (!row) {
        return std::optional<Package>{};
    }
    COVENANT_TRY(Package package, decode_package(*row));
    return std::optional<Package>(std::move(package));
}

}  // namespace covenant::miner
