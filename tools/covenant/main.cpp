// covenant: the command line. Thin: every group of commands is in commands/, the devnet in devnet/.
#include "common/base/clock.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/devnet/devnet.hpp"

#include <string>
#include <vector>

int main(int argc, char** argv) {
    using namespace covenant;
    const std::string version =
        std::string("covenant ") + COVENANT_VERSION + " (" + COVENANT_BUILD_TYPE + ", protocol 1)";
    SystemClock clock;
    devnet::Options devnet_options;
    node::CommandTree tree(
        "covenant", "trains one language model with strangers' machines: look, check, take part",
        version);
    commands::add_wallet_commands(tree, clock);
    commands::add_run_commands(tree, clock);
    commands::add_stake_commands(tree, clock);
    commands::add_read_commands(tree, clock);
    commands::add_artifact_commands(tree, clock);
    commands::add_engine_commands(tree,
                                  std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
    devnet::add_devnet(tree, devnet_options);
    commands::add_doctor(tree, clock, version);
    const node::Command own("covenant", "the common options");  // none but the common ones
    tree.add_config_commands(own);
    tree.add_completions();
    return tree.run(argc, argv);
}
