// covenant-miner: trains assigned data, commits the work, publishes it.
#include "miner/program.hpp"

int main(int argc, char** argv) {
    return covenant::miner::program_main(
        argc, argv,
        {.name = "covenant-miner",
         .doc = "trains a run's model on assigned data and is paid for work that others can "
                "re-execute"});
}
