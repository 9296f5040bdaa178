// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RunTerms} from "../../src/types/RunTerms.sol";
import {Scored} from "./FakeRound.sol";

/// @notice The settlement written down a second time, plainly: whole matrices, no pages, no packing, no library of
/// the contracts. Slow on purpose.
library SettleReference {
    struct Result {
        uint256 failed;
        uint256[256] credits;
        uint256 miners;
        uint256 validators;
        uint256 treasury;
    }

    struct Stakes {
        uint256 all;
        uint256 revealed;
    }

    function settle(Scored memory s, RunTerms memory terms, uint256 emission)
        internal
        pure
        returns (Result memory r)
    {
        r.failed = failedOf(s);
        Stakes memory total = stakesOf(s);
        uint256[256][] memory c = clipped(s, normalised(s), total.all);
        for (uint256 j = 0; j < 256; ++j) {
            if (((s.included & ~r.failed) >> j) & 1 == 0) continue;
            uint256 rank = 0;
            for (uint256 i = 0; i < c.length; ++i) {
                rank += s.stakes[i] * c[i][j];
            }
            r.credits[j] = (emission * terms.minerShareBps / 10_000) * rank / (total.revealed * 2 ** 32);
            r.miners += r.credits[j];
        }
        for (uint256 i = 0; i < c.length; ++i) {
            uint256 amount = earned(s, i, c[i], emission * terms.validatorShareBps / 10_000, total.all);
            r.credits[s.validators[i]] = amount;
            r.validators += amount;
        }
        r.treasury = emission * (10_000 - terms.minerShareBps - terms.validatorShareBps) / 10_000;
    }

    /// @dev Whether the round can be settled at all.
    function quorum(Scored memory s) internal pure returns (bool) {
        Stakes memory total = stakesOf(s);
        return total.revealed * 2 > total.all;
    }

    function earned(Scored memory s, uint256 i, uint256[256] memory c, uint256 budget, uint256 all)
        private
        pure
        returns (uint256)
    {
        uint256 trust = 0;
        for (uint256 j = 0; j < 256; ++j) {
            trust += c[j];
        }
        return budget * s.stakes[i] * trust * (s.voted[i] ? 2 : 1) / ((all + s.bystanders) * 2 ** 32 * 2);
    }

    function stakesOf(Scored memory s) private pure returns (Stakes memory total) {
        for (uint256 i = 0; i < s.validators.length; ++i) {
            total.all += s.stakes[i];
            if (s.revealed[i]) total.revealed += s.stakes[i];
        }
    }

    function failedOf(Scored memory s) private pure returns (uint256 failed) {
        for (uint256 j = 0; j < 256; ++j) {
            uint256 fail = 0;
            uint256 pass = 0;
            for (uint256 i = 0; i < s.validators.length; ++i) {
                if (!s.revealed[i]) continue;
                if ((s.fails[i] >> j) & 1 == 1) fail += s.stakes[i];
                if ((s.passes[i] >> j) & 1 == 1) pass += s.stakes[i];
            }
            if (fail > pass && (s.committed >> j) & 1 == 1) failed |= uint256(1) << j;
        }
    }

    /// @dev Rows of zeros for who did not reveal.
    function normalised(Scored memory s) private pure returns (uint256[256][] memory n) {
        n = new uint256[256][](s.validators.length);
        for (uint256 i = 0; i < s.validators.length; ++i) {
            uint256 sum = 0;
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                if ((s.committed >> j) & 1 == 1) sum += s.weights[i][j];
            }
            if (sum == 0 || !s.revealed[i]) continue;
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                if ((s.committed >> j) & 1 == 1) n[i][j] = uint256(s.weights[i][j]) * 2 ** 32 / sum;
            }
        }
    }

    function clipped(Scored memory s, uint256[256][] memory n, uint256 all)
        private
        pure
        returns (uint256[256][] memory c)
    {
        c = new uint256[256][](n.length);
        for (uint256 j = 0; j < 256; ++j) {
            uint256 most = 0;
            // Tries every candidate value instead of sorting.
            for (uint256 k = 0; k < n.length; ++k) {
                uint256 reached = 0;
                for (uint256 i = 0; i < n.length; ++i) {
                    if (n[i][j] >= n[k][j]) reached += s.stakes[i];
                }
                if (reached * 2 > all && n[k][j] > most) most = n[k][j];
            }
            for (uint256 i = 0; i < n.length; ++i) {
                c[i][j] = n[i][j] < most ? n[i][j] : most;
            }
        }
    }
}
