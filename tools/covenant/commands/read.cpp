#include "common/base/hex.hpp"
#include "common/protocol/audit.hpp"
#include "common/protocol/not_counted.hpp"
#include "common/store/file_store.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/commands/session.hpp"
#include "tools/view/round_report.hpp"

#include <bit>
#include <memory>

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using codec::Json;
using node::CommandContext;
using node::ExitCode;
using protocol::Round;
using protocol::Uid;

constexpr std::uint64_t kMaxEvidenceBytes = 4096;

struct ReadOptions {
    std::string round;
    std::string hotkey;
    bool explain = false;
};

Result<Round> round_of(const view::Scene& scene, const std::string& text) {
    COVENANT_TRY(const std::uint64_t number,
                 view::parse_number(text, "round", std::uint64_t{1} << 40));
    if (number >= scene.end().value) {
        return fail(Errc::kNotFound,
                    scene.end().value == 0
                        ? "round " + text + " has not begun: no round has"
                        : fmt::format("round {} has not begun: there are rounds 0 to {}", text,
                                      scene.end().value - 1));
    }
    return Round(number);
}

std::string loss_text(const std::optional<protocol::Accepted>& accepted) {
    return accepted ? fmt::format("{:.4f}", std::bit_cast<float>(accepted->loss_bits)) : "-";
}

// A token amount with two decimals, for tables.
std::string short_amount(Amount amount) {
    // NOLINTNEXTLINE(bugprone-integer-division): whole millionths of a token are meant
    return fmt::format("{:.2f}", static_cast<double>(amount.units / 1'000'000'000'000) / 1e6);
}

void warn_if_stored(const CommandContext& context, const view::Scene& scene) {
    if (!scene.folder.damage.empty()) {
        context.output.warn("addresses stand for names: " + scene.folder.damage);
    }
    if (!scene.live && scene.head) {
        context.output.note(
            fmt::format("as of block {} of the stored index", scene.head->number.value));
    }
}

Result<ExitCode> status(const CommandContext& context, Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_scene(context.global, clock));
    warn_if_stored(context, scene);
    context.output.data(view::status_json(scene));
    node::Output& out = context.output;
    out.text(fmt::format("chain      {}  block {}", scene.chain_id,
                         scene.head ? std::to_string(scene.head->number.value) : "-"));
    out.text("run        " + to_0x(scene.state.run));
    out.text("           " + (scene.state.spec ? scene.state.spec->name : "not on this chain yet"));
    const auto now = view::run_status(scene);
    if (!now) {
        return ExitCode::kOk;
    }
    out.text(fmt::format(
        "round      {}  phase {}, {} left on chain time",
        now->round ? std::to_string(now->round->value) : "-", protocol::to_string(now->phase),
        node::human_duration(Millis(static_cast<std::int64_t>(now->seconds_left) * 1000))));
    out.text("parameters " + to_0x(now->base_root));
    out.text("loss       " + (now->heldout_loss
                                  ? fmt::format("{:.4f} nats, held out", *now->heldout_loss)
                                  : "not agreed yet"));
    out.text(fmt::format("active     {} miners, {} validators", now->miners, now->validators));
    return ExitCode::kOk;
}

void rounds_table(const CommandContext& context, const view::Scene& scene) {
    node::Table table({"round", "heldout", "committed", "included", "reveals", "failed", "credited",
                       "parameters root", "state", "not counted"});
    table.align_right({0, 1, 2, 3, 4, 6});
    for (Round number; number < scene.end(); number = number.next()) {
        const protocol::RoundView round = scene.round(number);
        std::string failed;
        for (const auto& [uid, audit] : round.audited()) {
            if (audit.failed_segment) {
                failed += fmt::format("{}{} segment {}", failed.empty() ? "" : ", ",
                                      view::label(scene.state, scene.folder, uid),
                                      audit.failed_segment->value);
            }
        }
        Amount credited;
        for (const auto& [uid, amount] : round.credits) {
            credited += amount;
        }
        std::string not_counted;
        for (const protocol::Uncounted& one : protocol::not_counted(round, scene.now())) {
            not_counted += fmt::format("{}{} {}", not_counted.empty() ? "" : ", ",
                                       view::label(scene.state, scene.folder, one.uid),
                                       protocol::describe(one));
        }
        table.add({std::to_string(number.value), loss_text(round.accepted),
                   std::to_string(round.commitments.size()), std::to_string(round.included.count()),
                   std::to_string(round.reveals.size()), failed.empty() ? "-" : failed,
                   round.settled ? short_amount(credited) : "-",
                   round.accepted ? to_short_hex(round.accepted->root.view()) : "-",
                   round.settled                ? "settled"
                   : round.is_null(scene.now()) ? "null"
                                                : "open",
                   not_counted.empty() ? "-" : not_counted});
    }
    context.output.table(table);
}

