#include "chain/participant/daemon.hpp"

#include "chain/participant/readiness.hpp"
#include "common/net/http_client.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/log_sink.hpp"

#include <cstdio>

namespace covenant::participant {
namespace {

Result<std::unique_ptr<node::LogSink>> install_log(const node::GlobalOptions& global) {
    node::LogOptions options;
    options.format = global.log_format == "json" ? node::LogFormat::kJson : node::LogFormat::kText;
    options.levels = global.verbose ? "debug" : global.log_level;
    options.file = global.log_file;
    return node::LogSink::install(options);
}

}  // namespace

std::string version_text(std::string_view binary) {
    return std::string(binary) + " " + COVENANT_VERSION + " (" + COVENANT_BUILD_TYPE +
           ", protocol 1)";
}

int daemon_main(int argc, char** argv, const Daemon& daemon) {
    ParticipantOptions options;
    node::CommandTree tree(daemon.name, daemon.doc, version_text(daemon.name));
    const auto open = [&](const node::CommandContext& command, bool run) -> Result<node::ExitCode> {
        COVENANT_TRY(const auto folder,
                     node::data_folder(command.global.datadir, command.global.network));
        options.datadir = folder.string();
        if (command.global.network_given) options.network_file = command.global.network;
        options.patient = run;
        COVENANT_TRY(const auto sink, install_log(command.global));
        COVENANT_TRY(const auto signals, node::SignalGuard::install(sink->reopener()));
        net::initialize(2);  // its threads inherit the blocked signals
        SystemClock clock;
        if (!run) {
            COVENANT_TRY(const auto findings,
                         check_readiness(options, daemon.role, clock, signals->token()));
            return report_readiness(command.output, findings);
        }
        auto participant = Participant::open(options, daemon.role, clock, signals->token());
        if (!participant) {
            if (participant.error().code == Errc::kInterrupted) {
                return signals->exit_code();
            }
            return fail(std::move(participant).error());
        }
        COVENANT_CHECK(daemon.run(**participant, options));
        return signals->exit_code();
    };
    node::Command& run = tree.root().add("run", "take part in the run");
    describe(run.options(), options);
    daemon.describe(run.options());
    run.example(daemon.name +
                " run --datadir node --network network.json --store store \\\n"
                "      --data data --password-file password.txt");
    run.handler([&](const node::CommandContext& command) { return open(command, true); });
    node::Command& check = tree.root().add(
        "check", "look for all that `run` needs; name what is missing and what mends it");
    check.options().append(run.options());
    check.example(daemon.name +
                  " check --datadir node --network network.json --store store \\\n"
                  "      --data data --password-file password.txt");
    check.handler([&](const node::CommandContext& command) { return open(command, false); });
    if (daemon.commands) daemon.commands(tree);
    tree.add_config_commands(run);
    tree.add_completions();
    return tree.run(argc, argv);
}

}  // namespace covenant::participant
