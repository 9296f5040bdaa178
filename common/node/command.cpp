#include "common/node/command.hpp"

#include "common/base/assert.hpp"
#include "common/node/command_parse.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/log_sink.hpp"
#include "common/node/option_value.hpp"
#include "common/node/printable.hpp"
#include "common/node/terminal.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <new>
#include <system_error>

#include <fmt/format.h>

namespace covenant::node {
namespace {

// Known before the line is parsed, so that a usage error is JSON too.
bool asks_for_json(const std::vector<std::string>& args, const Environment& env) {
    bool json = parse_bool(read_variable(env, "COVENANT_JSON").value_or("")).value_or(false);
    constexpr std::string_view kFlag = "--json";
    for (const std::string& arg : args) {
        if (arg == "--") break;
        if (arg == kFlag) json = true;
        if (arg.starts_with("--json="))
            json = parse_bool(arg.substr(kFlag.size() + 1)).value_or(json);
    }
    return json;
}

// A handler's exception is an error like others, so that it is reported like others.
Result<ExitCode> run_handler(const Command& command, const CommandContext& context) {
    try {
        return command.run()(context);
    } catch (const std::bad_alloc&) {
        return fail(Errc::kPrecondition, "there is no memory left for this");
    } catch (const std::exception& failure) {
        return fail(Errc::kIo, failure.what());
    }
}

// What is left out has a default; an empty word is a mistake, such as a variable of a shell that is
// not set.
Status check_not_empty(std::string_view text) {
    if (!text.empty()) return {};
    return fail(Errc::kInvalidArgument, "'' names nothing");
}

// The words of the line into the variables of the command's positionals.
Status bind_positionals(const Command& command, const std::vector<std::string>& words,
                        const Environment& env) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        const Positional& positional =
            command.positionals()[std::min(i, command.positionals().size() - 1)];
        std::string word = words[i];
        if (Status named = check_not_empty(word); !named) {
            return fail(std::move(named).error().within(positional.name));
        }
        if (names_path(positional.name)) {
            COVENANT_TRY(word, expand_home(std::move(word), env));
        }
        if (positional.rest != nullptr) {
            positional.rest->push_back(std::move(word));
        } else {
            *positional.target = std::move(word);
        }
    }
    return {};
}

Status check_levels(std::string_view text) {
    auto levels = LogLevels::parse(text);
    return levels ? Status{} : Status(fail(std::move(levels).error()));
}

}  // namespace

bool names_network_file(const GlobalOptions& global) {
    std::error_code ignored;
    return global.network_given &&
           (global.network.ends_with(".json") || global.network.find('/') != std::string::npos ||
            std::filesystem::is_regular_file(global.network, ignored));
}

Command& Command::add(std::string name, std::string doc) {
    COVENANT_ASSERT(find(name) == nullptr, "a command is described once");
    children_.push_back(std::make_unique<Command>(std::move(name), std::move(doc)));
    return *children_.back();
}

Command& Command::positional(std::string name, std::string& target, std::string doc,
                             bool required) {
    positionals_.push_back({std::move(name), std::move(doc), required, &target, nullptr});
    return *this;
}

Command& Command::rest(std::string name, std::vector<std::string>& target, std::string doc,
                       bool required) {
    positionals_.push_back({std::move(name), std::move(doc), required, nullptr, &target});
    return *this;
}

Command& Command::detail(std::string text) {
    detail_ = std::move(text);
    return *this;
}

Command& Command::example(std::string line) {
    examples_.push_back(std::move(line));
    return *this;
}

Command& Command::shows_options() {
    only_shows_options_ = true;
    return *this;
}

Command& Command::handler(CommandHandler function) {
    handler_ = std::move(function);
    return *this;
}

const Command* Command::find(std::string_view name) const {
    for (const auto& child : children_) {
        if (child->name() == name) return child.get();
    }
    return nullptr;
}

CommandTree::CommandTree(std::string name, std::string doc, std::string version)
    : version_(std::move(version)), root_(std::move(name), std::move(doc)) {
    constexpr const char* kGroup = "Common options";
    OptionTable& table = global_table_;
    table.add("datadir", globals_.datadir, "where state is kept")
        .group(kGroup)
        .check(check_not_empty)
        .value_name("DIR")
        .flag_only();
    table
        .add("network", globals_.network,
             "network.json of the chain, contracts and run; else a name for the default datadir")
        .group(kGroup)
        .check(check_not_empty)
        .value_name("NAME|FILE");
    table.add("config", globals_.config, "TOML file with options")
        .group(kGroup)
        .check(check_not_empty)
        .value_name("FILE")
        .flag_only();
    table.add("json", globals_.json, "print one JSON envelope; never ask")
        .group(kGroup)
        .flag_only();
    table.add("yes", globals_.yes, "answer every question with yes")
        .group(kGroup)
        .short_name('y')
        .flag_only();
    table.add("quiet", globals_.quiet, "print results and errors only")
        .group(kGroup)
        .short_name('q')
        .flag_only();
    table.add("verbose", globals_.verbose, "log at debug level")
        .group(kGroup)
        .short_name('v')
        .flag_only();
    table.add("color", globals_.color, "colours in text")
        .group(kGroup)
        .value_name("WHEN")
        .section("output")
        .choices({"auto", "always", "never"});
    table.add("log-format", globals_.log_format, "form of log lines")
        .group(kGroup)
        .value_name("FORMAT")
        .section("log")
        .choices({"text", "json"});
    table.add("log-level", globals_.log_level, "default level and exceptions, as info,chain=debug")
        .group(kGroup)
        .value_name("LEVELS")
        .check(check_levels)
        .section("log");
    table.add("log-file", globals_.log_file, "log to this file, rotated, instead of standard error")
        .group(kGroup)
        .value_name("FILE")
        .section("log");
}

