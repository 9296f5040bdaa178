#include "common/protocol/emission.hpp"

#include "common/base/assert.hpp"
#include "common/protocol/wide.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace covenant::protocol {
namespace {

constexpr unsigned kShareBits = 32;
constexpr Uint128 kOne = Uint128{1} << kShareBits;
constexpr std::uint32_t kAllBps = 10000;
constexpr Uint128 kMaxAmount = Uint128{1} << 96;

// A member that revealed: its weights as Q32 fractions of its row, later clipped.
struct Row {
    const Elector* elector = nullptr;
    std::array<std::uint64_t, kMaxUids> shares{};
    std::uint64_t trust = 0;
};

Uint128 stake_of(std::span<const Elector> electorate, bool revealed_only) {
    Uint128 sum = 0;
    for (const Elector& elector : electorate) {
        if (elector.row || !revealed_only) sum += elector.stake.units;
    }
    return sum;
}

std::vector<Row> normalised_rows(const SettlementInput& input) {
    std::vector<Row> rows;
    for (const Elector& elector : input.electorate) {
        COVENANT_ASSERT(elector.stake.units < kMaxAmount, "stakes are below the token's cap");
        if (!elector.row) continue;
        Row row{.elector = &elector};
        const std::vector<std::uint16_t>& weights = *elector.row;
        const std::size_t size = std::min(weights.size(), kMaxUids);
        std::uint64_t sum = 0;
        for (std::size_t uid = 0; uid < size; ++uid) {
            if (input.committed[uid]) sum += weights[uid];
        }
        for (std::size_t uid = 0; sum != 0 && uid < size; ++uid) {
            if (input.committed[uid]) {
                row.shares[uid] = (std::uint64_t{weights[uid]} << kShareBits) / sum;
            }
        }
        rows.push_back(row);
    }
    return rows;
}

// A column's consensus (R9.4). Who did not reveal counts as zero.
std::uint64_t consensus(std::span<const Row> rows, std::size_t uid, Uint128 electorate_stake) {
    std::vector<std::pair<std::uint64_t, Uint128>> column;
    column.reserve(rows.size());
    for (const Row& row : rows)
        column.emplace_back(row.shares[uid], row.elector->stake.units);
    std::sort(column.rbegin(), column.rend());
    Uint128 reached = 0;
    for (const auto& [share, stake] : column) {
        reached += stake;
        if (2 * reached > electorate_stake) return share;
    }
    return 0;
}

// Clips the column, adds it to the rows' trusts, and gives sum_i s_i c_ij.
Wide take_column(std::span<Row> rows, std::size_t uid, Uint128 electorate_stake) {
    const std::uint64_t most = consensus(rows, uid, electorate_stake);
    Wide rank;
    for (Row& row : rows) {
        const std::uint64_t clipped = std::min(row.shares[uid], most);
        rank += wide_mul(row.elector->stake.units, clipped);
        row.trust += clipped;
    }
    return rank;
}

// floor(budget * s_i * trust_i * num / (S_seated * 2^32 * den)) (R9.6).
Amount earned(const Row& row, Uint128 budget, Amount seated) {
    const Elector& elector = *row.elector;
    const std::uint64_t drawn = std::max<std::uint64_t>(elector.drawn, 1);
    const std::uint64_t done = elector.drawn == 0 ? 1 : elector.done;
    const std::uint64_t num = (elector.voted ? drawn : 0) + done;
    return Amount{mul_div(budget, wide_mul(elector.stake.units, Uint128{row.trust} * num),
                          wide_mul(seated.units, kOne * 2 * drawn))};
}

}  // namespace

FindingStake finding_stake(std::span<const RevealedScores> revealed, Uid uid) {
    FindingStake out;
    for (const RevealedScores& scores : revealed) {
        bool fail = false;
        bool pass = false;
        for (const Finding& finding : scores.findings) {
            if (finding.uid != uid) continue;
            fail = fail || finding.verdict == kFindingFail;
            pass = pass || finding.verdict == kFindingPass;
        }
        if (fail) {
            out.fail += scores.stake;
        } else if (pass) {
            out.pass += scores.stake;
        }
    }
    return out;
}

bool revealed_quorum(std::span<const Elector> electorate) {
    return 2 * stake_of(electorate, true) > stake_of(electorate, false);
}

Settlement settle(const SettlementInput& input) {
    const Uint128 emission = input.terms.emission_per_round.units;
    COVENANT_ASSERT(emission < kMaxAmount, "a validated spec emits less than 2^96 units");
    COVENANT_ASSERT(input.electorate.size() <= kMaxValidators, "there are at most 64 validators");
    COVENANT_ASSERT(revealed_quorum(input.electorate), "who speaks for half may not be settled");
    const Uint128 electorate_stake = stake_of(input.electorate, false);
    const Uint128 revealed_stake = stake_of(input.electorate, true);
    COVENANT_ASSERT(input.seated.units >= electorate_stake, "the electorate is seated");

    const auto portion = [&](std::uint32_t bps) { return emission * bps / kAllBps; };
    const RunTerms& terms = input.terms;
    Settlement out;
    const auto credit = [&](Uid to, Amount amount, Amount& total) {
        if (amount == Amount{}) return;
        out.credits[to] += amount;
        total += amount;
    };
    std::vector<Row> rows = normalised_rows(input);
    for (std::size_t i = 0; i < kMaxUids; ++i) {
        if (!input.committed[i]) continue;
        const Wide rank = take_column(rows, i, electorate_stake);
        if (!input.included[i] || input.failed[i]) continue;
        credit(
            Uid(static_cast<std::uint16_t>(i)),
            Amount{mul_div(portion(terms.miner_share_bps), rank, wide_mul(revealed_stake, kOne))},
            out.miners);
    }
    for (const Row& row : rows) {
        credit(row.elector->uid, earned(row, portion(terms.validator_share_bps), input.seated),
               out.validators);
    }
    out.treasury =
        Amount{portion(kAllBps - terms.miner_share_bps - std::uint32_t{terms.validator_share_bps})};
    return out;
}

}  // namespace covenant::protocol
