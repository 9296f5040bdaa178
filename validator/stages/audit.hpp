// Stage 3, audit: re-execute what the beacon drew (R7). The only stage that says that a miner did
// not do the work.
#pragma once

#include "common/protocol/emission.hpp"
#include "validator/stages/collect.hpp"

#include <functional>
#include <optional>

namespace covenant::validator {

struct AuditResult {
    protocol::Finding
        finding;  // evidence: address of the Evidence bytes of a fail, the replay receipt of a pass
    protocol::Verdict verdict = protocol::Verdict::kAccept;
};

// What the beacon drew of one miner, and what its artifact is.
struct AuditCase {
    const protocol::RunState& state;
    const protocol::RoundView& view;
    const protocol::AuditDuty& duty;
    const store::FetchedArtifact& fetched;
    bool final = false;  // what is not there now will not come in time
    // After every replayed inner step; may be empty.
    std::function<void()> between_steps{};
};

// Nothing while an opening is not there yet and `final` is false; with `final`, a missing opening
// is a fail. The bytes of the evidence are in the store before the finding is returned.
Result<std::optional<AuditResult>> audit(const participant::Seat& seat,
                                         const participant::Artifacts& artifacts,
                                         const participant::Training& training,
                                         const AuditCase& drawn);

Bytes encode_audit(const AuditResult& result);
Result<AuditResult> decode_audit(ByteView bytes);

}  // namespace covenant::validator
