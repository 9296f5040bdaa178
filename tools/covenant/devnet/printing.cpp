#include "tools/covenant/devnet/printing.hpp"

#include "chain/rpc/types.hpp"
#include "common/base/hex.hpp"
#include "tools/view/round_report.hpp"

#include <bit>

#include <fmt/format.h>

namespace covenant::devnet {

using codec::Json;
using protocol::Round;
using protocol::Uid;

namespace {

std::string name_of(const Record& record, Uid uid) {
    for (const auto& [name, at] : record.uids) {
        if (at == uid) {
            return name;
        }
    }
    return "uid " + std::to_string(uid.value);
}

}  // namespace

void print_header(node::Output& output, const Record& record, const Layout& layout) {
    std::vector<std::string> miners;
    std::vector<std::string> validators;
    for (const Participant& one : record.participants) {
        const std::string address = to_short_hex(hotkey_of(record.seed, one.name).address().view());
        std::string text = one.name + " " + address;
        if (one.cheats()) {
            text += " (cheats: " + one.cheat + ")";
        }
        (one.role == protocol::Role::kMiner ? miners : validators).push_back(std::move(text));
    }
    output.text(
        fmt::format("covenant devnet  run {}  nano, 0.887 M parameters  seed {}  data in {}",
                    to_short_hex(record.run.view()), record.seed, layout.root.string()));
    output.text(fmt::format("DEV ONLY keys: {} mine, {} validate", fmt::join(miners, "  "),
                            fmt::join(validators, "  ")));
    output.text(
        fmt::format("held-out loss of the first parameters: {:.3f} nats   one inner step among {} "
                    "processes: {:.1f} ms",
                    record.initial_loss, record.participants.size(), record.step_ms));
    std::string credits;
    for (const Participant& one : record.participants) {
        if (one.role == protocol::Role::kMiner) {
            credits += (credits.empty() ? "" : " / ") + one.name;
        }
    }
    output.text(fmt::format("{:>5}  {:>7}  {:>9}  {:>8}  {:>7}  {:<34}  emission {}", "round",
                            "heldout", "committed", "included", "audited", "verdicts", credits));
}

void print_round(node::Output& output, const Record& record, const protocol::RunState& state,
                 Round round) {
    const auto facts = protocol::round_view(state, round);
    if (!facts || state.record(round) == nullptr) {
        output.text(fmt::format("{:>5}  null round: nothing was committed", round.value));
        return;
    }
    const auto audited = facts->audited();
    std::string verdicts;
    for (const auto& [uid, audit] : audited) {
        if (audit.failed_segment) {
            verdicts += fmt::format("{}{} segment {} mismatch", verdicts.empty() ? "" : ", ",
                                    name_of(record, uid), audit.failed_segment->value);
        }
    }
    std::string credits;
    std::size_t miners = 0;
    for (const Participant& one : record.participants) {
        if (one.role == protocol::Role::kMiner) {
            ++miners;
            const Amount credit = facts->credited(record.uids.at(one.name));
            credits += fmt::format("{}{:.2f}", credits.empty() ? "" : " / ",
                                   static_cast<double>(credit.units) / 1e18);
        }
    }
    const std::string loss =
        facts->accepted ? fmt::format("{:.3f}", std::bit_cast<float>(facts->accepted->loss_bits))
                        : "null";
    output.text(fmt::format("{:>5}  {:>7}  {:>7}/{}  {:>6}/{}  {:>7}  {:<34}  {}", round.value,
                            loss, facts->commitments.size(), miners, facts->included.count(),
                            miners, audited.size(), verdicts.empty() ? "-" : verdicts, credits));
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
        output.text(fmt::format("  {:<10} {:<9} {:>14} COV   {}", one.name,
                                protocol::to_string(one.role), to_tokens(balances.at(one.name)),
                                to_0x(coldkey_of(record.seed, one.name).address())));
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
                output.text(fmt::format(
                    "caught: {} in round {}, segment {}, by {} validators, evidence {}", name,
                    round.value, audit.failed_segment->value, audit.fails, to_0x(audit.evidence)));
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
