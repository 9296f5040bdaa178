// Stage 2, screen: the cheap rules that every artifact must pass (R6), and its LossScore.
#pragma once

#include "validator/stages/collect.hpp"

#include <optional>
#include <vector>

namespace covenant::validator {

struct Screened {
    protocol::Uid uid;
    protocol::Verdict verdict = protocol::Verdict::kAccept;
    double norm = 0.0;           // |s|_2
    double score_own = 0.0;      // LossScore on the miner's own windows
    double score_heldout = 0.0;  // and on held-out ones
    Hash256 payload_root;        // zero unless the artifact passes R6.1 to R6.5
    bool operator==(const Screened&) const = default;
};

// One entry per committed miner, ascending uid. Needs the round's sigma (which windows are scored).
Result<std::vector<Screened>> screen(const participant::Seat& seat,
                                     const participant::Artifacts& artifacts,
                                     const participant::Training& training,
                                     const protocol::RunState& state,
                                     const protocol::RoundView& view, const Collected& collected);

// R6.6: the first boundary is what the chain says it must be, and the others count on from it.
// Nothing when the commitment that it continues cannot be read here.
Result<std::optional<protocol::Verdict>> check_continuity(const participant::Seat& seat,
                                                          const participant::Artifacts& artifacts,
                                                          const protocol::RunState& state,
                                                          const protocol::RoundView& view,
                                                          const protocol::MinerView& miner,
                                                          const protocol::Artifact& artifact);

// For the journal.
Bytes encode_screened(std::span<const Screened> screened);
Result<std::vector<Screened>> decode_screened(ByteView bytes);

}  // namespace covenant::validator
