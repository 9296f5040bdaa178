#include "tools/covenant/devnet/printing.hpp"

#include "chain/rpc/types.hpp"
#include "common/base/hex.hpp"
#include "tools/view/round_report.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace covenant::devnet {

using codec::Json;
using protocol::Round;
using protocol::Uid;

namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kFailedWidth = 17;
constexpr std::size_t kNamesWidth = 17;  // of the miners, where each one's pay is shown
constexpr auto kRow = "{:>5}  {:>7}  {:>6}  {:>5}  {:>6}  {:<17}  {}";

std::string name_of(const Record& record, Uid uid) {
    for (const auto& [name, at] : record.uids) {
        if (at == uid) {
            return name;
        }
    }
    return "uid " + std::to_string(uid.value);
}

std::vector<std::string> miners_of(const Record& record) {
    std::vector<std::string> out;
    for (const Participant& one : record.participants) {
        if (one.role == protocol::Role::kMiner) {
            out.push_back(one.name);
        }
    }
    return out;
}

// Each miner's pay has a place in the table.
bool pay_by_name(const std::vector<std::string>& miners) {
    return fmt::format("{}", fmt::join(miners, "/")).size() <= kNamesWidth;
}

// As many names a line as fit, all lines but the first below the first one's names.
void print_names(node::Output& output, std::string_view label,
                 const std::vector<std::string>& names) {
    std::string line;
    for (const std::string& name : names) {
        if (!line.empty() && line.size() + 2 + name.size() > kWidth) {
            output.text(std::exchange(line, {}));
            label = "";
        }
        line += line.empty() ? fmt::format("{:<10}{}", label, name) : "  " + name;
    }
    if (!line.empty()) {
        output.text(line);
    }
}

std::string failed_text(const Record& record, const protocol::RoundView& round) {
    std::vector<std::string> names;
    std::vector<std::string> all;
    for (const auto& [uid, audit] : round.audited()) {
        if (audit.failed_segment) {
            names.push_back(name_of(record, uid));
            all.push_back(fmt::format("{} segment {}", names.back(), audit.failed_segment->value));
        }
    }
    if (names.empty()) {
        return "-";
    }
    for (const auto& words : {all, names}) {
        if (auto text = fmt::format("{}", fmt::join(words, ", ")); text.size() <= kFailedWidth) {
            return text;
        }
    }
    return fmt::format("{} miners", names.size());
}

double coins(Amount amount) {
    return static_cast<double>(amount.units) / 1e18;
}

// By name where the round's miners are the devnet's own and few; else how much and to how many.
std::string paid_text(const Record& record, const protocol::RoundView& round,
                      const std::set<Uid>& miners) {
    std::vector<std::string> by_name;
    std::set<Uid> own;
    for (const std::string& name : miners_of(record)) {
        const Uid uid = record.uids.at(name);
        own.insert(uid);
        by_name.push_back(fmt::format("{:.2f}", coins(round.credited(uid))));
    }
    if (pay_by_name(miners_of(record)) && std::ranges::includes(own, miners)) {
        return fmt::format("{}", fmt::join(by_name, "/"));
    }
    Amount sum;
    std::size_t paid = 0;
    for (const Uid uid : miners) {
        sum += round.credited(uid);
        if (round.credited(uid) > Amount{}) {
            ++paid;
        }
    }
    return fmt::format("{:.2f} to {} of {}", coins(sum), paid, miners.size());
}

// Who could take part in a round: others than the devnet's own may have joined.
std::set<Uid> miners_of(const protocol::RoundView& round) {
    std::set<Uid> out;
    for (const protocol::MinerView& miner : round.miners) {
        out.insert(miner.uid);
    }
    for (const auto& [uid, commitment] : round.commitments) {
        out.insert(uid);
    }
    return out;
}

}  // namespace

void print_header(node::Output& output, const Record& record, const Layout& layout) {
    std::vector<std::string> miners;
    std::vector<std::string> validators;
    std::vector<std::string> cheats;
    for (const Participant& one : record.participants) {
        (one.role == protocol::Role::kMiner ? miners : validators)
            .push_back(one.name + " " +
                       to_short_hex(hotkey_of(record.seed, one.name).address().view()));
        if (one.cheats()) {
            cheats.push_back(one.name + ": " + one.cheat);
        }
    }
    output.text(fmt::format("covenant devnet  run {}  nano, 0.887 M parameters  seed {}",
                            to_short_hex(record.run.view()), record.seed));
    output.text("data in   " + layout.root.string());
    output.text("DEV ONLY  all keys follow from the seed");
    print_names(output, "mine", miners);
    print_names(output, "validate", validators);
    print_names(output, "cheat", cheats);
    output.text(
        fmt::format("held-out loss of the first parameters: {:.3f} nats", record.initial_loss));
    output.text(fmt::format("one inner step among {} processes: {:.1f} ms",
                            record.participants.size(), record.step_ms));
    const auto names = miners_of(record);
    output.text(fmt::format(
        kRow, "round", "heldout", "commit", "incl.", "audits", "failed",
        pay_by_name(names) ? fmt::format("COV {}", fmt::join(names, "/")) : "COV to miners"));
}

