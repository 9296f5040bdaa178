// What a validator knows of a round that is not settled yet.
#pragma once

#include "chain/participant/background.hpp"
#include "common/protocol/not_counted.hpp"
#include "validator/stages/audit.hpp"
#include "validator/stages/screen.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace covenant::engine {
class ParameterBuffer;
}

namespace covenant::validator {

// What a parameters vote says.
struct NextParameters {
    Hash256 root;
    std::uint32_t loss_bits = 0;
};

// Of one round. All of it can be fetched or computed again.
struct RoundWork {
    Collected collected;
    // By the ciphertext's hash, from the commitment on; then opened, once the key is shown.
    std::map<Hash256, participant::Errand<protocol::Outcome<Bytes>>> downloads;
    std::map<Hash256, std::shared_ptr<const Bytes>> ciphertexts;
    std::map<protocol::Uid, participant::Errand<store::FetchedArtifact>> openings;
    participant::Errand<std::vector<Screened>> screening;
    std::optional<std::vector<Screened>> screened;
    participant::Errand<NextParameters> next_parameters;
    std::vector<protocol::Uid> aggregated;  // what next_parameters is computed from
    participant::Errand<std::shared_ptr<const engine::ParameterBuffer>> agreed;
    participant::Errand<bool> checkpoint;
    std::map<protocol::Uid, participant::Errand<std::optional<AuditResult>>> replays;
    std::map<protocol::Uid, AuditResult> audits;
    std::optional<std::string> abstains;         // said
    std::vector<protocol::Uncounted> uncounted;  // said
};

}  // namespace covenant::validator