std::string segments_text(const std::vector<protocol::Segment>& segments) {
    std::string out;
    for (const protocol::Segment segment : segments) {
        out += (out.empty() ? "" : ",") + std::to_string(segment.value);
    }
    return out;
}

std::string fails_text(const protocol::AuditOutcome& audit) {
    return fmt::format("{} fail at segment {}", audit.fails, audit.failed_segment->value);
}

void round_text(const CommandContext& context, const view::Scene& scene,
                const protocol::RoundView& round) {
    node::Output& out = context.output;
    out.text(fmt::format("round      {}, T0 {}", round.round.value, round.times.t0.value));
    out.text("beacon     " + (round.sigma ? to_0x(*round.sigma) : "not proven"));
    out.text("base root  " + to_0x(round.base_root));
    out.text("parameters " + (round.accepted ? to_0x(round.accepted->root) : "not accepted"));
    out.text("loss       " + loss_text(round.accepted) + ", held out");
    node::Table table(
        {"uid", "hotkey", "bytes", "ratio", "included", "drawn", "verdict", "weight", "credited"});
    table.align_right({0, 2, 3, 7, 8});
    auto audited = round.audited();
    for (const auto& [uid, one] : round.commitments) {
        const std::uint64_t bytes = one.signed_commitment.commitment.size;
        const std::string drawn = segments_text(round.drawn(uid));
        const protocol::AuditOutcome& audit = audited[uid];
        const std::string verdict = audit.failed_segment ? fails_text(audit)
                                    : audit.passes > 0   ? fmt::format("{} pass", audit.passes)
                                                         : std::string("-");
        table.add({std::to_string(uid.value), view::label(scene.state, scene.folder, uid),
                   std::to_string(bytes),
                   fmt::format("{:.1f}x", view::compression_ratio(*scene.state.spec, bytes)),
                   round.included.test(uid.value) ? "yes" : "no", drawn.empty() ? "-" : drawn,
                   verdict, std::to_string(chain::mean_weight(round, uid)),
                   short_amount(round.credited(uid))});
    }
    context.output.table(table);
}

Result<ExitCode> rounds(const CommandContext& context, const ReadOptions& options, Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    warn_if_stored(context, scene);
    if (options.round.empty()) {
        context.output.data(view::rounds_json(scene.state, scene.now(), scene.end()));
        rounds_table(context, scene);
        return ExitCode::kOk;
    }
    COVENANT_TRY(const Round number, round_of(scene, options.round));
    const protocol::RoundView round = scene.round(number);
    context.output.data(view::round_json(scene.state, round, scene.now()));
    round_text(context, scene, round);
    return ExitCode::kOk;
}

constexpr std::string_view kColumns =
    "uid       slot in the roster, 0 to 255\n"
    "hotkey    the online signing key: its devnet name, or its address\n"
    "role      miner or validator\n"
    "stake     tokens locked behind the hotkey now\n"
    "weight    newest revealed vote on a miner, mean of the validators by stake, 65535 is the "
    "best\n"
    "rounds    rounds in which it committed (miner) or voted on inclusion (validator)\n"
    "fails     rounds settled with a failed audit; such a round earns nothing\n"
    "last      last round in which it took part\n"
    "credited  emission credited over all rounds, in tokens\n"
    "claimed   of that, paid out to the coldkey";

Result<ExitCode> metagraph(const CommandContext& context, const ReadOptions& options,
                           Clock& clock) {
    if (options.explain) {
        context.output.lines(kColumns);
        context.output.data(Json::object().set("columns", kColumns));
        return ExitCode::kOk;
    }
    COVENANT_TRY(const view::Scene scene, load_scene(context.global, clock));
    warn_if_stored(context, scene);
    context.output.data(view::neurons_json(scene));
    node::Table table({"uid", "hotkey", "role", "stake", "weight", "rounds", "fails", "last",
                       "credited", "claimed"});
    table.align_right({0, 3, 4, 5, 6, 7, 8, 9});
    for (const chain::NeuronRow& row : chain::neuron_rows(scene.state, scene.now())) {
        table.add({std::to_string(row.uid.value), view::label(scene.state, scene.folder, row.uid),
                   std::string(protocol::to_string(row.role)), short_amount(row.stake),
                   std::to_string(row.last_weight), std::to_string(row.rounds),
                   std::to_string(row.fails),
                   row.last_active ? std::to_string(row.last_active->value) : "-",
                   short_amount(row.credited), short_amount(row.claimed)});
    }
    context.output.table(table);
    return ExitCode::kOk;
}

