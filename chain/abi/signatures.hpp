// Signatures of the events and functions of contracts/src, in ABI form.
#pragma once

#include <string_view>

namespace covenant::chain::signatures {

// events
inline constexpr std::string_view kHotkeyRegistered =
    "HotkeyRegistered(uint16,address,address,uint8,bytes32)";
inline constexpr std::string_view kStakeAdded = "StakeAdded(uint16,address,uint256,uint256)";
inline constexpr std::string_view kUnstakeRequested =
    "UnstakeRequested(uint16,uint256,uint256,uint48)";
inline constexpr std::string_view kRunCreated =
    "RunCreated(bytes32,address,(uint64,uint32,uint32,uint32,uint32,uint32,uint32,uint32,uint16,"
    "uint16,uint128,bytes32,bytes32),bytes)";
inline constexpr std::string_view kArtifactCommitted =
    "ArtifactCommitted(bytes32,uint64,uint16,(bytes32,uint64,bytes32,bytes32,uint16,bytes32,"
    "bytes32,bytes32,uint64,uint64),bytes)";
inline constexpr std::string_view kBeaconProven =
    "BeaconProven(bytes32,uint64,uint64,bytes32,bytes32)";
inline constexpr std::string_view kInclusionVoted =
    "InclusionVoted(bytes32,uint64,uint16,uint256,uint256)";
inline constexpr std::string_view kParametersVoted =
    "ParametersVoted(bytes32,uint64,uint16,bytes32,uint32,uint256)";
inline constexpr std::string_view kParametersAccepted =
    "ParametersAccepted(bytes32,uint64,bytes32,uint32)";
inline constexpr std::string_view kScoresCommitted =
    "ScoresCommitted(bytes32,uint64,uint16,bytes32)";
inline constexpr std::string_view kScoresRevealed =
    "ScoresRevealed(bytes32,uint64,uint16,uint16[],(uint16,uint8,uint16,bytes32)[],uint256)";
inline constexpr std::string_view kMinerFailed =
    "MinerFailed(bytes32,uint64,uint16,uint256,uint256)";
inline constexpr std::string_view kCredited = "Credited(bytes32,uint64,uint16,uint256)";
inline constexpr std::string_view kRoundSettled =
    "RoundSettled(bytes32,uint64,uint256,uint256,uint256)";
inline constexpr std::string_view kClaimed = "Claimed(uint16,address,uint256)";

// functions
inline constexpr std::string_view kRegister = "register(address,uint8,bytes32,uint256,bytes)";
inline constexpr std::string_view kCreateRun =
    "createRun(bytes,(uint64,uint32,uint32,uint32,uint32,uint32,uint32,uint32,uint16,uint16,"
    "uint128,bytes32,bytes32))";
inline constexpr std::string_view kCommitArtifact =
    "commitArtifact((bytes32,uint64,bytes32,bytes32,uint16,bytes32,bytes32,bytes32,uint64,uint64),"
    "bytes)";
inline constexpr std::string_view kProveBeacon = "proveBeacon(bytes32,uint64,bytes,bytes)";
inline constexpr std::string_view kVoteInclusion = "voteInclusion(bytes32,uint64,uint256)";
inline constexpr std::string_view kVoteParameters = "voteParameters(bytes32,uint64,bytes32,uint32)";
inline constexpr std::string_view kCommitScores = "commitScores(bytes32,uint64,bytes32)";
inline constexpr std::string_view kRevealScores =
    "revealScores(bytes32,uint64,uint16[],(uint16,uint8,uint16,bytes32)[],bytes32)";
inline constexpr std::string_view kSettle = "settle(bytes32,uint64,uint256)";

}  // namespace covenant::chain::signatures
