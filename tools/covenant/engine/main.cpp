// covenant-engine: the part of the command line that links the training engine.
#include "chain/participant/daemon.hpp"
#include "tools/covenant/engine/commands.hpp"

int main(int argc, char** argv) {
    using namespace covenant;
    tool::EngineOptions options;
    node::CommandTree tree("covenant-engine", "what `covenant` does with the training engine",
                           participant::version_text("covenant-engine"));
    tool::add_prepare(tree, options);
    tool::add_trial(tree, options);
    tool::add_heldout_loss(tree, options);
    tool::add_replay(tree, options);
    tool::add_checkpoint(tree);
    tool::add_generate(tree);
    tool::add_eval(tree);
    return tree.run(argc, argv);
}
