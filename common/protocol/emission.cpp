#include "common/protocol/emission.hpp"

#include "common/base/assert.hpp"
#include "common/protocol/wide.hpp"

#include <algorithm>
#include <array>

namespace covenant::protocol {
namespace {

constexpr std::uint64_t kKappa = 32767;
constexpr std::uint64_t kKappaScale = 65535;
constexpr std::uint32_t kAllBps = 10000;
constexpr Uint128 kMaxAmount = Uint128{1} << 96;

// One validator that takes part: its stake and its weights as Q32 fractions of its row.
struct Row {
    Uid validator;
    Uint128 stake = 0;
    std::array<std::uint64_t, kMaxUids> shares{};
};

UidSet failed_miners(std::span<const RevealedScores> revealed, const UidSet& committed) {
    UidSet out;
    for (std::size_t uid = 0; uid < kMaxUids; ++uid) {
        if (!committed[uid]) continue;
        const FindingStake stake = finding_stake(revealed, Uid(static_cast<std::uint16_t>(uid)));
        out.set(uid, stake.fail > stake.pass);
    }
    return out;
}

// Rows whose weights over the payable miners are all zero take no part (R9.3).
std::vector<Row> normalised_rows(std::span<const RevealedScores> revealed, const UidSet& payable) {
    std::vector<Row> rows;
    for (const RevealedScores& scores : revealed) {
        Row row{.validator = scores.validator, .stake = scores.stake.units};
        std::uint64_t sum = 0;
        for (std::size_t uid = 0; uid < std::min(scores.weights.size(), kMaxUids); ++uid) {
            if (payable[uid]) sum += scores.weights[uid];
        }
        if (sum == 0 || row.stake == 0) continue;
        for (std::size_t uid = 0; uid < std::min(scores.weights.size(), kMaxUids); ++uid) {
            if (payable[uid]) row.shares[uid] = (std::uint64_t{scores.weights[uid]} << 32) / sum;
        }
        rows.push_back(row);
    }
    return rows;
}

// A column's consensus (R9.4): the smallest share such that the validators who gave at most this
// share hold more than 1 - kappa of the stake.
std::uint64_t consensus(std::span<const Row> rows, std::size_t uid, Uint128 total_stake) {
    std::vector<std::pair<std::uint64_t, Uint128>> column;
    column.reserve(rows.size());
    for (const Row& row : rows)
        column.emplace_back(row.shares[uid], row.stake);
    std::sort(column.begin(), column.end());
    const Uint128 threshold = total_stake * (kKappaScale - kKappa);
    Uint128 below = 0;
    for (const auto& [share, stake] : column) {
        below += stake;
        if (below * kKappaScale > threshold) return share;
    }
    return 0;  // no rows
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

Settlement settle(const RunTerms& terms, std::span<const RevealedScores> revealed,
                  const UidSet& committed, const UidSet& miners) {
    const Uint128 emission = terms.emission_per_round.units;
    COVENANT_ASSERT(emission < kMaxAmount, "a validated spec emits less than 2^96 units");
    COVENANT_ASSERT(revealed.size() <= kMaxValidators, "the registry has at most 64 validators");

    Settlement out;
    out.failed = failed_miners(revealed, committed);
    const UidSet payable = committed & miners & ~out.failed;
    std::vector<Row> rows = normalised_rows(revealed, payable);
    Uint128 total_stake = 0;
    for (const Row& row : rows) {
        COVENANT_ASSERT(row.stake < kMaxAmount, "stakes are below the token's cap");
        total_stake += row.stake;
    }

    // Clip each column to its consensus; from here on shares are the clipped ones.
    std::vector<Wide> ranks(kMaxUids);
    std::vector<std::uint64_t> trust(rows.size(), 0);
    Wide whole;
    for (std::size_t uid = 0; uid < kMaxUids; ++uid) {
        if (!payable[uid]) continue;
        const std::uint64_t cap = consensus(rows, uid, total_stake);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::uint64_t clipped = std::min(rows[i].shares[uid], cap);
            ranks[uid] += wide_mul(rows[i].stake, clipped);
            trust[i] += clipped;
        }
        whole += ranks[uid];
    }

    const auto portion = [&](std::uint32_t bps) { return emission * bps / kAllBps; };
    if (whole.is_zero()) {
        const std::uint32_t rest = kAllBps - terms.miner_share_bps - terms.validator_share_bps;
        out.treasury = Amount{portion(rest)};
        return out;
    }
    for (std::size_t uid = 0; uid < kMaxUids; ++uid) {
        const Amount credit{mul_div(portion(terms.miner_share_bps), ranks[uid], whole)};
        if (credit == Amount{}) continue;
        out.credits[Uid(static_cast<std::uint16_t>(uid))] += credit;
        out.miners += credit;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Wide part = wide_mul(rows[i].stake, trust[i]);
        const Amount credit{mul_div(portion(terms.validator_share_bps), part, whole)};
        if (credit == Amount{}) continue;
        out.credits[rows[i].validator] += credit;
        out.validators += credit;
    }
    out.treasury = Amount{emission - out.miners.units - out.validators.units};
    return out;
}

}  // namespace covenant::protocol
