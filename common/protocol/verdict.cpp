#include "common/protocol/verdict.hpp"

namespace covenant::protocol {

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::kAccept:
            return "accept";
        case Verdict::kMalformed:
            return "malformed";
        case Verdict::kUnsupportedVersion:
            return "unsupported_version";
        case Verdict::kNotCanonical:
            return "not_canonical";
        case Verdict::kSpecInvalid:
            return "spec_invalid";
        case Verdict::kTermsMismatch:
            return "terms_mismatch";
        case Verdict::kUnknownRun:
            return "unknown_run";
        case Verdict::kNotMiner:
            return "not_miner";
        case Verdict::kWrongPhase:
            return "wrong_phase";
        case Verdict::kBadSignature:
            return "bad_signature";
        case Verdict::kWrongBeacon:
            return "wrong_beacon";
        case Verdict::kWrongBase:
            return "wrong_base";
        case Verdict::kDuplicate:
            return "duplicate";
        case Verdict::kNotValidator:
            return "not_validator";
        case Verdict::kRevealMismatch:
            return "reveal_mismatch";
        case Verdict::kNotReady:
            return "not_ready";
        case Verdict::kBadBeaconProof:
            return "bad_beacon_proof";
        case Verdict::kRosterFull:
            return "roster_full";
        case Verdict::kUnknownUid:
            return "unknown_uid";
        case Verdict::kUnavailable:
            return "unavailable";
        case Verdict::kHashMismatch:
            return "hash_mismatch";
        case Verdict::kDecryptFailed:
            return "decrypt_failed";
        case Verdict::kHeaderMismatch:
            return "header_mismatch";
        case Verdict::kCommitmentMismatch:
            return "commitment_mismatch";
        case Verdict::kBrokenContinuity:
            return "broken_continuity";
        case Verdict::kNotFinite:
            return "not_finite";
        case Verdict::kNormOutOfBounds:
            return "norm_out_of_bounds";
        case Verdict::kLossGate:
            return "loss_gate";
        case Verdict::kWrongProfile:
            return "wrong_profile";
        case Verdict::kSegmentMismatch:
            return "segment_mismatch";
        case Verdict::kWindowMismatch:
            return "window_mismatch";
        case Verdict::kChunkMismatch:
            return "chunk_mismatch";
        case Verdict::kOpeningMissing:
            return "opening_missing";
        case Verdict::kOpeningMismatch:
            return "opening_mismatch";
    }
    return "unknown_verdict";
}

}  // namespace covenant::protocol
