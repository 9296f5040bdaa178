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

    struct Matrix {
        uint256[256][] n;
        uint256[] stakes;
        uint256 total;
    }

    function settle(Scored memory s, RunTerms memory terms, uint256 emission)
        internal
        pure
        returns (Result memory r)
    {
        r.failed = failedOf(s);
        Matrix memory m = normalised(s, s.committed & ~r.failed);
        (uint256[256] memory ranks, uint256[] memory trusts, uint256 whole) = clip(m);
        uint256 minerBudget = emission * terms.minerShareBps / 10_000;
        uint256 validatorBudget = emission * terms.validatorShareBps / 10_000;
        if (whole == 0) {
            r.treasury = emission * (10_000 - terms.minerShareBps - terms.validatorShareBps) / 10_000;
            return r;
        }
        for (uint256 j = 0; j < 256; ++j) {
            r.credits[j] = minerBudget * ranks[j] / whole;
            r.miners += r.credits[j];
        }
        for (uint256 i = 0; i < s.validators.length; ++i) {
            uint256 amount = validatorBudget * m.stakes[i] * trusts[i] / whole;
            r.credits[s.validators[i]] = amount;
            r.validators += amount;
        }
        r.treasury = emission - r.miners - r.validators;
    }

    function failedOf(Scored memory s) private pure returns (uint256 failed) {
        for (uint256 j = 0; j < 256; ++j) {
            uint256 fail = 0;
            uint256 pass = 0;
            for (uint256 i = 0; i < s.validators.length; ++i) {
                if ((s.fails[i] >> j) & 1 == 1) fail += s.stakes[i];
                if ((s.passes[i] >> j) & 1 == 1) pass += s.stakes[i];
            }
            if (fail > pass && (s.committed >> j) & 1 == 1) failed |= uint256(1) << j;
        }
    }

    function normalised(Scored memory s, uint256 miners) private pure returns (Matrix memory m) {
        m.n = new uint256[256][](s.validators.length);
        m.stakes = new uint256[](s.validators.length);
        for (uint256 i = 0; i < s.validators.length; ++i) {
            uint256 sum = 0;
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                if ((miners >> j) & 1 == 1) sum += s.weights[i][j];
            }
            if (sum == 0) continue; // its stake stays 0: it takes no part
            m.stakes[i] = s.stakes[i];
            m.total += s.stakes[i];
            for (uint256 j = 0; j < s.weights[i].length; ++j) {
                if ((miners >> j) & 1 == 1) m.n[i][j] = uint256(s.weights[i][j]) * 2 ** 32 / sum;
            }
        }
    }

    /// @dev Tries every candidate value instead of sorting.
    function median(Matrix memory m, uint256 j) private pure returns (uint256 best) {
        best = type(uint256).max;
        for (uint256 k = 0; k < m.n.length; ++k) {
            uint256 candidate = m.n[k][j];
            if (m.stakes[k] == 0 || candidate >= best) continue;
            uint256 below = 0;
            for (uint256 i = 0; i < m.n.length; ++i) {
                if (m.n[i][j] <= candidate) below += m.stakes[i];
            }
            if (below * 65535 > m.total * 32768) best = candidate;
        }
        if (best == type(uint256).max) best = 0;
    }

    function clip(Matrix memory m)
        private
        pure
        returns (uint256[256] memory ranks, uint256[] memory trusts, uint256 whole)
    {
        trusts = new uint256[](m.n.length);
        for (uint256 j = 0; j < 256; ++j) {
            uint256 cap = median(m, j);
            for (uint256 i = 0; i < m.n.length; ++i) {
                uint256 clipped = m.n[i][j] < cap ? m.n[i][j] : cap;
                ranks[j] += m.stakes[i] * clipped;
                trusts[i] += clipped;
            }
            whole += ranks[j];
        }
    }
}
