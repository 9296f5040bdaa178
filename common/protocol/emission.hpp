// Settlement of a round, bit for bit as Emissions.sol computes it (R9; tests/vectors/settle.json
// binds the two).
#pragma once

#include "common/base/safe_math.hpp"
#include "common/protocol/ids.hpp"
#include "common/protocol/run_spec.hpp"

#include <cstdint>
#include <map>
#include <optional>
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
    Amount stake;                        // at the snapshot
    std::vector<std::uint16_t> weights;  // index = uid, at most 256
    std::vector<Finding> findings;
};

inline constexpr std::size_t kMaxFindings = 512;  // in one reveal

// Rounds after the end of the reveals in which a settlement can be opened (R9.1).
inline constexpr std::uint64_t kSettleRounds = 8;

// Stake that reported a fail of the uid, and stake that reported passes only (R9.2).
struct FindingStake {
    Amount fail;
    Amount pass;
};
FindingStake finding_stake(std::span<const RevealedScores> revealed, Uid uid);

// A member of the round's electorate (R3.5) as settlement sees it.
struct Elector {
    Uid uid;
    Amount stake;                                     // at the snapshot
    std::optional<std::vector<std::uint16_t>> row{};  // its weights; nothing: it did not reveal
    bool voted = false;                               // on inclusion and on parameters
    std::uint32_t drawn = 0;                          // findings that were drawn for it
    std::uint32_t done = 0;                           // of these, revealed
};

struct SettlementInput {
    RunTerms terms;  // the emission and its shares
    Amount seated;   // stake of all seated validators, the electorate's included
    std::vector<Elector> electorate;
    UidSet committed;  // with a key: whose weights count in a row
    UidSet included;   // R3.6
    UidSet failed;     // R9.2
};

struct Settlement {
    std::map<Uid, Amount> credits;  // miners and validators with a positive credit
    Amount miners;
    Amount validators;
    Amount treasury;
    bool operator==(const Settlement&) const = default;
};

// Members with more than half of the electorate's stake revealed (R9.1).
bool revealed_quorum(std::span<const Elector> electorate);

// Needs the quorum. Stakes and the emission are below 2^96, so every product fits 256 bits, in the
// contract and here (wide.hpp). At most kMaxValidators members.
Settlement settle(const SettlementInput& input);

}  // namespace covenant::protocol