ExitCode CommandTree::dispatch(const std::vector<std::string>& args, OptionSources sources,
                               std::ostream& out, std::ostream& err, OutputOptions output_options) {
    output_options.json = asks_for_json(args, sources.env);
    std::string path;
    auto line = parse_line(root_, global_table_, args, path);
    if (!line) {
        Output output(output_options, out, err);
        output.error(line.error(), path, path + " --help lists what there is");
        return output.finish(ExitCode::kUsage);
    }
    if (line->version || line->help_short || line->help_long) {
        Output output(output_options, out, err);
        const std::string text =
            line->version ? version_ : help(*line->command, line->path, line->help_long);
        output.lines(text);
        output.data(codec::Json::object().set(line->version ? "version" : "help", text));
        return output.finish(ExitCode::kOk);
    }
    if (!line->command->run()) {
        Output output(output_options, out, err);
        output.error(Error{Errc::kInvalidArgument, line->path + " needs a command", false},
                     line->path, line->path + " --help lists them");
        return output.finish(ExitCode::kUsage);
    }
    return execute(std::move(*line), std::move(sources), out, err, output_options);
}

ExitCode CommandTree::execute(ParsedLine line, OptionSources sources, std::ostream& out,
                              std::ostream& err, OutputOptions output_options) {
    const Command& command = *line.command;
    OptionTable table;
    table.append(command.options());
    table.append(global_table_);
    sources.flags = std::move(line.flags);
    sources.partial = command.only_shows_options();
    Status filled = bind_positionals(command, line.positionals, sources.env);
    if (filled) filled = table.load(std::move(sources));
    if (!filled) {
        Output output(output_options, out, err);
        output.error(filled.error(), line.path, line.path + " --help lists the options");
        return output.finish(ExitCode::kUsage);
    }
    globals_.network_given = global_table_.find("network")->origin != Origin::kDefault;
    output_options.json = globals_.json;
    output_options.quiet = globals_.quiet;
    output_options.color = parse_color_mode(globals_.color).value_or(ColorMode::kAuto);
    Output output(output_options, out, err);
    auto code = run_handler(command, CommandContext{output, globals_, table});
    if (code) return output.finish(*code);
    output.error(code.error(), line.path);
    return output.finish(exit_code_for(code.error()));
}

int CommandTree::run(int argc, const char* const* argv) {
    occupy_standard_streams();
    OptionSources sources;
    sources.default_datadir = [](const std::string& network) { return default_datadir(network); };
    const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
    try {
        return static_cast<int>(dispatch(args, std::move(sources), std::cout, std::cerr,
                                         terminal_options(false, false, ColorMode::kAuto)));
    } catch (const std::exception& failure) {
        std::cerr << root_.name() << ": " << printable(failure.what()) << '\n';
        return static_cast<int>(ExitCode::kFailed);
    }
}

ExitCode CommandTree::run(const std::vector<std::string>& args, std::ostream& out,
                          std::ostream& err, Environment env) {
    OptionSources sources;
    sources.env = std::move(env);
    return dispatch(args, std::move(sources), out, err, OutputOptions{});
}

void CommandTree::add_config_commands(const Command& daemon) {
    Command& config = root_.add("config", "write, show and check the configuration");
    // The daemon's options belong to it; these commands read them.
    const auto all = [this, &daemon] {
        OptionTable table;
        table.append(daemon.options());
        table.append(global_table_);
        return table;
    };
    const std::string program = root_.name();
    config.add("init", "print a commented configuration with every default")
        .example(program + " config init > config.toml")
        .handler([all](const CommandContext& context) -> Result<ExitCode> {
            const std::string text = all().toml_template();
            context.output.lines(text);
            context.output.data(codec::Json::object().set("toml", text));
            return ExitCode::kOk;
        });
    Command& show = config.add("show", "print every option's value");
    show.options().add("origin", show_origin_, "say where each value came from").flag_only();
    show.options().append(daemon.options());
    show.detail(
        "What it prints is a configuration file itself. What a file cannot hold stands in "
        "comments.");
    show.example(program + " config show --origin");
    show.shows_options();
    show.handler([this](const CommandContext& context) -> Result<ExitCode> {
        context.output.lines(context.options.show(show_origin_));
        codec::Json rows = codec::Json::array();
        for (const auto& option : context.options.options()) {
            codec::Json row = codec::Json::object();
            row.set("name", option->name).set("value", option->value_text());
            row.set("origin", to_string(option->origin)).set("detail", option->origin_detail);
            rows.push(std::move(row));
        }
        context.output.data(std::move(rows));
        return ExitCode::kOk;
    });
    Command& check = config.add("check", "read the configuration as the daemon would");
    check.options().append(daemon.options());
    check.example(program + " config check --config config.toml");
    check.handler([](const CommandContext& context) -> Result<ExitCode> {
        const std::string& path = context.options.config_path();
        context.output.text(path.empty() ? "no configuration file; the options are good"
                                         : path + " is good");
        context.output.data(codec::Json::object().set("config", path));
        return ExitCode::kOk;
    });
}

void CommandTree::add_completions() {
    Command& completions = root_.add("completions", "print shell completion");
    completions.add("bash", "completion for bash, to be read by ~/.bashrc")
        .example("source <(" + root_.name() + " completions bash)")
        .handler([this](const CommandContext& context) -> Result<ExitCode> {
            const std::string script = bash_completion();
            context.output.lines(script);
            context.output.data(codec::Json::object().set("script", script));
            return ExitCode::kOk;
        });
}

}  // namespace covenant::node
