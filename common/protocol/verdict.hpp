// What the rules say about something that a stranger sent. One enumerator per rule; the comment
// names the rule of README.md and the consequence. A verdict is a value: it is never logged as an
// error of ours.
#pragma once

#include <cstdint>
#include <string_view>

#include <tl/expected.hpp>

namespace covenant::protocol {

enum class [[nodiscard]] Verdict : std::uint8_t{
    kAccept = 0,  //        the rules are satisfied
    // Decoding (R1): ignored, and scored zero when the bytes are a miner's artifact.
    kMalformed = 1,           // R1.1   truncated, oversized or impossible bytes
    kUnsupportedVersion = 2,  // R1.2   a format version that this build does not know
    kNotCanonical = 3,        // R1.3   a second encoding of the same content
    // Run and chain terms (R2): the node refuses the run.
    kSpecInvalid = 10,    // R2.2   a RunSpec field is out of its range
    kTermsMismatch = 11,  // R2.3   the chain's terms differ from the spec's
    // Commitments (R4): refused by the contract, ignored by nodes.
    kUnknownRun = 20,    // R4.1   the run does not exist on this chain
    kNotMiner = 21,      // R4.2   the uid is no active miner of the round
    kWrongPhase = 22,    // R4.3   too early or too late for this message
    kBadSignature = 23,  // R4.4   not signed by the uid's hotkey
    kWrongBeacon = 24,   // R4.5   rho is not the round's
    kWrongBase = 25,     // R4.6   the base root is not the chain's
    kDuplicate = 26,  // R4.7   a second message for the same slot (a different one is equivocation)
    kNotValidator = 27,    // R4.8   the sender is no validator with stake
    kRevealMismatch = 28,  // R4.9   a reveal does not match its commitment
    kNotReady = 29,        // R4.10  what the message builds on is not settled yet
    kBadBeaconProof = 30,  // R4.11  the header does not prove the beacon
    kRosterFull = 31,      // R4.13  no slot is left for the role
    kUnknownUid = 32,      // R4.14  no hotkey is registered under the uid or the sender
    // Screening of artifacts (R6): not voted for, scored zero.
    kUnavailable = 40,     // R6.1   ciphertext or key not in the store before the vote
    kHashMismatch = 41,    // R6.2   bytes do not hash to what was committed
    kDecryptFailed = 42,   // R6.3   the published key does not open the ciphertext
    kHeaderMismatch = 43,  // R6.4   run, round, uid or base root inside differ from the commitment
    kCommitmentMismatch =
        44,  // R6.5   trace, error feedback and profile do not hash to the committed root
    kBrokenContinuity = 45,  // R6.6   the first state does not continue the miner's last commitment
    kNotFinite = 46,         // R6.7   NaN or Inf among the values
    kNormOutOfBounds = 47,   // R6.8   norm wrong, or below a tenth of the round's median
    kLossGate = 48,          // R6.9   LossScore below a quarter of the round's median
    kWrongProfile = 49,      // R6.10  not the run's profile
    // Audits (R7): the round earns nothing; slashing builds on these.
    kSegmentMismatch = 60,  // R7.3   re-execution gives another segment digest
    kWindowMismatch = 61,   // R7.4   the segment's windows are not the assigned ones
    kChunkMismatch = 62,    // R7.5   re-compression gives another chunk
    kOpeningMissing = 63,   // R7.6   a drawn opening was not published in time
    kOpeningMismatch = 64,  // R7.7   an opening does not match its committed root
};

// snake_case name, stable: it is what JSON, logs and refusals show.
std::string_view to_string(Verdict verdict);

// A decoded or checked value, or the rule that it breaks.
template <typename T>
using Outcome = tl::expected<T, Verdict>;

inline tl::unexpected<Verdict> refuse(Verdict verdict) {
    return tl::unexpected<Verdict>(verdict);
}

}  // namespace covenant::protocol
