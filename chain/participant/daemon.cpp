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
    const auto prepare = [&](const node::CommandContext& command,
                             bool patient) -> Result<std::unique_ptr<node::LogSink>> {
        COVENANT_TRY(const auto folder,
                     node::data_folder(command.global.datadir, command.global.network));
        options.datadir = folder.string();
        if (command.global.network_given) options.network_file = command.global.network;
        options.patient = patient;
        return install_log(command.global);
    };
    const auto start = [&](const node::CommandContext& command) -> Result<node::ExitCode> {
        COVENANT_TRY(const auto sink, prepare(command, true));
        COVENANT_TRY(const auto signals, node::SignalGuard::install(sink->reopener()));
        net::initialize(2);  // its threads inherit the blocked signals
        SystemClock clock;
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
    // As every command that only looks, it leaves the signals as they are: one ends it at once.
    const auto look = [&](const node::CommandContext& command) -> Result<node::ExitCode> {
        COVENANT_TRY(const auto sink, prepare(command, false));
        net::initialize(2);
        SystemClock clock;
        return report_readiness(command.output, check_readiness(options, daemon.role, clock));
    };
    node::Command& run = tree.root().add("run", "take part in the run");
    describe(run.options(), options);
    daemon.describe(run.options());
    run.example(daemon.name +
                " run --datadir node --network network.json --store store \\\n"
                "      --data data --password-file password.txt");
    run.handler(start);
    node::Command& check = tree.root().add(
        "check", "look for all that `run` needs; name what is missing and what mends it");
    check.options().append(run.options());
    check.example(daemon.name +
                  " check --datadir node --network network.json --store store \\\n"
                  "      --data data --password-file password.txt");
    check.handler(look);
    if (daemon.commands) daemon.commands(tree);
    tree.add_config_commands(run);
    tree.add_completions();
    return tree.run(argc, argv);
}

}  // namespace covenant::participant
