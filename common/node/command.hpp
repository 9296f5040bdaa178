// Commands of a binary: `covenant NOUN VERB`, `covenant-miner run`. How a line is taken apart is
// written in command_parse.hpp.
#pragma once

#include "common/base/result.hpp"
#include "common/node/exit_code.hpp"
#include "common/node/option_table.hpp"
#include "common/node/output.hpp"

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::node {

struct ParsedLine;

// Accepted by every command of every binary, before or after its name.
struct GlobalOptions {
    bool json = false;
    std::string color = "auto";  // auto, always, never
    bool quiet = false;
    bool verbose = false;            // log level debug unless --log-level is given
    bool yes = false;                // answers every question with yes
    std::string config;              // TOML file; "" = none was given
    std::string datadir;             // "" = none was given: default_datadir(network)
    std::string network = "devnet";  // network.json, or a name that chooses the default datadir
    bool network_given = false;      // by a flag, the environment or the file
    std::string log_format = "text";
    std::string log_level = "info";
    std::string log_file;
};

// Whether --network names a file, there or not; a network that was not given names none.
bool names_network_file(const GlobalOptions& global);

struct CommandContext {
    Output& output;
    const GlobalOptions& global;
    const OptionTable& options;  // the command's and the global ones, with their origins
};

// The error of a failing handler is printed and mapped by exit_code_for; a handler that printed its
// findings itself (doctor, replay) returns its ExitCode.
using CommandHandler = std::function<Result<ExitCode>(const CommandContext&)>;

struct Positional {
    std::string name;  // "HOTKEY"; one that names_path expands `~` and completes file names
    std::string doc;
    bool required = true;
    std::string* target = nullptr;             // one of the two
    std::vector<std::string>* rest = nullptr;  // takes all that is left; last only
};

// Bound variables belong to the caller and outlive the tree.
class Command {
  public:
    Command(std::string name, std::string doc) : name_(std::move(name)), doc_(std::move(doc)) {}

    // A sub-command; the reference stays valid. A command has either sub-commands or a handler.
    Command& add(std::string name, std::string doc);
    OptionTable& options() { return options_; }
    [[nodiscard]] const OptionTable& options() const { return options_; }
    Command& positional(std::string name, std::string& target, std::string doc,
                        bool required = true);
    Command& rest(std::string name, std::vector<std::string>& target, std::string doc,
                  bool required = false);
    Command& detail(std::string text);   // sentences for --help; '\n' begins a new paragraph
    Command& example(std::string line);  // one that can be pasted into a shell as it is
    // Required options may be missing: the command only shows the values.
    Command& shows_options();
    Command& handler(CommandHandler function);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& doc() const { return doc_; }
    [[nodiscard]] const std::string& detail_text() const { return detail_; }
    [[nodiscard]] const std::vector<std::string>& examples() const { return examples_; }
    [[nodiscard]] bool only_shows_options() const { return only_shows_options_; }
    [[nodiscard]] const std::vector<Positional>& positionals() const { return positionals_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Command>>& children() const {
        return children_;
    }
    [[nodiscard]] const CommandHandler& run() const { return handler_; }
    [[nodiscard]] const Command* find(std::string_view name) const;

  private:
    std::string name_;
    std::string doc_;
    std::string detail_;
    std::vector<std::string> examples_;
    bool only_shows_options_ = false;
    OptionTable options_;
    std::vector<Positional> positionals_;
    std::vector<std::unique_ptr<Command>> children_;
    CommandHandler handler_;
};

class CommandTree {
  public:
    // `version` is what -V prints: name, version, commit, build, protocol.
    CommandTree(std::string name, std::string doc, std::string version);
    CommandTree(const CommandTree&) = delete;
    CommandTree& operator=(const CommandTree&) = delete;

    Command& root() { return root_; }
    GlobalOptions& globals() { return globals_; }
    OptionTable& global_table() { return global_table_; }
    // Adds `config init|show|check` for the options of `daemon` (a command of this tree, described
    // before) and `completions bash`.
    void add_config_commands(const Command& daemon);
    void add_completions();

    // Parses, fills, runs, reports. Never throws; every path ends in an exit code. argv[0] is
    // skipped.
    int run(int argc, const char* const* argv);
    // As above without argv[0], to given streams (no terminal) and environment: for tests.
    ExitCode run(const std::vector<std::string>& args, std::ostream& out, std::ostream& err,
                 Environment env);

    [[nodiscard]] std::string help(const Command& command, const std::string& path,
                                   bool full) const;
    [[nodiscard]] std::string bash_completion() const;

  private:
    ExitCode dispatch(const std::vector<std::string>& args, OptionSources sources,
                      std::ostream& out, std::ostream& err, OutputOptions output_options);
    // A parsed line with its values filled in, to its handler.
    ExitCode execute(ParsedLine line, OptionSources sources, std::ostream& out, std::ostream& err,
                     OutputOptions output_options);

    std::string version_;
    Command root_;
    GlobalOptions globals_;
    OptionTable global_table_;
    bool show_origin_ = false;
};

}  // namespace covenant::node
