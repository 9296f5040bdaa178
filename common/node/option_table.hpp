// One typed struct per binary, described once. The description fills it (flag > environment > file
// > default), remembers where each value came from, and generates help, the commented TOML file and
// `config show`.
//
//   struct MinerOptions { std::string datadir; std::uint32_t threads = 2; };
//   OptionTable describe(MinerOptions& o) {
//       OptionTable table;
//       table.add("datadir", o.datadir, "where state is kept").group("Data").value_name("DIR");
//       table.add("threads", o.threads, "compute threads").section("miner").range(1, 256);
//       return table;
//   }
//
// Option "safety-margin" of section "miner" is --safety-margin, COVENANT_SAFETY_MARGIN and, in the
// file, safety_margin under [miner]. The initial value of the bound variable is the default. An
// empty variable of the environment is as one that is not set.
//
// A value whose name is DIR, FILE or PATH ("DIR", "NAME|FILE") names a file: `~` and `~/x` mean the
// home folder wherever the value comes from, and the shell completes file names.
#pragma once

#include "common/base/result.hpp"

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace covenant::node {

enum class Origin : std::uint8_t { kDefault, kFile, kEnvironment, kFlag };
std::string_view to_string(Origin origin);

// A value before it is bound, and the types a bound variable may have.
using OptionTarget =
    std::variant<bool*, std::int64_t*, std::uint64_t*, std::uint32_t*, std::uint16_t*, double*,
                 std::string*, std::filesystem::path*, std::vector<std::string>*>;

struct Option {
    std::string name;        // "log-level"
    std::string doc;         // one line, lower case, no full stop
    std::string group;       // heading in --help
    std::string section;     // TOML table, "" = top level
    std::string value_name;  // "DIR"; "" for a boolean
    char short_name = 0;     // 'v' or 0
    bool required = false;   // must have a value, and not the empty one
    bool secret = false;     // shown as "***" everywhere
    bool in_file = true;     // may stand in the TOML file
    std::vector<std::string> choices;
    std::function<Status(std::string_view value)> check;  // sees the value as text
    OptionTarget target;

    std::string default_text;  // the default as TOML
    Origin origin = Origin::kDefault;
    std::string origin_detail;  // "--threads", "COVENANT_THREADS", "node.toml:12"

    [[nodiscard]] std::string env() const;         // "COVENANT_LOG_LEVEL"
    [[nodiscard]] std::string toml_key() const;    // "log_level"
    [[nodiscard]] std::string value_text() const;  // as TOML; secrets masked
    [[nodiscard]] bool is_path() const;            // see names_path
    [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool*>(target); }
    [[nodiscard]] bool is_list() const {
        return std::holds_alternative<std::vector<std::string>*>(target);
    }
};

// Refines the option just added.
class OptionRef {
  public:
    explicit OptionRef(Option& option) : option_(option) {}
    OptionRef& group(std::string name);
    OptionRef& section(std::string name);
    OptionRef& value_name(std::string name);
    OptionRef& short_name(char letter);
    OptionRef& required();
    OptionRef& secret();
    OptionRef& flag_only();  // not in the file
    OptionRef& choices(std::vector<std::string> values);
    OptionRef& check(std::function<Status(std::string_view)> function);
    OptionRef& range(double lowest, double highest);  // inclusive

  private:
    Option& option_;
};

struct FlagValue {
    std::string name;   // "threads"
    std::string value;  // a boolean without a value is "true"
};

// How a variable of the environment is read; null: from the process. Tests give their own.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

// Where values come from.
struct OptionSources {
    std::vector<FlagValue> flags;  // in order; a list option takes each of its own
    Environment env;
    // Where config.toml is looked for when neither --config nor --datadir is given; null: nowhere.
    std::function<Result<std::filesystem::path>(const std::string& network)> default_datadir;
    std::string config_text;  // used when config_name is not empty
    std::string config_name;  // for messages, "node.toml"
    bool partial = false;     // required options may be missing: the values are only shown
};

// Names bound by convention when a table has them: "config" (path of the TOML file), "datadir"
// (whose config.toml is read when --config is not given and the file exists), "network" (chooses
// the default data directory).
class OptionTable {
  public:
    template <typename T>
    OptionRef add(std::string name, T& target, std::string doc) {
        return add_option(std::move(name), OptionTarget(&target), std::move(doc));
    }
    // Everything `other` describes, after what is here. Names must stay distinct.
    void append(const OptionTable& other);

    // kInvalidArgument, with file:line or flag and the nearest name, for an unknown key or flag, a
    // value that does not parse, a failed check or a missing required option. On an error the
    // struct is half-filled.
    Status fill(const OptionSources& sources);
    // Reads the file that sources, "config" or "datadir" point to, then fills. A file named
    // explicitly must exist.
    Status load(OptionSources sources);

    [[nodiscard]] const std::vector<std::shared_ptr<Option>>& options() const { return options_; }
    [[nodiscard]] const Option* find(std::string_view name) const;

    // Grouped. `full` adds the variable, default and choices of each option.
    [[nodiscard]] std::string help(bool full) const;
    // The commented file with every default: `config init`.
    [[nodiscard]] std::string toml_template() const;
    // One line per option: name, value and (with_origin) where it came from: `config show`. A file
    // that `config check` accepts: options that no file may hold, and secrets, are comments.
    [[nodiscard]] std::string show(bool with_origin) const;
    [[nodiscard]] const std::string& config_path() const { return config_path_; }

  private:
    OptionRef add_option(std::string name, OptionTarget target, std::string doc);
    Status read_config(OptionSources& sources) const;
    Status fill_from_environment(const Environment& env);
    Status fill_from_flags(const std::vector<FlagValue>& flags, const Environment& env);
    [[nodiscard]] Status check_required() const;

    std::vector<std::shared_ptr<Option>>
        options_;  // shared: commands share their tree's global options
    std::string config_path_;
};

// Whether `value_name` says that the value names a file: DIR, FILE or PATH is one of its words,
// which '|' separates.
bool names_path(std::string_view value_name);

// The candidate nearest to `word` by edit distance, when it is near enough to be what was meant.
std::optional<std::string> nearest_name(std::string_view word,
                                        const std::vector<std::string>& candidates);

// "; did you mean 'x'?" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace covenant::node
