// The script behind `completions bash`.
#include "common/node/command.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace covenant::node {
namespace {

// Cases of the script: what may follow a command, and what may follow a valued option.
struct Cases {
    std::string commands;
    std::string values;
};

std::vector<std::string> option_words(const OptionTable& table) {
    std::vector<std::string> words;
    for (const auto& option : table.options())
        words.push_back("--" + option->name + (option->is_bool() ? "" : "="));
    return words;
}

// `pattern`: of the command's path, a space and the option.
void add_values(const OptionTable& table, const std::string& pattern, std::string& out) {
    for (const auto& option : table.options()) {
        if (option->is_bool()) continue;
        const std::string action = !option->choices.empty()
                                       ? fmt::format("offer='{}'", fmt::join(option->choices, " "))
                                       : std::string(option->value_name == "DIR" ? "files=-d"
                                                     : option->is_path()         ? "files=-f"
                                                                                 : "");
        out += fmt::format("        {}' --{}') {} ;;\n", pattern, option->name, action);
    }
}

void collect(const Command& command, const std::string& path, Cases& cases) {
    std::vector<std::string> children;
    for (const auto& child : command.children())
        children.push_back(child->name());
    const bool files = std::any_of(command.positionals().begin(), command.positionals().end(),
                                   [](const auto& each) { return names_path(each.name); });
    cases.commands +=
        fmt::format("        '{}') path=$1 commands='{}' options='{}' files={} ;;\n", path,
                    fmt::join(children, " "), fmt::join(option_words(command.options()), " "),
                    files ? "-f" : "''");
    add_values(command.options(), "'" + path + "'", cases.values);
    for (const auto& child : command.children())
        collect(*child, path + " " + child->name(), cases);
}

// {0}: name of the function; {1}: program; {2}: cases of paths; {3}: cases of values; {4}: common
// options. Bash splits "--name=value" at '=' unless the user has changed COMP_WORDBREAKS.
constexpr const char* kScript = R"(_{0}_command() {{
    case "$1" in
{2}        *) return 1 ;;
    esac
}}
_{0}() {{
    local cur=${{COMP_WORDS[COMP_CWORD]-}} path='' commands='' options='' files='' offer=''
    local common='{4}' option='' prefix='' word i
    COMPREPLY=()
    _{0}_command {1}
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        if [[ $word == '=' ]]; then
            continue
        elif [[ -n $option ]]; then
            option=''
        elif [[ " $options $common " == *" $word= "* ]]; then
            option=$word
        elif [[ $word != -* ]]; then
            _{0}_command "$path $word" || true
        fi
    done
    if [[ $cur == '=' ]]; then
        cur=''
    elif [[ -z $option && $cur == --*=* ]]; then
        option=${{cur%%=*}} prefix=${{cur%%=*}}= cur=${{cur#*=}}
    fi
    if [[ -n $option ]]; then
        files=''
        case "$path $option" in
{3}        esac
    elif [[ $cur == -* || -z $commands$files ]]; then
        offer="$options $common" files=''
    else
        offer=$commands
    fi
    if [[ -n $files ]]; then
        mapfile -t COMPREPLY < <(compgen "$files" -P "$prefix" -- "$cur")
        compopt -o filenames 2>/dev/null || true
        return 0
    fi
    mapfile -t COMPREPLY < <(compgen -W "$offer" -P "$prefix" -- "$cur")
    compopt +o default 2>/dev/null || true
    [[ ${{COMPREPLY[0]-}} != *= ]] || compopt -o nospace 2>/dev/null || true
    return 0
}}
complete -o default -F _{0} {1})";

}  // namespace

std::string CommandTree::bash_completion() const {
    std::string function = root_.name();
    std::replace(function.begin(), function.end(), '-', '_');
    Cases cases;
    collect(root_, root_.name(), cases);
    add_values(global_table_, "*", cases.values);
    std::vector<std::string> common = option_words(global_table_);
    common.insert(common.end(), {"--help", "--version"});
    return fmt::format(kScript, function, root_.name(), cases.commands, cases.values,
                       fmt::join(common, " "));
}

}  // namespace covenant::node