void print_round(node::Output& output, const Record& record, const protocol::RunState& state,
                 Round round) {
    const auto facts = protocol::round_view(state, round);
    if (!facts || state.record(round) == nullptr) {
        output.text(fmt::format("{:>5}  null round: nothing was committed", round.value));
        return;
    }
    const auto miners = miners_of(*facts);
    const auto of_all = [&](std::size_t count) {
        return fmt::format("{}/{}", count, miners.size());
    };
    const std::string loss =
        facts->accepted ? fmt::format("{:.3f}", std::bit_cast<float>(facts->accepted->loss_bits))
                        : "null";
    output.text(fmt::format(kRow, round.value, loss, of_all(facts->commitments.size()),
                            of_all(facts->included.count()), facts->audited().size(),
                            failed_text(record, *facts), paid_text(record, *facts, miners)));
}

void print_closing(node::Output& output, const Record& record, const protocol::RunState& state,
                   const Layout& layout, const Programs& programs,
                   const std::map<std::string, Amount>& balances, const std::string& elapsed) {
    const Round end(record.rounds);
    const auto final_loss = protocol::base_loss(state, end);
    output.text("");
    output.text(fmt::format(
        "held-out loss {:.3f} -> {:.3f} nats in {} rounds, {} after start", record.initial_loss,
        final_loss.value_or(static_cast<float>(record.initial_loss)), record.rounds, elapsed));
    Json paid = Json::array();
    output.text("emission paid, as the token contract has it:");
    for (const Participant& one : record.participants) {
        output.text(fmt::format("  {:<12} {} {:>12.2f} COV", one.name,
                                to_0x(coldkey_of(record.seed, one.name).address()),
                                coins(balances.at(one.name))));
        Json row = Json::object();
        row.set("name", one.name).set("role", protocol::to_string(one.role));
        row.set("hotkey", to_0x(hotkey_of(record.seed, one.name).address()));
        row.set("balance", to_tokens(balances.at(one.name)));
        paid.push(std::move(row));
    }
    const std::string folder = layout.root.string();
    std::string honest;
    std::string cheat;
    for (Round round; round < end; round = round.next()) {
        const auto facts = protocol::round_view(state, round);
        if (!facts) {
            continue;
        }
        for (const auto& [uid, audit] : facts->audited()) {
            if (audit.failed_segment && cheat.empty()) {
                const std::string name = name_of(record, uid);
                output.text(fmt::format("caught: {} in round {}, segment {}, by {} validators",
                                        name, round.value, audit.failed_segment->value,
                                        audit.fails));
                output.text("evidence    " + to_0x(audit.evidence));
                cheat =
                    fmt::format("covenant replay --datadir {} --round {} --hotkey {} --segment {}",
                                folder, round.value, name, audit.failed_segment->value);
            }
        }
        for (const Participant& one : record.participants) {
            if (!one.cheats() && !facts->drawn(record.uids.at(one.name)).empty()) {
                honest = fmt::format("covenant replay --datadir {} --round {} --hotkey {}", folder,
                                     round.value, one.name);
            }
        }
    }
    const std::string bin = programs.folder.string() + "/";
    output.text(fmt::format("check it yourself   {}{}", bin, honest));
    if (!cheat.empty()) {
        output.text(fmt::format("refute the cheat    {}{}   (exit code 5)", bin, cheat));
    }
    output.text(
        fmt::format("look around         {}covenant-explorer run --datadir {}", bin, folder));
    Json data = Json::object();
    Json totals = view::totals_json(state, end);
    totals.set("initial_heldout_loss", record.initial_loss).set("paid", std::move(paid));
    data.set("run", to_0x(record.run)).set("datadir", folder).set("seed", record.seed);
    data.set("rounds", view::rounds_json(state, protocol::ChainTime(UINT64_MAX), end));
    data.set("totals", std::move(totals));
    data.set("replay", honest).set("refute", cheat.empty() ? Json() : Json(cheat));
    output.data(std::move(data));
}

}  // namespace covenant::devnet
