// covenant-engine: the part of the command line that links the training engine.
#include "common/engine/profile.hpp"
#include "common/runtime/daemon.hpp"
#include "tools/covenant/engine/commands.hpp"

#include <cstdio>

int main(int argc, char** argv) {
    using namespace covenant;
    if (const Status environment = engine::ensure_profile_environment(argc, argv); !environment) {
        std::fprintf(stderr, "covenant-engine: %s\n", environment.error().context.c_str());
        return static_cast<int>(node::exit_code_for(environment.error()));
    }
    tool::EngineOptions options;
    node::CommandTree tree("covenant-engine", "what `covenant` does with the training engine",
                           runtime::version_text("covenant-engine"));
    tool::add_prepare(tree, options);
    tool::add_heldout_loss(tree, options);
    tool::add_replay(tree, options);
    tool::add_simulate(tree, options);
    return tree.run(argc, argv);
}
