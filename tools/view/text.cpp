#include "tools/view/text.hpp"

#include "common/base/hex.hpp"
#include "common/protocol/not_counted.hpp"
#include "tools/view/round_report.hpp"

#include <bit>

#include <fmt/format.h>

namespace covenant::view {

using protocol::Round;
using protocol::RoundView;
using protocol::Uid;

namespace {

std::string loss_text(const std::optional<protocol::Accepted>& accepted) {
    return accepted ? fmt::format("{:.4f}", std::bit_cast<float>(accepted->loss_bits)) : "-";
}

// A token amount with two decimals.
std::string short_amount(Amount amount) {
    // NOLINTNEXTLINE(bugprone-integer-division): whole millionths of a token are meant
    return fmt::format("{:.2f}", static_cast<double>(amount.units / 1'000'000'000'000) / 1e6);
}

std::string segments_text(const std::vector<protocol::Segment>& segments) {
    std::string out;
    for (const protocol::Segment segment : segments) {
        out += (out.empty() ? "" : ",") + std::to_string(segment.value);
    }
    return out.empty() ? "-" : out;
}

// "2 fail at segment 3", "3 pass", or `none`.
std::string audit_text(const protocol::AuditOutcome& audit, std::string_view none) {
    if (audit.failed_segment) {
        return fmt::format("{} fail at segment {}", audit.fails, audit.failed_segment->value);
    }
    return audit.passes > 0 ? fmt::format("{} pass", audit.passes) : std::string(none);
}

std::string ratio_text(const Scene& scene, std::uint64_t bytes) {
    return fmt::format("{:.1f}x", compression_ratio(*scene.state.spec, bytes));
}

std::string failed_text(const Scene& scene, const RoundView& round) {
    std::string out;
    for (const auto& [uid, audit] : round.audited()) {
        if (audit.failed_segment) {
            out += fmt::format("{}{} segment {}", out.empty() ? "" : ", ",
                               label(scene.state, scene.folder, uid), audit.failed_segment->value);
        }
    }
    return out.empty() ? "-" : out;
}

std::string all_not_counted_text(const Scene& scene, const RoundView& round) {
    std::string out;
    for (const protocol::Uncounted& one : protocol::not_counted(round, scene.now())) {
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ",
                           label(scene.state, scene.folder, one.uid), protocol::describe(one));
    }
    return out.empty() ? "-" : out;
}

std::vector<std::string> mined_row(const Scene& scene, const RoundView& round, Uid uid) {
    const protocol::RecordedCommitment* one = round.commitment(uid);
    const bool committed = one != nullptr;
    return {std::to_string(round.round.value),
            committed ? "yes" : "no",
            committed ? ratio_text(scene, one->signed_commitment.commitment.size) : "-",
            round.included.test(uid.value) ? "yes" : "no",
            committed ? audit_text(round.audited()[uid], "0 pass") : "-",
            std::to_string(chain::mean_weight(round, uid))};
}

std::vector<std::string> validated_row(const RoundView& round, Uid uid) {
    return {std::to_string(round.round.value), round.inclusion_votes.contains(uid) ? "voted" : "-",
            round.agreed(uid)                      ? "agreed"
            : round.parameters_votes.contains(uid) ? "voted, not with the rest"
                                                   : "-",
            round.reveals.contains(uid) ? "yes" : "no"};
}

}  // namespace

std::vector<std::string> status_lines(const Scene& scene) {
    std::vector<std::string> out{
        fmt::format("chain      {}  block {}", scene.chain_id,
                    scene.head ? std::to_string(scene.head->number.value) : "-"),
        "run        " + to_0x(scene.state.run),
        "           " + (scene.state.spec ? scene.state.spec->name : "not on this chain yet")};
    const auto now = run_status(scene);
    if (!now) {
        return out;
    }
    out.push_back(fmt::format(
        "round      {}  phase {}, {} left on chain time",
        now->round ? std::to_string(now->round->value) : "-", protocol::to_string(now->phase),
        node::human_duration(Millis(static_cast<std::int64_t>(now->seconds_left) * 1000))));
    out.push_back("parameters " + to_0x(now->base_root));
    out.push_back("loss       " + (now->heldout_loss
                                       ? fmt::format("{:.4f} nats, held out", *now->heldout_loss)
                                       : "not agreed yet"));
    out.push_back(fmt::format("active     {} miners, {} validators", now->miners, now->validators));
    return out;
}

