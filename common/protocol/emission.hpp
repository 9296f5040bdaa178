// Settlement of a round, bit for bit as Emissions.sol computes it (R9; tests/vectors/settle.json
// binds the two).
#pragma once

#include "common/base/safe_math.hpp"
#include "common/protocol/ids.hpp"
#include "common/protocol/run_spec.hpp"

#include <map>
#include <span>
#include <vector>

namespace covenant::protocol {

struct Finding {
    Uid uid;
    std::uint8_t verdict = 0;  // 1 pass, 2 fail
    Segment segment;           // of a failed segment, else 0
    Hash256 evidence;          // SHA-256 address of the Evidence bytes; zero for a pass
    bool operator==(const Finding&) const = default;
};
inline constexpr std::uint8_t kFindingPass = 1;
inline constexpr std::uint8_t kFindingFail = 2;

struct RevealedScores {
    Uid validator;
    Amount stake;                        // at T0
    std::vector<std::uint16_t> weights;  // index = uid, at most 256
    std::vector<Finding> findings;
};

inline constexpr std::size_t kMaxFindings = 512;  // in one reveal

// Stake that reported a fail of the uid, and stake that reported passes only (R9.2).
struct FindingStake {
    Amount fail;
    Amount pass;
};
FindingStake finding_stake(std::span<const RevealedScores> revealed, Uid uid);

struct Settlement {
    UidSet failed;
    std::map<Uid, Amount> credits;  // miners and validators with a positive credit
    Amount miners;
    Amount validators;
    Amount treasury;
    bool operator==(const Settlement&) const = default;
};

// Stakes and the emission are below 2^96, so every product fits 256 bits, in the contract and here
// (wide.hpp). At most kMaxValidators reveals.
Settlement settle(const RunTerms& terms, std::span<const RevealedScores> revealed,
                  const UidSet& committed, const UidSet& miners);

}  // namespace covenant::protocol
