#include "common/base/counter_rng.hpp"
#include "common/protocol/emission.hpp"
#include "tools/vectors/json_file.hpp"
#include "tools/vectors/samples.hpp"

#include <functional>
#include <optional>
#include <utility>

namespace covenant::vectors {
namespace {

using codec::Json;
using protocol::Elector;
using protocol::Settlement;
using protocol::SettlementInput;
using protocol::Uid;
using protocol::UidSet;

struct Case {
    std::string name;
    SettlementInput input;
};

Uid uid(std::size_t value) {
    return Uid(static_cast<std::uint16_t>(value));
}

// Miners stand at uids [0, miners), all of them included; validators behind them.
Case blank(std::string name, std::size_t miners) {
    Case out;
    out.name = std::move(name);
    out.input.terms = protocol::terms_of(sample_spec());
    for (std::size_t i = 0; i < miners; ++i) {
        out.input.committed.set(i);
        out.input.included.set(i);
    }
    return out;
}

Elector& silent(Case& c, std::size_t validator, Uint128 stake) {
    c.input.electorate.push_back({.uid = uid(validator), .stake = Amount{stake}});
    c.input.seated += Amount{stake};
    return c.input.electorate.back();
}

Elector& reveal(Case& c, std::size_t validator, Uint128 stake, std::vector<std::uint16_t> weights) {
    Elector& out = silent(c, validator, stake);
    out.row = std::move(weights);
    out.voted = true;
    return out;
}

Json electorate_json(const Case& c) {
    Json out = Json::array();
    for (const Elector& elector : c.input.electorate) {
        Json row = Json::array();
        for (const std::uint16_t weight : elector.row.value_or(std::vector<std::uint16_t>{}))
            row.push(weight);
        out.push(Json::object()
                     .set("uid", elector.uid.value)
                     .set("stake", amount_json(elector.stake))
                     .set("revealed", elector.row.has_value())
                     .set("voted", elector.voted)
                     .set("weights", std::move(row)));
    }
    return out;
}

Json to_json(const Case& c) {
    const Settlement result = protocol::settle(c.input);
    Json credit_uids = Json::array();
    Json credits = Json::array();
    for (const auto& [to, amount] : result.credits) {
        credit_uids.push(to.value);
        credits.push(amount_json(amount));
    }
    return Json::object()
        .set("name", c.name)
        .set("emission", amount_json(c.input.terms.emission_per_round))
        .set("minerShareBps", c.input.terms.miner_share_bps)
        .set("validatorShareBps", c.input.terms.validator_share_bps)
        .set("seated", amount_json(c.input.seated))
        .set("committed", uid_set_json(c.input.committed))
        .set("included", uid_set_json(c.input.included))
        .set("failed", uid_set_json(c.input.failed))
        .set("electorate", electorate_json(c))
        .set("creditUids", std::move(credit_uids))
        .set("credits", std::move(credits))
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
    c.input.terms.miner_share_bps = static_cast<std::uint16_t>(rng.below(7001));
    c.input.terms.validator_share_bps = static_cast<std::uint16_t>(rng.below(3001));
    c.input.terms.emission_per_round = Amount{random_stake(rng)};
    for (std::size_t m = 0; m < miners; ++m) {
        if (rng.below(6) == 0) c.input.committed.reset(m);
        if (rng.below(6) == 0) c.input.included.reset(m);
        if (rng.below(8) == 0) c.input.failed.set(m);
    }
    c.input.included &= c.input.committed;
    c.input.failed &= c.input.committed;
    for (std::size_t v = 0; v < validators; ++v) {
        // Short and long rows: what lies beyond the miners must not count.
        const std::size_t size = rng.below(miners + validators + 1);
        Elector& elector = reveal(c, miners + v, random_stake(rng), random_weights(rng, size));
        elector.voted = rng.below(4) != 0;
        if (rng.below(4) != 0) continue;
        const auto row = std::exchange(elector.row, std::nullopt);
        if (!protocol::revealed_quorum(c.input.electorate)) elector.row = row;
    }
    if (rng.below(2) == 0) c.input.seated += Amount{random_stake(rng)};
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

// The example that the tests also compute by hand.
Case worked_example() {
    Case c = blank("worked example", 2);
    reveal(c, 2, 500, {39321, 26214});
    reveal(c, 3, 300, {1, 1});
    reveal(c, 4, 200, {65535, 0});
    return c;
}

void add_rows(const std::function<void(const Case&)>& add) {
    Case one = blank("one validator", 3);
    reveal(one, 3, kOneToken, {1, 2, 3});
    add(one);

    Case zero_row = blank("a minority's row of zeros takes its own part away", 2);
    reveal(zero_row, 2, kOneToken - 1, {0, 0});
    reveal(zero_row, 3, kOneToken, {1, 3});
    add(zero_row);
    Case zero_majority = blank("a majority's row of zeros pays nobody", 2);
    reveal(zero_majority, 2, kOneToken, {0, 0});
    reveal(zero_majority, 3, 1, {1, 3});
    add(zero_majority);
    Case all_zero = blank("only rows of zeros: nothing but the treasury's share", 2);
    reveal(all_zero, 2, kOneToken, {0, 0});
    reveal(all_zero, 3, kOneToken, {});
    add(all_zero);

    Case outsiders = blank("weights of validators, strangers and the absent count as zero", 3);
    outsiders.input.committed.reset(1);
    outsiders.input.included.reset(1);
    reveal(outsiders, 3, kOneToken, {5, 65535, 5, 65535, 65535, 65535});
    reveal(outsiders, 4, kOneToken, {5, 0, 15});
    add(outsiders);

    Case half = blank("halves that agree on nothing: half is not more than half", 2);
    reveal(half, 2, 1000, {65535, 0});
    reveal(half, 3, 1000, {0, 65535});
    add(half);
    Case beyond = blank("one unit beyond half", 2);
    reveal(beyond, 2, 1001, {65535, 0});
    reveal(beyond, 3, 1000, {0, 65535});
    add(beyond);
    Case disagree = blank("thirds that agree on nothing", 3);
    reveal(disagree, 3, 1000, {65535, 0, 0});
    reveal(disagree, 4, 1000, {0, 65535, 0});
    reveal(disagree, 5, 1000, {0, 0, 65535});
    add(disagree);
}

void add_absences(const std::function<void(const Case&)>& add) {
    Case absent = blank("two in a hundred, and 49 absent: its honest share", 3);
    reveal(absent, 3, 49 * kOneToken, {65535, 65535, 65535});
    silent(absent, 4, 49 * kOneToken);
    reveal(absent, 5, 2 * kOneToken, {65535, 0, 0});
    add(absent);
    Case honest = blank("the same, and everybody honest", 3);
    for (const std::size_t v : {std::size_t{3}, std::size_t{4}, std::size_t{5}}) {
        reveal(honest, v, (v == 5 ? 2 : 49) * kOneToken, {65535, 65535, 65535});
    }
    add(honest);
    Case votes = blank("who did not cast both votes earns half", 1);
    reveal(votes, 1, 500, {1});
    reveal(votes, 2, 500, {1}).voted = false;
    add(votes);
    Case seats = blank("stake outside the electorate earns nothing and leaves its part unpaid", 1);
    reveal(seats, 1, 500, {1});
    seats.input.seated = Amount{2000};
    add(seats);
}

void add_corner_cases(const std::function<void(const Case&)>& add) {
    Case failed = blank("a failed miner earns nothing, and nobody its part", 2);
    failed.input.failed.set(0);
    reveal(failed, 2, 600, {65535, 65535});
    add(failed);
    Case vetoed = blank("a miner that is not included earns nothing, and nobody its part", 2);
    vetoed.input.included.reset(0);
    reveal(vetoed, 2, 600, {65535, 65535});
    add(vetoed);

    Case dust = blank("dust is not minted", 3);
    dust.input.terms.emission_per_round = Amount{101};
    reveal(dust, 3, 7, {1, 1, 1});
    reveal(dust, 4, 11, {2, 1, 1});
    add(dust);
    Case nothing = blank("an emission of nothing", 2);
    nothing.input.terms.emission_per_round = Amount{};
    reveal(nothing, 2, kOneToken, {1, 2});
    add(nothing);
    Case no_treasury = blank("no treasury share", 2);
    no_treasury.input.terms.miner_share_bps = 7000;
    reveal(no_treasury, 2, kOneToken, {1, 2});
    add(no_treasury);
    Case nobody = blank("nobody committed", 0);
    reveal(nobody, 0, kOneToken, {1, 2});
    add(nobody);

    Case top = blank("the largest stakes and emission", 4);
    top.input.terms.emission_per_round = Amount{(Uint128{1} << 96) - 1};
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
        "Settlement of a round. electorate: its members, those that did not reveal too; weights: "
        "index = uid; seated: stake of all validators; sets are uint256, bit i = uid i; amounts "
        "are decimal base units. creditUids and credits list every positive credit, ascending by "
        "uid.");
    const auto add = [&](const Case& c) { file.add(to_json(c)); };
    add(worked_example());
    add_rows(add);
    add_absences(add);
    add_corner_cases(add);
    for (std::uint64_t seed = 0; seed < 40; ++seed)
        add(random_case(seed));
    add(wide_case("255 miners, one validator", 255, 1, 1));
    add(wide_case("192 miners, 64 validators", 192, 64, 2));
    add(wide_case("8 miners, 64 validators", 8, 64, 3));
    return file.finish();
}

}  // namespace covenant::vectors
