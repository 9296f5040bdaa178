// covenant-miner: trains assigned data, commits the work, publishes it.
#include "chain/participant/daemon.hpp"
#include "miner/miner.hpp"
#include "tests/adversary/kinds.hpp"

#include <string>

namespace {

using namespace covenant;

struct Options {
    std::string cheat = "none";
    std::uint64_t safety_margin = 1;
};

Status run(participant::Participant& participant, const participant::ParticipantOptions& options,
           const Options& own) {
    COVENANT_TRY(const execution::Conduct* conduct, adversary::conduct_of(own.cheat));
    miner::Miner miner(participant.node(), participant.background(),
                       {.conduct = *conduct, .safety_margin_seconds = own.safety_margin});
    if (options.last_round >= 0) {
        miner.set_last_round(protocol::Round(static_cast<std::uint64_t>(options.last_round)));
    }
    return participant.run(miner);
}

}  // namespace

int main(int argc, char** argv) {
    Options own;
    participant::Daemon daemon;
    daemon.name = "covenant-miner";
    daemon.doc =
        "trains a run's model on assigned data and is paid for work that others can re-execute";
    daemon.role = protocol::Role::kMiner;
    daemon.describe = [&own](node::OptionTable& table) {
        table
            .add("safety-margin", own.safety_margin,
                 "seconds before the commit deadline at which a round is not started")
            .section("miner")
            .group("Mining")
            .value_name("SECONDS")
            .range(0, 3600);
        table
            .add("cheat", own.cheat,
                 "how to lie, on development networks: half-batch, skip-segment, stale-data, ...")
            .section("miner")
            .group("Mining")
            .value_name("KIND")
            .check([](std::string_view text) -> Status {
                COVENANT_TRY(const execution::Conduct* conduct, adversary::conduct_of(text));
                static_cast<void>(conduct);
                return {};
            });
    };
    daemon.run = [&own](participant::Participant& participant,
                        const participant::ParticipantOptions& options) {
        return run(participant, options, own);
    };
    return participant::daemon_main(argc, argv, daemon);
}
