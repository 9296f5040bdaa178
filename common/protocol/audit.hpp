// Who is audited, where, by whom (R7): all of it drawn from a beacon that nobody knew when
// committing.
#pragma once

#include "common/base/safe_math.hpp"
#include "common/protocol/ids.hpp"
#include "common/protocol/roster.hpp"
#include "common/protocol/run_spec.hpp"

#include <optional>
#include <span>
#include <vector>

namespace covenant::protocol {

struct AuditDuty {
    Uid miner;
    std::vector<Segment>
        segments;  // to re-execute: segment s goes from boundary s to s + 1; ascending
    std::vector<std::uint32_t> chunks;  // compression chunks to recompute, ascending, distinct
    std::vector<Uid> auditors;          // ascending
};

// The duty for one commitment, or nothing when it is not drawn (R7.1, R7.2). chunk_count: of the
// parameter layout.
std::optional<AuditDuty> audit_duty(const RunSpec& spec, const Hash256& sigma,
                                    const Hash256& commitment_root, Uid miner,
                                    std::span<const ValidatorStake> validators,
                                    std::uint32_t chunk_count);

// What a failed audit is proved by; its hash goes on chain, its bytes into the store.
struct Evidence {
    RunId run;
    Round round;
    Uid miner;
    Verdict verdict = Verdict::kAccept;
    Segment segment;          // for segment and window verdicts; boundary it starts from
    std::uint32_t chunk = 0;  // for chunk verdicts
    Hash256 claimed;          // segment_hash (or payload leaf) that the miner committed
    Hash256 recomputed;       // what the auditor got
    Hash256 opening;          // store address of the opening that was used, zero when missing
    bool operator==(const Evidence&) const = default;
};
Bytes encode_evidence(const Evidence& evidence);
Outcome<Evidence> decode_evidence(ByteView bytes);

// Replay receipt D_v = H("receipt", validator, sigma, digest of the recomputed state bytes) (R7.8).
Hash256 replay_receipt(const Address& validator, const Hash256& sigma, const Hash256& state_digest);

}  // namespace covenant::protocol
