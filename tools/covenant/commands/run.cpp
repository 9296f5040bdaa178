#include "common/base/hex.hpp"
#include "common/protocol/model_shape.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/commands/presets.hpp"
#include "tools/covenant/commands/session.hpp"
#include "tools/view/round_report.hpp"

#include <memory>

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using codec::Json;
using node::CommandContext;
using node::ExitCode;

Result<ExitCode> info(const CommandContext& context, Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    const protocol::RunSpec& spec = *scene.state.spec;
    context.output.data(view::run_json(scene));
    node::Output& out = context.output;
    const std::uint64_t wire = view::artifact_bytes_bound(spec);
    out.text(fmt::format("run        {}  {}", to_0x(scene.state.run), spec.name));
    out.text(fmt::format(
        "model      {:.3f} M parameters: {} layers of width {}, {} heads, vocabulary {}",
        static_cast<double>(protocol::parameter_count(spec.model)) / 1e6, spec.model.layers,
        spec.model.d_model, spec.model.heads, spec.model.vocab_size));
    out.text(fmt::format("data       {} windows of {} tokens, {} held out", spec.data.window_count,
                         spec.model.seq_len, spec.data.heldout_count));
    out.text(fmt::format(
        "round      {} s: commit by {} s, inclusion votes by {} s, then parameters",
        spec.timing.round_seconds, spec.timing.commit_seconds, spec.timing.inclusion_seconds));
    out.text(fmt::format("work       {} inner steps in {} segments, {} tokens a round",
                         spec.inner.steps_per_round, spec.segments(),
                         spec.windows_per_round() * spec.model.seq_len));
    out.text(fmt::format("upload     at most {} a round, {:.0f} times smaller than the parameters",
                         node::human_bytes(wire), view::compression_ratio(spec, wire)));
    out.text(fmt::format("memory     about {} for state and optimiser (estimate)",
                         node::human_bytes(view::training_bytes_estimate(spec))));
    out.text(fmt::format("audits     {:.0f} % of the artifacts, {} segments each",
                         spec.audit.probability_ppm / 1e4, spec.audit.segments));
    out.text(fmt::format("emission   {} COV a round: {:.0f} % miners, {:.0f} % validators",
                         to_tokens(spec.emission.per_round), spec.emission.miner_share_bps / 100.0,
                         spec.emission.validator_share_bps / 100.0));
    out.text(fmt::format("stake      a miner needs {} COV when a round opens",
                         to_tokens(spec.emission.miner_bond)));
    return ExitCode::kOk;
}

Result<ExitCode> list(const CommandContext& context, Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_scene(context.global, clock));
    COVENANT_TRY(const auto folder, data_folder(context.global));
    const auto index = folder / (scene.live ? "cli-index.sqlite" : "index.sqlite");
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(index.string()));
    COVENANT_TRY(const auto runs, reader.runs());
    Json rows = Json::array();
    node::Table table({"run", "name", "parameters", "starts at", "followed"});
    for (const protocol::RunId& run : runs) {
        COVENANT_TRY(const protocol::RunState state, reader.state(run));
        const bool followed = run == scene.state.run;
        Json row = Json::object();
        row.set("run", to_0x(run)).set("name", state.spec ? Json(state.spec->name) : Json());
        row.set("parameters",
                state.spec ? Json(protocol::parameter_count(state.spec->model)) : Json());
        row.set("start_time", state.spec ? Json(state.spec->timing.start_time) : Json());
        row.set("followed", followed);
        rows.push(std::move(row));
        table.add({to_0x(run), state.spec ? state.spec->name : "refused",
                   state.spec ? std::to_string(protocol::parameter_count(state.spec->model)) : "-",
                   state.spec ? std::to_string(state.spec->timing.start_time) : "-",
                   followed ? "yes" : "no"});
    }
    context.output.data(std::move(rows));
    context.output.table(table);
    return ExitCode::kOk;
}

}  // namespace

void add_run_commands(node::CommandTree& tree, Clock& clock) {
    node::Command& run = tree.root().add("run", "training runs on the chain");
    const auto preset = std::make_shared<std::string>();
    node::Command& info_command =
        run.add("info", "the run in words: model, data, timing, cost of a round, stake needed");
    info_command.options()
        .add("preset", *preset,
             "instead of a run: what a preset model would cost, or `all` of them")
        .value_name("NAME")
        .flag_only();
    info_command
        .detail(
            "Presets: nano, 4M, 10M, 50M, 150M, 72B. Their costs are arithmetic over a devnet's "
            "terms: no chain is read.")
        .example("covenant run info --datadir ./devnet-7")
        .example("covenant run info --preset all")
        .handler([&clock, preset](const CommandContext& context) -> Result<ExitCode> {
            if (preset->empty()) return info(context, clock);
            COVENANT_CHECK(show_presets(context.output, *preset));
            return ExitCode::kOk;
        });
    run.add("list", "every run that the chain knows")
        .example("covenant run list --network network.json --json")
        .handler([&clock](const CommandContext& context) { return list(context, clock); });
}

}  // namespace covenant::commands