node::Table rounds_table(const Scene& scene) {
    node::Table table(
        {"round", "heldout", "included", "failed", "credited", "root", "state", "not counted"});
    table.align_right({0, 1, 2, 4});
    for (Round number; number < scene.end(); number = number.next()) {
        const RoundView round = scene.round(number);
        Amount credited;
        for (const auto& [uid, amount] : round.credits) {
            credited += amount;
        }
        table.add({std::to_string(number.value), loss_text(round.accepted),
                   fmt::format("{}/{}", round.included.count(), round.commitments.size()),
                   failed_text(scene, round), round.settled ? short_amount(credited) : "-",
                   round.accepted ? to_short_hex(round.accepted->root.view()) : "-",
                   round.settled                ? "settled"
                   : round.is_null(scene.now()) ? "null"
                                                : "open",
                   all_not_counted_text(scene, round)});
    }
    return table;
}

std::vector<std::string> round_lines(const RoundView& round) {
    return {fmt::format("round      {}, T0 {}", round.round.value, round.times.t0.value),
            "beacon     " + (round.sigma ? to_0x(*round.sigma) : "not proven"),
            "base root  " + to_0x(round.base_root),
            "parameters " + (round.accepted ? to_0x(round.accepted->root) : "not accepted"),
            "loss       " + loss_text(round.accepted) + ", held out"};
}

node::Table round_table(const Scene& scene, const RoundView& round) {
    node::Table table(
        {"uid", "hotkey", "bytes", "ratio", "included", "drawn", "verdict", "weight", "credited"});
    table.align_right({0, 2, 3, 7, 8});
    auto audited = round.audited();
    for (const auto& [uid, one] : round.commitments) {
        const std::uint64_t bytes = one.signed_commitment.commitment.size;
        table.add({std::to_string(uid.value), label(scene.state, scene.folder, uid),
                   std::to_string(bytes), ratio_text(scene, bytes),
                   round.included.test(uid.value) ? "yes" : "no", segments_text(round.drawn(uid)),
                   audit_text(audited[uid], "-"), std::to_string(chain::mean_weight(round, uid)),
                   short_amount(round.credited(uid))});
    }
    return table;
}

node::Table neurons_table(const Scene& scene) {
    node::Table table(
        {"uid", "hotkey", "role", "stake", "weight", "rounds", "fails", "last", "credited"});
    table.align_right({0, 3, 4, 5, 6, 7, 8});
    for (const chain::NeuronRow& row : chain::neuron_rows(scene.state, scene.now())) {
        table.add({std::to_string(row.uid.value), label(scene.state, scene.folder, row.uid),
                   std::string(protocol::to_string(row.role)), short_amount(row.stake),
                   std::to_string(row.last_weight), std::to_string(row.rounds),
                   std::to_string(row.fails),
                   row.last_active ? std::to_string(row.last_active->value) : "-",
                   short_amount(row.credited)});
    }
    return table;
}

node::Table hotkey_table(const Scene& scene, Uid uid) {
    const protocol::Neuron* neuron = scene.state.roster.find(uid);
    const bool mines = neuron != nullptr && neuron->role == protocol::Role::kMiner;
    node::Table table = mines ? node::Table({"round", "committed", "ratio", "included", "audits",
                                             "weight", "credited", "settled", "not counted"})
                              : node::Table({"round", "inclusion", "parameters", "revealed",
                                             "credited", "settled", "not counted"});
    for (Round number; number < scene.end(); number = number.next()) {
        const RoundView round = scene.round(number);
        std::vector<std::string> row =
            mines ? mined_row(scene, round, uid) : validated_row(round, uid);
        row.push_back(short_amount(round.credited(uid)));
        row.push_back(round.settled ? "yes" : "no");
        row.push_back(not_counted_text(protocol::not_counted(round, uid, scene.now())));
        table.add(std::move(row));
    }
    return table;
}

node::Table audits_table(const Scene& scene, std::span<const AuditRow> rows) {
    node::Table table({"round", "miner", "validator", "drawn", "verdict", "evidence"});
    table.align_right({0});
    for (const AuditRow& row : rows) {
        table.add({std::to_string(row.round.value), label(scene.state, scene.folder, row.miner),
                   label(scene.state, scene.folder, row.validator), segments_text(row.drawn),
                   row.passed ? "pass" : fmt::format("fail at segment {}", row.segment->value),
                   row.passed ? "-" : to_short_hex(row.evidence.view())});
    }
    return table;
}

}  // namespace covenant::view
