#include "common/base/hex.hpp"
#include "common/protocol/audit.hpp"
#include "common/store/file_store.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/commands/session.hpp"
#include "tools/view/round_report.hpp"
#include "tools/view/text.hpp"

#include <memory>
#include <string>
#include <vector>

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

void warn_if_stored(const CommandContext& context, const view::Scene& scene) {
    if (!scene.folder.damage.empty()) {
        context.output.warn("addresses stand for names: " + scene.folder.damage);
    }
    if (!scene.live && scene.head) {
        context.output.note(
            fmt::format("as of block {} of the stored index", scene.head->number.value));
    }
}

void show_lines(const CommandContext& context, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        context.output.text(line);
    }
}

Result<ExitCode> status(const CommandContext& context, Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_scene(context.global, clock));
    warn_if_stored(context, scene);
    context.output.data(view::status_json(scene));
    show_lines(context, view::status_lines(scene));
    return ExitCode::kOk;
}

Result<ExitCode> rounds(const CommandContext& context, const ReadOptions& options, Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    warn_if_stored(context, scene);
    if (options.round.empty()) {
        context.output.data(view::rounds_json(scene.state, scene.now(), scene.end()));
        context.output.table(view::rounds_table(scene));
        return ExitCode::kOk;
    }
    COVENANT_TRY(const Round number, round_of(scene, options.round));
    const protocol::RoundView round = scene.round(number);
    context.output.data(view::round_json(scene.state, round, scene.now()));
    show_lines(context, view::round_lines(round));
    context.output.table(view::round_table(scene, round));
    return ExitCode::kOk;
}

constexpr std::string_view kColumns =
    "uid       slot in the roster, 0 to 255\n"
    "hotkey    the online signing key: its devnet name, or its address\n"
    "role      miner or validator\n"
    "stake     tokens locked behind the hotkey now\n"
    "weight    newest revealed vote on a miner, mean by stake; 65535 is the best\n"
    "rounds    rounds in which it committed (miner), or voted on inclusion\n"
    "fails     rounds settled with a failed audit; such a round earns nothing\n"
    "last      last round in which it took part\n"
    "credited  emission credited over all rounds, in tokens; --json also says\n"
    "          how much of it was claimed";

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
    context.output.table(view::neurons_table(scene));
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
    context.output.text(fmt::format("uid {}  {}  stake {}", uid.value,
                                    protocol::to_string(neuron.role),
                                    to_tokens(neuron.stake_at(scene.now()))));
    context.output.text("hotkey   " + to_0x(neuron.hotkey));
    context.output.text("coldkey  " + to_0x(neuron.coldkey));
    context.output.table(view::hotkey_table(scene, uid));
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
    const std::vector<view::AuditRow> found = view::audit_rows(scene, filter);
    Json rows = Json::array();
    for (const view::AuditRow& row : found) {
        rows.push(view::audit_json(scene, row));
    }
    context.output.data(std::move(rows));
    context.output.table(view::audits_table(scene, found));
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
