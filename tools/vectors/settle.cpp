#include "common/base/counter_rng.hpp"
#include "common/protocol/emission.hpp"
#include "tools/vectors/json_file.hpp"
#include "tools/vectors/samples.hpp"

#include <functional>

namespace covenant::vectors {
namespace {

using codec::Json;
using protocol::Finding;
using protocol::RevealedScores;
using protocol::RunTerms;
using protocol::Settlement;
using protocol::Uid;
using protocol::UidSet;

struct Case {
    std::string name;
    RunTerms terms = protocol::terms_of(sample_spec());
    std::vector<RevealedScores> revealed;
    UidSet committed;
    UidSet miners;
};

Uid uid(std::size_t value) {
    return Uid(static_cast<std::uint16_t>(value));
}

// Miners stand at uids [0, miners), validators behind them.
Case blank(std::string name, std::size_t miners) {
    Case out;
    out.name = std::move(name);
    for (std::size_t i = 0; i < miners; ++i) {
        out.miners.set(i);
        out.committed.set(i);
    }
    return out;
}

void reveal(Case& c, std::size_t validator, Uint128 stake, std::vector<std::uint16_t> weights,
            std::vector<Finding> findings = {}) {
    c.revealed.push_back({.validator = uid(validator),
                          .stake = Amount{stake},
                          .weights = std::move(weights),
                          .findings = std::move(findings)});
}

Finding pass(std::size_t miner) {
    return {.uid = uid(miner), .verdict = protocol::kFindingPass, .segment = {}, .evidence = {}};
}
Finding failure(std::size_t miner) {
    return {.uid = uid(miner),
            .verdict = protocol::kFindingFail,
            .segment = protocol::Segment(2),
            .evidence = filled_hash(0xee)};
}

Json findings_json(const RevealedScores& scores, std::uint8_t verdict) {
    UidSet set;
    for (const Finding& finding : scores.findings) {
        if (finding.verdict == verdict) set.set(finding.uid.value);
    }
    return uid_set_json(set);
}

Json to_json(const Case& c) {
    Json uids = Json::array();
    Json stakes = Json::array();
    Json weights = Json::array();
    Json fails = Json::array();
    Json passes = Json::array();
    for (const RevealedScores& scores : c.revealed) {
        uids.push(scores.validator.value);
        stakes.push(amount_json(scores.stake));
        Json row = Json::array();
        for (const std::uint16_t weight : scores.weights)
            row.push(weight);
        weights.push(row);
        fails.push(findings_json(scores, protocol::kFindingFail));
        passes.push(findings_json(scores, protocol::kFindingPass));
    }
    const Settlement result = protocol::settle(c.terms, c.revealed, c.committed, c.miners);
    Json credit_uids = Json::array();
    Json credits = Json::array();
    for (const auto& [to, amount] : result.credits) {
        credit_uids.push(to.value);
        credits.push(amount_json(amount));
    }
    return Json::object()
        .set("name", c.name)
        .set("emission", amount_json(c.terms.emission_per_round))
        .set("minerShareBps", c.terms.miner_share_bps)
        .set("validatorShareBps", c.terms.validator_share_bps)
        .set("committed", uid_set_json(c.committed))
        .set("miners", uid_set_json(c.miners))
        .set("validators", uids)
        .set("stakes", stakes)
        .set("weights", weights)
        .set("fails", fails)
        .set("passes", passes)
        .set("failed", uid_set_json(result.failed))
        .set("creditUids", credit_uids)
        .set("credits", credits)
        .set("minersTotal", amount_json(result.miners))
        .set("validatorsTotal", amount_json(result.validators))
        .set("treasury", amount_json(result.treasury));
}

Uint128 random_stake(CounterRng& rng) {
    // From single units to the top of 96 bits.
    const auto bits = static_cast<unsigned>(1 + rng.below(96));
    const Uint128 wide = (Uint128{rng.next_u64()} << 64) | rng.next_u64();
    return (wide >> (128 - bits)) | 1U;
}

std::vector<Finding> random_findings(CounterRng& rng, std::size_t miners) {
    std::vector<Finding> findings;
    for (std::size_t m = 0; m < miners; ++m) {
        const std::uint64_t dice = rng.below(10);
        if (dice == 0) findings.push_back(failure(m));
        if (dice <= 3) findings.push_back(pass(m));
    }
    return findings;
}

std::vector<std::uint16_t> random_weights(CounterRng& rng, std::size_t size) {
    const std::uint64_t style = rng.below(4);
    std::vector<std::uint16_t> weights(size, 0);
    for (std::uint16_t& weight : weights) {
        if (style == 0) weight = static_cast<std::uint16_t>(rng.below(65536));
        if (style == 1) weight = rng.below(3) == 0 ? std::uint16_t{65535} : std::uint16_t{0};
        if (style == 2) weight = static_cast<std::uint16_t>(rng.below(3));
        if (style == 3) weight = static_cast<std::uint16_t>(30000 + rng.below(100));
    }
    return weights;
}

Case random_case(std::uint64_t seed) {
    CounterRng rng(seed, 1);
    const std::size_t miners = 1 + rng.below(12);
    const std::size_t validators = 1 + rng.below(9);
    Case c = blank("random " + std::to_string(seed), miners);
    c.terms.miner_share_bps = static_cast<std::uint16_t>(rng.below(7001));
    c.terms.validator_share_bps = static_cast<std::uint16_t>(rng.below(3001));
    c.terms.emission_per_round = Amount{random_stake(rng)};
    for (std::size_t m = 0; m < miners; ++m) {
        if (rng.below(6) == 0) c.committed.reset(m);
    }
    for (std::size_t v = 0; v < validators; ++v) {
        // Short and long rows: what lies beyond the miners must not count.
        const std::size_t size = rng.below(miners + validators + 1);
        reveal(c, miners + v, random_stake(rng), random_weights(rng, size),
               random_findings(rng, miners));
    }
    return c;
}

Case wide_case(std::string name, std::size_t miners, std::size_t validators, std::uint64_t seed) {
    CounterRng rng(seed, 2);
    Case c = blank(std::move(name), miners);
    for (std::size_t v = 0; v < validators; ++v) {
        std::vector<std::uint16_t> weights(miners);
        for (std::uint16_t& weight : weights)
            weight = static_cast<std::uint16_t>(rng.below(65536));
        reveal(c, miners + v, kOneToken * (1 + rng.below(1000)), std::move(weights));
    }
    return c;
}

// The first epoch of the example that the tests also compute by hand.
Case worked_example() {
    Case c = blank("worked example", 2);
    reveal(c, 2, 500, {39321, 26214});
    reveal(c, 3, 300, {1, 1});
    reveal(c, 4, 200, {65535, 0});
    return c;
}

void add_corner_cases(const std::function<void(const Case&)>& add) {
    add(blank("nobody revealed", 3));

    Case one = blank("one validator", 3);
    reveal(one, 3, kOneToken, {1, 2, 3});
    add(one);

    Case zero_row = blank("a row of zeros takes no part", 2);
    reveal(zero_row, 2, kOneToken, {0, 0});
    reveal(zero_row, 3, 1, {1, 3});
    add(zero_row);

    Case all_zero = blank("only rows of zeros: nothing but the treasury's share", 2);
    reveal(all_zero, 2, kOneToken, {0, 0});
    reveal(all_zero, 3, kOneToken, {});
    add(all_zero);

    Case convicting = blank("a zero row still convicts", 1);
    reveal(convicting, 1, kOneToken, {0}, {failure(0)});
    add(convicting);

    Case outsiders = blank("weights of validators, strangers and the absent count as zero", 3);
    outsiders.committed.reset(1);
    reveal(outsiders, 3, kOneToken, {5, 65535, 5, 65535, 65535, 65535});
    reveal(outsiders, 4, kOneToken, {5, 0, 15});
    add(outsiders);

    Case half = blank("equal halves: the higher value wins", 2);
    reveal(half, 2, 1000, {65535, 0});
    reveal(half, 3, 1000, {0, 65535});
    add(half);

    // below * 65535 > S * 32768 with S = 65535: 32768 of stake below is not enough, 32769 is.
    Case edge = blank("stake at kappa exactly", 2);
    reveal(edge, 2, 32768, {0, 1});
    reveal(edge, 3, 32767, {1, 1});
    add(edge);
    Case beyond = blank("stake one unit beyond kappa", 2);
    reveal(beyond, 2, 32769, {0, 1});
    reveal(beyond, 3, 32766, {1, 1});
    add(beyond);

    Case disagree = blank("thirds that agree on nothing", 3);
    reveal(disagree, 3, 1000, {65535, 0, 0});
    reveal(disagree, 4, 1000, {0, 65535, 0});
    reveal(disagree, 5, 1000, {0, 0, 65535});
    add(disagree);

    Case failed = blank("a failed miner earns nothing", 2);
    reveal(failed, 2, 600, {65535, 65535}, {failure(0), pass(1)});
    reveal(failed, 3, 500, {65535, 65535}, {pass(0), pass(1)});
    add(failed);
    Case tie = blank("equal stake for and against does not fail", 2);
    reveal(tie, 2, 600, {1, 1}, {failure(0)});
    reveal(tie, 3, 600, {1, 1}, {pass(0)});
    add(tie);
    Case both = blank("a fail outweighs the same validator's pass", 2);
    reveal(both, 2, 600, {1, 1}, {pass(0), failure(0), pass(0)});
    reveal(both, 3, 599, {1, 1}, {pass(0)});
    add(both);
    Case absent = blank("who did not commit cannot fail", 2);
    absent.committed.reset(0);
    reveal(absent, 2, 600, {1, 1}, {failure(0)});
    add(absent);

    Case dust = blank("dust goes to the treasury", 3);
    dust.terms.emission_per_round = Amount{101};
    reveal(dust, 3, 7, {1, 1, 1});
    reveal(dust, 4, 11, {2, 1, 1});
    add(dust);
    Case nothing = blank("an emission of nothing", 2);
    nothing.terms.emission_per_round = Amount{};
    reveal(nothing, 2, kOneToken, {1, 2});
    add(nothing);
    Case no_treasury = blank("no treasury share", 2);
    no_treasury.terms.miner_share_bps = 7000;
    reveal(no_treasury, 2, kOneToken, {1, 2});
    add(no_treasury);

    Case top = blank("the largest stakes and emission", 4);
    top.terms.emission_per_round = Amount{(Uint128{1} << 96) - 1};
    for (std::size_t v = 0; v < protocol::kMaxValidators; ++v) {
        reveal(top, 4 + v, (Uint128{1} << 96) - 1, {65535, 1, 32767, 32768});
    }
    add(top);

    Case before = blank("churn: before", 2);
    reveal(before, 2, 1000, {3, 1});
    reveal(before, 3, 1000, {1, 1});
    add(before);
    Case after = blank("churn: one validator replaced by another of the same stake", 2);
    reveal(after, 3, 1000, {1, 1});
    reveal(after, 9, 1000, {3, 1});
    add(after);
}

}  // namespace

VectorFile settle_vectors() {
    JsonFile file(
        "settle.json",
        "Settlement of a round. Row i of validators, stakes, weights (index = uid), fails "
        "and passes (sets of uids) is one revealed validator; sets are uint256, bit i = "
        "uid i; amounts are decimal base units. creditUids and credits list every "
        "positive credit, ascending by uid.");
    const auto add = [&](const Case& c) { file.add(to_json(c)); };
    add(worked_example());
    add_corner_cases(add);
    for (std::uint64_t seed = 0; seed < 40; ++seed)
        add(random_case(seed));
    add(wide_case("255 miners, one validator", 255, 1, 1));
    add(wide_case("192 miners, 64 validators", 192, 64, 2));
    add(wide_case("8 miners, 64 validators", 8, 64, 3));
    return file.finish();
}

}  // namespace covenant::vectors
