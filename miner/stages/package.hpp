// Stage 3, package and commit: encrypt, store, sign. What is signed is sealed in the journal before
// anyone sees it, so a restarted miner sends the same commitment again and never a second one.
#pragma once

#include "chain/participant/node.hpp"
#include "common/crypto/stream_cipher.hpp"
#include "common/execution/round_executor.hpp"
#include "common/protocol/commitment.hpp"
#include "common/protocol/round_view.hpp"

#include <optional>

namespace covenant::miner {

struct Package {
    protocol::SignedCommitment commitment;
    crypto::StreamKey key;
};

// Encrypts the artifact under a fresh key and puts it into the store. The commitment is not signed.
Result<Package> encrypt_round(const participant::Seat& seat, store::ArtifactStore& store,
                              const protocol::RoundView& view,
                              const execution::RoundResult& result);
// Signs the commitment and seals the package. kAlreadyExists: another one is sealed for this round
// under this beacon.
Result<Package> seal_package(const participant::Seat& seat, node::Journal& journal,
                             const protocol::SigningDomain& domain, const protocol::RoundView& view,
                             Package package);
// What was sealed for this round under this beacon, if anything.
Result<std::optional<Package>> sealed_package(const node::Journal& journal,
                                              const protocol::RoundView& view);

}  // namespace covenant::miner
