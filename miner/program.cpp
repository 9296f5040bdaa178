#include "miner/program.hpp"

#include "chain/participant/daemon.hpp"
#include "miner/miner.hpp"

namespace covenant::miner {
namespace {

Status run(participant::Participant& participant, const participant::ParticipantOptions& options,
           const MinerOptions& own) {
    Miner miner(participant.node(), participant.background(), own);
    if (options.last_round >= 0) {
        miner.set_last_round(protocol::Round(static_cast<std::uint64_t>(options.last_round)));
    }
    return participant.run(miner);
}

}  // namespace

int program_main(int argc, char** argv, const Program& program) {
    std::uint64_t safety_margin = 1;
    participant::Daemon daemon;
    daemon.name = program.name;
    daemon.doc = program.doc;
    daemon.role = protocol::Role::kMiner;
    daemon.describe = [&](node::OptionTable& table) {
        table
            .add("safety-margin", safety_margin,
                 "seconds before the commit deadline at which a round is not started")
            .section("miner")
            .group("Mining")
            .value_name("SECONDS")
            .range(0, 3600);
        if (program.options) program.options(table);
    };
    daemon.commands = program.commands;
    daemon.run = [&](participant::Participant& participant,
                     const participant::ParticipantOptions& options) -> Status {
        const execution::Conduct* conduct = &execution::honest();
        if (program.conduct) {
            COVENANT_TRY(conduct, program.conduct());
        }
        return run(participant, options,
                   {.conduct = *conduct, .safety_margin_seconds = safety_margin});
    };
    return participant::daemon_main(argc, argv, daemon);
}

}  // namespace covenant::miner
