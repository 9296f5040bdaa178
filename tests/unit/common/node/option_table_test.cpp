#include "common/node/option_table.hpp"

#include "tests/support/temp_folder.hpp"

#include <fstream>
#include <map>

#include <gtest/gtest.h>

namespace covenant::node {
namespace {

struct Sample {
    std::string datadir;
    std::string network = "devnet";
    std::string config;
    std::uint32_t threads = 2;
    std::uint16_t port = 8600;
    std::int64_t offset = -5;
    double margin = 15.5;
    bool fast = false;
    std::string level = "info";
    std::vector<std::string> peers{"a"};
    std::filesystem::path spec;
    std::string token = "hunter2";
};

OptionTable describe(Sample& s) {
    OptionTable table;
    table.add("datadir", s.datadir, "where state is kept").group("Data").value_name("DIR");
    table.add("network", s.network, "network's name");
    table.add("config", s.config, "TOML file").flag_only();
    table.add("threads", s.threads, "compute threads").section("miner").range(1, 256);
    table.add("port", s.port, "port of the API").section("api");
    table.add("offset", s.offset, "an offset");
    table.add("safety-margin", s.margin, "seconds kept before a deadline").section("miner");
    table.add("fast", s.fast, "skip the slow part").short_name('f');
    table.add("level", s.level, "how much to say").choices({"debug", "info", "warn"});
    table.add("peers", s.peers, "who to ask").section("miner");
    table.add("spec", s.spec,
              "run description, in a doc that is so long that it must be broken into two lines");
    table.add("token", s.token, "access token").secret();
    return table;
}

OptionSources no_env() {
    OptionSources sources;
    sources.env = [](const std::string&) { return std::nullopt; };
    return sources;
}

OptionSources with_file(std::string text) {
    OptionSources sources = no_env();
    sources.config_name = "node.toml";
    sources.config_text = std::move(text);
    return sources;
}

std::string error_of(const OptionSources& sources) {
    Sample s;
    const auto filled = describe(s).fill(sources);
    if (filled) return "";
    EXPECT_EQ(filled.error().code, Errc::kInvalidArgument);
    return filled.error().context;
}

TEST(OptionTable, DefaultsStandWithoutSources) {
    Sample s;
    OptionTable table = describe(s);
    ASSERT_TRUE(table.fill(no_env()));
    EXPECT_EQ(s.threads, 2U);
    EXPECT_EQ(s.margin, 15.5);
    EXPECT_EQ(table.find("threads")->origin, Origin::kDefault);
}

TEST(OptionTable, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
    const auto threads_with = [](int sources_used, Origin expected) {
        Sample s;
        OptionTable table = describe(s);
        OptionSources sources = no_env();
        if (sources_used >= 1) {
            sources.config_name = "node.toml";
            sources.config_text = "[miner]\nthreads = 22\n";
        }
        if (sources_used >= 2) {
            sources.env = [](const std::string& name) -> std::optional<std::string> {
                if (name == "COVENANT_THREADS") return "33";
                return std::nullopt;
            };
        }
        if (sources_used >= 3) sources.flags = {{"threads", "44"}};
        EXPECT_TRUE(table.fill(sources));
        EXPECT_EQ(table.find("threads")->origin, expected);
        return s.threads;
    };
    EXPECT_EQ(threads_with(0, Origin::kDefault), 2U);
    EXPECT_EQ(threads_with(1, Origin::kFile), 22U);
    EXPECT_EQ(threads_with(2, Origin::kEnvironment), 33U);
    EXPECT_EQ(threads_with(3, Origin::kFlag), 44U);
}

TEST(OptionTable, EveryTypeIsReadFromTheFile) {
    Sample s;
    OptionTable table = describe(s);
    ASSERT_TRUE(table.fill(
        with_file("datadir = \"/d\"\noffset = -9\nfast = true\nlevel = \"warn\"\nspec = \"x/y\"\n"
                  "[miner]\nthreads = 7\nsafety_margin = 3\npeers = [\"b\", \"c\"]\n[api]\nport = "
                  "65535\n")));
    EXPECT_EQ(s.datadir, "/d");
    EXPECT_EQ(s.offset, -9);
    EXPECT_TRUE(s.fast);
    EXPECT_EQ(s.level, "warn");
    EXPECT_EQ(s.spec, "x/y");
    EXPECT_EQ(s.threads, 7U);
    EXPECT_EQ(s.margin, 3.0);
    EXPECT_EQ(s.peers, (std::vector<std::string>{"b", "c"}));
    EXPECT_EQ(s.port, 65535);
    EXPECT_EQ(table.find("threads")->origin_detail, "node.toml:7");
}

TEST(OptionTable, EveryTypeIsReadFromFlagsAndEnvironment) {
    Sample s;
    OptionTable table = describe(s);
    OptionSources sources = no_env();
    sources.flags = {
        {"fast", "true"}, {"safety-margin", "1e1"}, {"peers", "x"}, {"peers", "y"}, {"port", "0"}};
    sources.env = [](const std::string& name) -> std::optional<std::string> {
        if (name == "COVENANT_PEERS") return "p,q";
        if (name == "COVENANT_OFFSET") return "-77";
        return std::nullopt;
    };
    ASSERT_TRUE(table.fill(sources));
    EXPECT_TRUE(s.fast);
    EXPECT_EQ(s.margin, 10.0);
    EXPECT_EQ(s.peers, (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(s.offset, -77);
    EXPECT_EQ(table.find("offset")->origin_detail, "COVENANT_OFFSET");
    Sample t;
    OptionTable other = describe(t);
    sources.flags.clear();
    ASSERT_TRUE(other.fill(sources));
    EXPECT_EQ(t.peers, (std::vector<std::string>{"p", "q"}));
}

TEST(OptionTable, AnUnknownKeyNamesItsLineAndTheNearest) {
    EXPECT_EQ(error_of(with_file("[miner]\nthreads = 1\nthread = 3\n")),
              "node.toml:3: unknown key 'thread' in [miner]; did you mean 'threads'?");
    EXPECT_EQ(error_of(with_file("\nlevle = \"info\"\n")),
              "node.toml:2: unknown key 'levle'; did you mean 'level'?");
    EXPECT_EQ(error_of(with_file("[minr]\nthreads = 1\n")),
              "node.toml:1: unknown table 'minr'; did you mean 'miner'?");
    EXPECT_EQ(error_of(with_file("zzzzzzzz = 1\n")), "node.toml:1: unknown key 'zzzzzzzz'");
    // Flags only: not for the file. A key of a section does not stand outside it.
    EXPECT_NE(error_of(with_file("config = \"x\"")).find("unknown key 'config'"),
              std::string::npos);
    EXPECT_NE(error_of(with_file("threads = 2")).find("unknown key 'threads'"), std::string::npos);
}

TEST(OptionTable, AnUnknownFlagNamesTheNearest) {
    OptionSources sources = no_env();
    sources.flags = {{"thread", "1"}};
    EXPECT_EQ(error_of(sources), "unknown option '--thread'; did you mean 'threads'?");
}

TEST(OptionTable, BadValuesNameTheirPlace) {
    EXPECT_EQ(error_of(with_file("[miner]\nthreads = 0\n")),
              "node.toml:2: threads: '0' is outside 1 to 256");
    EXPECT_EQ(error_of(with_file("[miner]\nthreads = \"4\"\n")),
              "node.toml:2: threads: expected an integer of 0 to 4294967295");
    EXPECT_EQ(error_of(with_file("[api]\nport = 65536\n")),
              "node.toml:2: port: '65536' is not an integer of 0 to 65535");
    EXPECT_EQ(error_of(with_file("fast = 1\n")), "node.toml:1: fast: expected true or false");
    EXPECT_EQ(error_of(with_file("[miner]\npeers = [1]\n")),
              "node.toml:2: peers: expected a list of texts");
    EXPECT_EQ(error_of(with_file("level = \"inof\"\n")),
              "node.toml:1: level: 'inof' is none of debug, info, warn; did you mean 'info'?");
    for (const char* bad : {"x", "", "1x", "-1", "99999999999", "0x10"}) {
        OptionSources sources = no_env();
        sources.flags = {{"threads", bad}};
        EXPECT_NE(error_of(sources).find("--threads: '"), std::string::npos) << bad;
    }
    for (const char* bad : {"nan", "inf", "", "1,5"}) {
        OptionSources sources = no_env();
        sources.flags = {{"safety-margin", bad}};
        EXPECT_NE(error_of(sources), "") << bad;
    }
    OptionSources sources = no_env();
    sources.env = [](const std::string& name) -> std::optional<std::string> {
        if (name == "COVENANT_FAST") return "maybe";
        return std::nullopt;
    };
    EXPECT_EQ(error_of(sources), "COVENANT_FAST: 'maybe' is not true or false");
}

TEST(OptionTable, BrokenTomlNamesLineAndColumn) {
    const std::string text = error_of(with_file("a = 1\nb = = 2\n"));
    EXPECT_EQ(text.find("node.toml:2:"), 0U) << text;
    EXPECT_NE(error_of(with_file(std::string(2 << 20, '#'))).find("bytes"), std::string::npos);
}

TEST(OptionTable, AMissingRequiredOptionSaysHowToGiveIt) {
    std::string hotkey;
    OptionTable table;
    table.add("hotkey", hotkey, "name of the signing key").section("miner").required();
    const auto filled = table.fill(no_env());
    ASSERT_FALSE(filled);
    EXPECT_EQ(filled.error().context,
              "--hotkey is required (name of the signing key): pass it, or set COVENANT_HOTKEY or "
              "[miner] hotkey in "
              "the configuration file");
    OptionSources sources = no_env();
    sources.flags = {{"hotkey", "default"}};
    EXPECT_TRUE(table.fill(sources));
}

TEST(OptionTable, TheTemplateReadBackChangesNothing) {
    Sample s;
    std::string text = describe(s).toml_template();
    Sample commented;
    ASSERT_TRUE(describe(commented).fill(with_file(text)));
    // With every '#key = value' line active, every value is its default.
    std::string active;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        std::string line = text.substr(at, end - at);
        if (line.size() > 1 && line[0] == '#' && line[1] != ' ') line.erase(0, 1);
        active += line + "\n";
        at = end + 1;
    }
    Sample t;
    t.threads = 2;
    OptionTable table = describe(t);
    const auto filled = table.fill(with_file(active));
    ASSERT_TRUE(filled) << filled.error().context;
    EXPECT_EQ(table.find("threads")->origin, Origin::kFile);
    EXPECT_EQ(t.threads, 2U);
    EXPECT_EQ(t.peers, s.peers);
    EXPECT_EQ(t.margin, s.margin);
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
    EXPECT_EQ(text.find("config ="), std::string::npos);
}

TEST(OptionTable, TextThatNeedsEscapingSurvivesTheFile) {
    Sample s;
    s.datadir = "a\"b\\c\td";
    OptionTable table = describe(s);
    Sample t;
    ASSERT_TRUE(describe(t).fill(with_file("datadir = " + table.find("datadir")->value_text())));
    EXPECT_EQ(t.datadir, s.datadir);
}

TEST(OptionTable, ShowMasksSecretsAndNamesOrigins) {
    Sample s;
    OptionTable table = describe(s);
    OptionSources sources = with_file("[miner]\nthreads = 9\n");
    sources.flags = {{"token", "topsecret"}};
    ASSERT_TRUE(table.fill(sources));
    const std::string text = table.show(true);
    EXPECT_EQ(text.find("topsecret"), std::string::npos);
    EXPECT_NE(text.find("# node.toml:2"), std::string::npos) << text;
    EXPECT_NE(text.find("# --token"), std::string::npos);
    EXPECT_NE(text.find("miner.threads"), std::string::npos);
    EXPECT_EQ(table.show(false).find("node.toml"), std::string::npos);
}

TEST(OptionTable, WhatShowPrintsIsAFile) {
    Sample s;
    OptionTable table = describe(s);
    OptionSources sources = with_file("[miner]\nthreads = 9\npeers = [\"b\", \"c\"]\n");
    sources.flags = {{"token", "topsecret"}, {"config", "x.toml"}, {"safety-margin", "2.5"}};
    ASSERT_TRUE(table.fill(sources));
    for (const bool with_origin : {false, true}) {
        Sample t;
        OptionTable again = describe(t);
        const auto filled = again.fill(with_file(table.show(with_origin)));
        ASSERT_TRUE(filled) << filled.error().context;
        EXPECT_EQ(t.threads, 9U);
        EXPECT_EQ(t.peers, s.peers);
        EXPECT_EQ(t.margin, 2.5);
        EXPECT_EQ(t.config, "") << "the command line's alone";
        EXPECT_EQ(t.token, "hunter2") << "a masked secret is not a value";
    }
}

TEST(OptionTable, AnEmptyVariableIsNotSet) {
    Sample s;
    OptionTable table = describe(s);
    OptionSources sources = with_file("[miner]\nthreads = 9\n");
    sources.env = [](const std::string&) { return std::string(); };
    const auto filled = table.fill(sources);
    ASSERT_TRUE(filled) << filled.error().context;
    EXPECT_EQ(s.threads, 9U);
    EXPECT_EQ(s.peers, (std::vector<std::string>{"a"}));
    EXPECT_FALSE(s.fast);
    EXPECT_EQ(table.find("level")->origin, Origin::kDefault);
}

struct HomeOfAda {
    std::optional<std::string> operator()(const std::string& name) const {
        if (name == "HOME") return "/users/ada";
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    }
    std::map<std::string, std::string> variables{};
};

TEST(OptionTable, ATildeIsTheHomeFolderWhereverAPathComesFrom) {
    Sample s;
    OptionTable table = describe(s);
    OptionSources sources = with_file("spec = \"~/run.spec\"\nlevel = \"info\"\n");
    sources.env = HomeOfAda{{{"COVENANT_DATADIR", "~"}}};
    sources.flags = {{"network", "~/x"}, {"peers", "~"}};
    ASSERT_TRUE(table.fill(sources));
    EXPECT_EQ(s.spec, "/users/ada/run.spec");
    EXPECT_EQ(s.datadir, "/users/ada");
    EXPECT_EQ(s.network, "~/x") << "described as a text, not as a file";
    EXPECT_EQ(s.peers, (std::vector<std::string>{"~"}));
    sources.flags = {{"datadir", "~/node"}};
    ASSERT_TRUE(table.fill(sources));
    EXPECT_EQ(s.datadir, "/users/ada/node");
}

TEST(OptionTable, ATildeThatIsNoHomeFolderIsRefused) {
    OptionSources sources = no_env();
    sources.flags = {{"datadir", "~/x"}};
    EXPECT_NE(error_of(sources).find("--datadir: '~/x' needs HOME"), std::string::npos);
    sources.env = HomeOfAda{};
    sources.flags = {{"datadir", "~bob/x"}};
    EXPECT_NE(error_of(sources).find("'~bob/x': only ~/ is expanded"), std::string::npos);
    Sample s;
    OptionTable table = describe(s);
    sources.flags = {{"datadir", "./~bob/x"}};
    ASSERT_TRUE(table.fill(sources));
    EXPECT_EQ(s.datadir, "./~bob/x");
}

TEST(OptionTable, TheTildeOfConfigAndDatadirIsExpandedBeforeTheFileIsRead) {
    const testing::TempFolder folder;
    std::ofstream(folder / "config.toml") << "[miner]\nthreads = 5\n";
    std::ofstream(folder / "other.toml") << "[miner]\nthreads = 6\n";
    OptionSources sources;
    sources.env = [&](const std::string& name) -> std::optional<std::string> {
        if (name == "HOME") return folder.path().string();
        return std::nullopt;
    };
    sources.flags = {{"datadir", "~"}};
    Sample s;
    OptionTable table = describe(s);
    ASSERT_TRUE(table.load(sources));
    EXPECT_EQ(s.threads, 5U);
    Sample t;
    OptionTable named;
    named.add("config", t.config, "TOML file").value_name("FILE").flag_only();
    named.add("threads", t.threads, "compute threads").section("miner");
    sources.flags = {{"config", "~/other.toml"}};
    ASSERT_TRUE(named.load(sources));
    EXPECT_EQ(t.threads, 6U);
}

TEST(OptionTable, ARequiredOptionIsNotEmpty) {
    std::string store;
    OptionTable table;
    table.add("store", store, "folder of artifacts").value_name("DIR").required();
    OptionSources sources = no_env();
    sources.flags = {{"store", ""}};
    const auto filled = table.fill(sources);
    ASSERT_FALSE(filled);
    EXPECT_NE(filled.error().context.find("--store is required"), std::string::npos);
    sources.partial = true;
    EXPECT_TRUE(table.fill(sources)) << "values that are only shown may be missing";
}

TEST(OptionTable, ARequiredTextMayBeEmptyWhenItIsGiven) {
    std::string prompt;
    OptionTable table;
    table.add("prompt", prompt, "the text to continue").value_name("TEXT").required();
    OptionSources sources = no_env();
    EXPECT_FALSE(table.fill(sources));
    sources.flags = {{"prompt", ""}};
    EXPECT_TRUE(table.fill(sources));
}

TEST(OptionTable, ABadValueIsUsageWhateverItsCheckSays) {
    std::string isa;
    OptionTable table;
    table.add("isa", isa, "instruction set").check([](std::string_view) -> Status {
        return fail(Errc::kNotFound, "no such set");
    });
    OptionSources sources = no_env();
    sources.flags = {{"isa", "z80"}};
    EXPECT_EQ(table.fill(sources).error().code, Errc::kInvalidArgument);
}

TEST(OptionTable, TheNameOfAValueSaysThatItIsAFile) {
    for (const char* path : {"DIR", "FILE", "PATH", "NAME|FILE", "FILE|HASH"})
        EXPECT_TRUE(names_path(path)) << path;
    for (const char* text : {"", "NAME", "FILENAME", "DIRS", "ADDR:PORT"})
        EXPECT_FALSE(names_path(text)) << text;
}

TEST(OptionTable, ABadSecretIsNotRepeated) {
    std::uint32_t pin = 0;
    OptionTable table;
    table.add("pin", pin, "a number to keep").secret();
    OptionSources sources = no_env();
    sources.flags = {{"pin", "s3cret"}};
    const auto filled = table.fill(sources);
    ASSERT_FALSE(filled);
    EXPECT_EQ(filled.error().context.find("s3cret"), std::string::npos);
}

TEST(OptionTable, HelpIsGroupedAndShowsTheVariable) {
    Sample s;
    const OptionTable table = describe(s);
    const std::string full = table.help(true);
    for (const auto& option : table.options()) {
        EXPECT_NE(full.find("--" + option->name), std::string::npos);
        EXPECT_NE(full.find(option->env()), std::string::npos);
    }
    EXPECT_NE(full.find("\nData:\n"), std::string::npos);
    EXPECT_NE(full.find("-f, --fast"), std::string::npos);
    EXPECT_NE(full.find("one of: debug, info, warn"), std::string::npos);
    EXPECT_EQ(table.help(false).find("COVENANT_"), std::string::npos);
    EXPECT_EQ(full.find("hunter2"), std::string::npos);
    for (std::size_t at = 0; at < full.size();) {
        const auto end = full.find('\n', at);
        EXPECT_LE(end - at, 80U) << full.substr(at, end - at);
        at = end + 1;
    }
}

TEST(OptionTable, LoadReadsTheNamedFileOrTheOneInTheDataDirectory) {
    const testing::TempFolder folder;
    std::ofstream(folder / "config.toml") << "[miner]\nthreads = 5\n";
    std::ofstream(folder / "other.toml") << "[miner]\nthreads = 6\n";
    Sample s;
    OptionTable table = describe(s);
    OptionSources sources = no_env();
    sources.flags = {{"datadir", folder.path().string()}};
    ASSERT_TRUE(table.load(sources));
    EXPECT_EQ(s.threads, 5U);
    EXPECT_EQ(table.config_path(), (folder / "config.toml").string());
    sources.flags.push_back({"config", (folder / "other.toml").string()});
    ASSERT_TRUE(table.load(sources));
    EXPECT_EQ(s.threads, 6U);
    sources.flags.back().value = (folder / "missing.toml").string();
    const auto missing = table.load(sources);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Errc::kInvalidArgument);
    EXPECT_NE(missing.error().context.find("missing.toml"), std::string::npos);
    OptionSources fallback = no_env();
    fallback.default_datadir = [&](const std::string& network) -> Result<std::filesystem::path> {
        EXPECT_EQ(network, "devnet");
        return folder.path();
    };
    Sample t;
    ASSERT_TRUE(describe(t).load(fallback));
    EXPECT_EQ(t.threads, 5U);
}

TEST(NearestName, SuggestsOnlyWhatWasLikelyMeant) {
    const std::vector<std::string> names{"wallet", "register", "status", "rounds"};
    EXPECT_EQ(nearest_name("walet", names), "wallet");
    EXPECT_EQ(nearest_name("wlalet", names), "wallet");
    EXPECT_EQ(nearest_name("reg", names), "register");
    EXPECT_EQ(nearest_name("stats", names), "status");
    EXPECT_EQ(nearest_name("xyz", names), std::nullopt);
    EXPECT_EQ(nearest_name("", names), std::nullopt);
    EXPECT_EQ(nearest_name(std::string(100000, 'w'), names), std::nullopt);
    EXPECT_EQ(did_you_mean("xyz", names), "");
}

}  // namespace
}  // namespace covenant::node
