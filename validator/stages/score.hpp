// Stage 4, score: from what was screened and audited to weights and findings, sealed before they
// are committed.
#pragma once

#include "validator/stages/audit.hpp"
#include "validator/stages/screen.hpp"

#include <optional>

namespace covenant::validator {

// What this validator will say about a round: committed as a hash, revealed as it stands here.
struct Ballot {
    std::vector<std::uint16_t> weights;  // index = uid
    std::vector<protocol::Finding> findings;
    Hash256 salt;
};

// Sealed on first call; afterwards the same ballot again. Moves the miners' ratings (R8.5) in the
// same journal.
Result<Ballot> score(const participant::Seat& seat, node::Journal& journal,
                     const protocol::RoundView& view, std::span<const Screened> screened,
                     std::span<const AuditResult> audits);
Result<std::optional<Ballot>> sealed_ballot(const node::Journal& journal, protocol::Round round);
Hash256 ballot_hash(const participant::Seat& seat, const chain::Ledger& ledger,
                    protocol::Round round, const Ballot& ballot);

}  // namespace covenant::validator