Result<ExitCode> hotkey(const CommandContext& context, const ReadOptions& options, Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    COVENANT_TRY(const Uid uid, view::find_hotkey(scene.state, scene.folder, options.hotkey));
    warn_if_stored(context, scene);
    const protocol::Neuron& neuron = *scene.state.roster.find(uid);
    for (const chain::NeuronRow& row : chain::neuron_rows(scene.state, scene.now())) {
        if (row.uid == uid) {
            Json json = view::neuron_json(scene, row);
            context.output.data(json.set("per_round", view::hotkey_rounds_json(scene, uid)));
        }
    }
    context.output.text(fmt::format(
        "uid {}  {}  {}  coldkey {}  stake {}", uid.value, protocol::to_string(neuron.role),
        to_0x(neuron.hotkey), to_0x(neuron.coldkey), to_tokens(neuron.stake_at(scene.now()))));
    const bool mines = neuron.role == protocol::Role::kMiner;
    node::Table table = mines ? node::Table({"round", "committed", "ratio", "included", "audits",
                                             "weight", "credited", "settled", "not counted"})
                              : node::Table({"round", "inclusion", "parameters", "revealed",
                                             "credited", "settled", "not counted"});
    for (Round number; number < scene.end(); number = number.next()) {
        const protocol::RoundView round = scene.round(number);
        const std::string settled = round.settled ? "yes" : "no";
        const std::string credited = short_amount(round.credited(uid));
        const std::string not_counted =
            view::not_counted_text(protocol::not_counted(round, uid, scene.now()));
        if (mines) {
            const protocol::RecordedCommitment* one = round.commitment(uid);
            const protocol::AuditOutcome audit = round.audited()[uid];
            const std::uint64_t bytes = one == nullptr ? 0 : one->signed_commitment.commitment.size;
            table.add(
                {std::to_string(number.value), one != nullptr ? "yes" : "no",
                 one != nullptr
                     ? fmt::format("{:.1f}x", view::compression_ratio(*scene.state.spec, bytes))
                     : "-",
                 round.included.test(uid.value) ? "yes" : "no",
                 one == nullptr         ? "-"
                 : audit.failed_segment ? fails_text(audit)
                                        : fmt::format("{} pass", audit.passes),
                 std::to_string(chain::mean_weight(round, uid)), credited, settled, not_counted});
        } else {
            table.add({std::to_string(number.value),
                       round.inclusion_votes.contains(uid) ? "voted" : "-",
                       round.agreed(uid)                      ? "agreed"
                       : round.parameters_votes.contains(uid) ? "voted, not with the rest"
                                                              : "-",
                       round.reveals.contains(uid) ? "yes" : "no", credited, settled, not_counted});
        }
    }
    context.output.table(table);
    return ExitCode::kOk;
}

std::string replay_line(const CommandContext& context, const view::Scene& scene,
                        const view::AuditRow& row) {
    const std::string folder =
        context.global.datadir.empty() ? "" : " --datadir " + context.global.datadir;
    const std::string name = view::name_of(scene.folder, row.miner);
    const protocol::Neuron* neuron = scene.state.roster.find(row.miner);
    return fmt::format("covenant replay{} --round {} --hotkey {}{}", folder, row.round.value,
                       !name.empty()       ? name
                       : neuron == nullptr ? std::to_string(row.miner.value)
                                           : to_0x(neuron->hotkey),
                       row.segment ? fmt::format(" --segment {}", row.segment->value) : "");
}

Result<view::AuditFilter> audit_filter(const view::Scene& scene, const ReadOptions& options) {
    view::AuditFilter filter;
    if (!options.round.empty()) {
        COVENANT_TRY(filter.round, round_of(scene, options.round));
    }
    if (!options.hotkey.empty()) {
        COVENANT_TRY(filter.miner, view::find_hotkey(scene.state, scene.folder, options.hotkey));
    }
    return filter;
}

Result<ExitCode> audit_list(const CommandContext& context, const ReadOptions& options,
                            Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    COVENANT_TRY(const view::AuditFilter filter, audit_filter(scene, options));
    warn_if_stored(context, scene);
    Json rows = Json::array();
    node::Table table({"round", "miner", "validator", "drawn", "verdict", "evidence"});
    table.align_right({0});
    for (const view::AuditRow& row : view::audit_rows(scene, filter)) {
        rows.push(view::audit_json(scene, row));
        table.add({std::to_string(row.round.value),
                   view::label(scene.state, scene.folder, row.miner),
                   view::label(scene.state, scene.folder, row.validator), segments_text(row.drawn),
                   row.passed ? "pass" : fmt::format("fail at segment {}", row.segment->value),
                   row.passed ? "-" : to_short_hex(row.evidence.view())});
    }
    context.output.data(std::move(rows));
    context.output.table(table);
    return ExitCode::kOk;
}

