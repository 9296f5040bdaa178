// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {UidSet} from "../../src/libraries/UidSet.sol";
import {Finding} from "../../src/types/Finding.sol";
import {Rounds} from "./Rounds.sol";

/// @dev Rounds in which some validators leave duties out: a round's ballot is revealed in the next round, before
/// its keys.
abstract contract Watched is Rounds {
    uint256 internal constant ALL = 7;

    /// @dev Who does what in a round.
    struct Duties {
        uint256 inclusion;
        uint256 ballot;
        uint256 parameters;
    }

    function all(uint256 validators) internal pure returns (Duties memory) {
        return Duties(validators, validators, validators);
    }

    /// @dev Plays `round` from its T0 to its reveals, which is 20 seconds into the next round.
    function live(uint64 round, bytes32 root, Duties memory d) internal {
        openVotes(round);
        duties(round, root, MINERS, d);
    }

    function live(uint64 round, bytes32 root, uint256 validators) internal {
        live(round, root, all(validators));
    }

    function duties(uint64 round, bytes32 root, uint256 included, Duties memory d) internal {
        votes(round, root, included, d);
        warpTo(t0(round) + 120);
        reveals(round, d.ballot);
    }

    function votes(uint64 round, bytes32 root, uint256 included, Duties memory d) internal {
        warpTo(t0(round) + 50);
        uint16[] memory uids = UidSet.toArray(d.inclusion);
        for (uint256 i = 0; i < uids.length; ++i) {
            voteInclusion(round, uids[i], included);
        }
        uids = UidSet.toArray(d.ballot);
        for (uint256 i = 0; i < uids.length; ++i) {
            commitScores(round, uids[i], new uint16[](0), new Finding[](0));
        }
        warpTo(t0(round) + 70);
        uids = UidSet.toArray(d.parameters);
        for (uint256 i = 0; i < uids.length; ++i) {
            voteParameters(round, uids[i], root);
        }
    }

    function reveals(uint64 round, uint256 validators) internal {
        uint16[] memory uids = UidSet.toArray(validators);
        for (uint256 i = 0; i < uids.length; ++i) {
            revealScores(round, uids[i], new uint16[](0), new Finding[](0));
        }
    }

    function isAccepted(uint64 round) internal view returns (bool yes) {
        (yes,,) = roundManager.accepted(run, round);
    }

    /// @dev Rounds [from, to) with the same duties; the reveals of the last are still open.
    function liveFrom(uint64 from, uint64 to, Duties memory d) internal {
        for (uint64 round = from; round < to; ++round) {
            live(round, ROOT, d);
        }
    }

    function closeReveals(uint64 round) internal {
        warpTo(t0(round) + 150);
    }
}
