// covenant-adversary: the miner of development networks that lies as it is told.
#include "miner/program.hpp"
#include "tests/adversary/kinds.hpp"

#include <string>

namespace {

using namespace covenant;

Result<node::ExitCode> list_kinds(const node::CommandContext& context) {
    node::Table table({"KIND", "DOES"});
    codec::Json rows = codec::Json::array();
    for (const adversary::Kind& kind : adversary::kinds()) {
        table.add({std::string(kind.name), std::string(kind.does)});
        rows.push(codec::Json::object().set("name", kind.name).set("does", kind.does));
    }
    context.output.table(table);
    context.output.data(std::move(rows));
    return node::ExitCode::kOk;
}

}  // namespace

int main(int argc, char** argv) {
    std::string cheat = "none";
    return miner::program_main(
        argc, argv,
        {.name = "covenant-adversary",
         .doc = "a miner that lies as it is told, for development networks",
         .options =
             [&cheat](node::OptionTable& table) {
                 table.add("cheat", cheat, "how to lie; `covenant-adversary kinds` lists the ways")
                     .section("miner")
                     .group("Mining")
                     .value_name("KIND")
                     .check([](std::string_view text) -> Status {
                         COVENANT_TRY(const auto known, adversary::conduct_of(text));
                         static_cast<void>(known);
                         return {};
                     });
             },
         .commands =
             [](node::CommandTree& tree) {
                 tree.root()
                     .add("kinds", "the ways to lie that --cheat knows")
                     .example("covenant-adversary kinds --json")
                     .handler(list_kinds);
             },
         .conduct = [&cheat] { return adversary::conduct_of(cheat); }});
}