// The evidence's content, when the store of the data folder has it.
Result<Json> evidence_json(const CommandContext& context, const Hash256& evidence) {
    COVENANT_TRY(const auto folder, data_folder(context.global));
    if (evidence.is_zero() || !std::filesystem::is_directory(folder / "store")) {
        return Json();
    }
    COVENANT_TRY(const auto store, store::FileStore::open(folder / "store"));
    auto bytes = store->get(evidence, kMaxEvidenceBytes);
    if (!bytes && bytes.error().code == Errc::kNotFound) {
        return Json();
    }
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    const auto decoded = protocol::decode_evidence(*bytes);
    if (!decoded) {
        return Json::object().set("verdict", protocol::to_string(decoded.error()));
    }
    return Json::object()
        .set("verdict", protocol::to_string(decoded->verdict))
        .set("segment", decoded->segment.value)
        .set("chunk", decoded->chunk)
        .set("claimed", to_0x(decoded->claimed))
        .set("recomputed", to_0x(decoded->recomputed))
        .set("opening", to_0x(decoded->opening));
}

Result<ExitCode> audit_show(const CommandContext& context, const ReadOptions& options,
                            Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    COVENANT_TRY(const view::AuditFilter filter, audit_filter(scene, options));
    const auto rows = view::audit_rows(scene, filter);
    if (rows.empty()) {
        return fail(Errc::kNotFound, "no validator has revealed an audit of " + options.hotkey +
                                         " in round " + options.round);
    }
    Json list = Json::array();
    node::Output& out = context.output;
    for (const view::AuditRow& row : rows) {
        COVENANT_TRY(const Json evidence, evidence_json(context, row.evidence));
        Json json = view::audit_json(scene, row);
        json.set("evidence_content", evidence).set("replay", replay_line(context, scene, row));
        list.push(std::move(json));
        out.text(fmt::format("{} says {}{}", view::label(scene.state, scene.folder, row.validator),
                             row.passed ? "pass" : "fail",
                             row.passed ? ""
                                        : fmt::format(" at segment {}, evidence {}",
                                                      row.segment->value, to_0x(row.evidence))));
        if (evidence.is_object() && evidence.has("claimed")) {
            COVENANT_TRY(const std::string verdict, evidence.string("verdict"));
            COVENANT_TRY(const std::string claimed, evidence.string("claimed"));
            COVENANT_TRY(const std::string recomputed, evidence.string("recomputed"));
            out.text("  " + verdict);
            out.text("  claimed    " + claimed);
            out.text("  recomputed " + recomputed);
        }
    }
    out.text("check it yourself   " + replay_line(context, scene, rows.front()));
    out.data(std::move(list));
    return ExitCode::kOk;
}

}  // namespace

void add_read_commands(node::CommandTree& tree, Clock& clock) {
    const auto options = std::make_shared<ReadOptions>();
    const auto run = [options, &clock](auto function) {
        return [options, &clock, function](const CommandContext& context) {
            return function(context, *options, clock);
        };
    };
    tree.root()
        .add("status", "head, round, phase, parameters and held-out loss")
        .example("covenant status --datadir ./devnet-7")
        .handler([&clock](const CommandContext& context) { return status(context, clock); });
    tree.root()
        .add("rounds", "what happened in every round, or in one")
        .positional("ROUND", options->round, "only this round, in detail", false)
        .example("covenant rounds 3 --datadir ./devnet-7 --json")
        .handler(run(rounds));
    node::Command& table = tree.root().add("metagraph", "every hotkey: stake, weight, emission");
    table.options().add("explain", options->explain, "say what each column means").flag_only();
    table.example("covenant metagraph --datadir ./devnet-7").handler(run(metagraph));
    tree.root()
        .add("miner", "one hotkey, round by round (validators too)")
        .positional("HOTKEY", options->hotkey, "address, uid or devnet name")
        .example("covenant miner mallory --datadir ./devnet-7")
        .handler(run(hotkey));
    node::Command& audit = tree.root().add("audit", "what validators found by re-execution");
    node::Command& list = audit.add("list", "all findings, or those of a round or a hotkey");
    list.options().add("round", options->round, "only this round").value_name("R").flag_only();
    list.options()
        .add("hotkey", options->hotkey, "only this miner: address, uid or devnet name")
        .value_name("H")
        .flag_only();
    list.example("covenant audit list --datadir ./devnet-7 --hotkey mallory")
        .handler(run(audit_list));
    node::Command& show = audit.add("show", "one audit with its evidence and how to repeat it");
    show.options().add("round", options->round, "the round").value_name("R").required().flag_only();
    show.options()
        .add("hotkey", options->hotkey, "the miner: address, uid or devnet name")
        .value_name("H")
        .required()
        .flag_only();
    show.example("covenant audit show --datadir ./devnet-7 --round 0 --hotkey mallory")
        .handler(run(audit_show));
}

}  // namespace covenant::commands
