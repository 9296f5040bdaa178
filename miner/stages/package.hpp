// Stage 3, package and commit: encrypt, store, sign. What is signed is sealed in the journal before
// anyone sees it, so a restarted miner sends the same commitment again and never a second one.
#pragma once

#include "common/crypto/stream_cipher.hpp"
#include "miner/context.hpp"

#include <optional>

namespace covenant::miner {

struct Package {
    protocol::SignedCommitment commitment;
    crypto::StreamKey key;
};

// Encrypts and stores the artifact, signs, seals.
Result<Package> package_round(MinerContext& context, const protocol::RoundView& view,
                              const execution::RoundResult& result);
// What was sealed for this round under this beacon, if anything.
Result<std::optional<Package>> sealed_package(MinerContext& context,
                                              const protocol::RoundView& view);

}  // namespace covenant::miner
