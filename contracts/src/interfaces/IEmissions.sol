// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Turns the revealed scores of a round into credits, and credits into tokens.
interface IEmissions {
    event MinerFailed(
        bytes32 indexed run, uint64 indexed round, uint16 indexed uid, uint256 failStake, uint256 passStake
    );
    event Credited(bytes32 indexed run, uint64 indexed round, uint16 indexed uid, uint256 amount);
    event RoundSettled(
        bytes32 indexed run, uint64 indexed round, uint256 miners, uint256 validators, uint256 treasury
    );
    event Claimed(uint16 indexed uid, address indexed to, uint256 amount);
    event TreasuryClaimed(address indexed to, uint256 amount);

    error EmissionsZeroAddress();
    error EmissionsTooEarly(uint256 current, uint256 opensAt);
    /// @dev Nobody opened the settlement in time; nothing of the round is paid any more.
    error EmissionsExpired(uint256 current, uint256 closesAt);
    /// @dev The round has no accepted parameters.
    error EmissionsNotAccepted(bytes32 run, uint64 round);
    error EmissionsNoBeacon(bytes32 run, uint64 round);
    /// @dev Members with at most half of the electorate's stake revealed.
    error EmissionsNoQuorum(uint256 revealedStake, uint256 electorateStake);
    error EmissionsAlreadySettled(bytes32 run, uint64 round);
    error EmissionsEmptyPage();
    error EmissionsNothingToClaim();

    /// @notice Works on the settlement of a round, by anyone. It is opened within eight rounds after the reveal window,
    /// once the parameters are accepted, the beacon is proven and more than half of the electorate's stake revealed.
    /// @param maxUids Most uids to process in this call; call again until settled(run, round).
    function settle(bytes32 run, uint64 round, uint256 maxUids) external;

    /// @notice Mints everything credited to `uid` and not yet claimed to the neuron's coldkey. By anyone.
    function claim(uint16 uid) external;

    /// @notice Mints everything credited to the treasury to its address. By anyone.
    function claimTreasury() external;

    function credited(bytes32 run, uint64 round, uint16 uid) external view returns (uint256);
    function claimable(uint16 uid) external view returns (uint256);
    function settled(bytes32 run, uint64 round) external view returns (bool);

    /// @notice Set of uids found to have failed their audits. Fixed by the first settle of the round.
    function failed(bytes32 run, uint64 round) external view returns (uint256);

    function treasury() external view returns (address);
    function treasuryClaimable() external view returns (uint256);

    /// @notice Everything ever credited, the treasury's part included.
    function totalCredited() external view returns (uint256);

    /// @notice Everything ever minted by claims.
    function totalClaimed() external view returns (uint256);
}
