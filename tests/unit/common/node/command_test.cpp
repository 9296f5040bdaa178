#include "common/node/command.hpp"

#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>

namespace covenant::node {
namespace {

struct CommandFixture : testing::Test {
    CommandFixture() : tree("covenant", "talk to a network", "covenant 0.0") {
        Command& wallet = tree.root().add("wallet", "keys");
        Command& list = wallet.add("list", "list the keys");
        list.options().add("limit", limit, "at most this many").range(1, 9);
        list.options().add("deep", deep, "look everywhere").short_name('d');
        list.options().add("tag", tags, "only with this tag");
        list.detail("One sentence that says something. This is the second of two sentences.");
        list.example("covenant wallet list --limit 3");
        list.handler([this](const CommandContext& context) -> Result<ExitCode> {
            ++ran;
            context.output.text("two keys");
            context.output.data(codec::Json::object().set("keys", 2));
            context.output.warn("one is old");
            return ExitCode::kOk;
        });
        Command& show = wallet.add("show", "show one key");
        show.positional("NAME", name, "the key's name");
        show.rest("MORE", more, "more names");
        show.handler([this](const CommandContext&) -> Result<ExitCode> {
            ++ran;
            return fail(Errc::kMismatch, "expected 1, found 2");
        });
        tree.root()
            .add("status", "how it goes")
            .handler([](const CommandContext&) -> Result<ExitCode> {
                return fail(Errc::kUnavailable, "127.0.0.1:1 refused");
            });
        Command& daemon = tree.root().add("run", "work");
        daemon.options().add("threads", threads, "compute threads").section("miner");
        tree.root()
            .add("throw", "fail oddly")
            .handler(
                [](const CommandContext&) -> Result<ExitCode> { throw std::runtime_error("odd"); });
        daemon.handler(
            [](const CommandContext&) -> Result<ExitCode> { return ExitCode::kPrecondition; });
        tree.add_config_commands(daemon);
        tree.add_completions();
    }

    ExitCode run(const std::vector<std::string>& args) {
        out.str("");
        err.str("");
        return tree.run(args, out, err,
                        [this](const std::string& variable) -> std::optional<std::string> {
                            const auto found = environment.find(variable);
                            if (found == environment.end()) return std::nullopt;
                            return found->second;
                        });
    }
    codec::Json envelope() {
        auto json = codec::Json::parse(out.str());
        EXPECT_TRUE(json) << out.str();
        return json ? *json : codec::Json::object();
    }

    CommandTree tree;
    std::uint32_t limit = 3;
    std::uint32_t threads = 2;
    bool deep = false;
    std::vector<std::string> tags;
    std::string name;
    std::vector<std::string> more;
    int ran = 0;
    std::map<std::string, std::string> environment;
    std::ostringstream out;
    std::ostringstream err;
};

TEST_F(CommandFixture, RunsTheCommandWithItsOptions) {
    EXPECT_EQ(run({"wallet", "list", "--limit", "5", "-d", "--tag=a", "--tag", "b"}),
              ExitCode::kOk);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(limit, 5U);
    EXPECT_TRUE(deep);
    EXPECT_EQ(tags, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(out.str(), "two keys\n");
    EXPECT_EQ(err.str(), "warning: one is old\n");
}

TEST_F(CommandFixture, GlobalOptionsStandBeforeOrBehindTheCommand) {
    EXPECT_EQ(run({"--json", "wallet", "list"}), ExitCode::kOk);
    EXPECT_EQ(envelope().at("data")->u64("keys").value(), 2U);
    EXPECT_EQ(run({"wallet", "list", "--json"}), ExitCode::kOk);
    const codec::Json json = envelope();
    EXPECT_EQ(json.u64("schema").value(), 1U);
    EXPECT_TRUE(json.boolean("ok").value());
    EXPECT_EQ(json.items("warnings")->size(), 1U);
    EXPECT_EQ(err.str(), "");
}

TEST_F(CommandFixture, PositionalArgumentsArriveInOrder) {
    EXPECT_EQ(run({"wallet", "show", "alice", "bob", "carol"}), ExitCode::kVerificationFailed);
    EXPECT_EQ(name, "alice");
    EXPECT_EQ(more, (std::vector<std::string>{"bob", "carol"}));
    EXPECT_NE(err.str().find("expected 1, found 2"), std::string::npos);
}

TEST_F(CommandFixture, AnOptionTakesOneValueAndNoMore) {
    EXPECT_EQ(run({"wallet", "list", "--limit", "5", "6"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("covenant wallet list takes no argument '6'"), std::string::npos)
        << err.str();
    EXPECT_EQ(run({"wallet", "list", "--tag", "a", "b"}), ExitCode::kUsage) << "lists, too";
    EXPECT_EQ(run({"wallet", "show", "--color", "never", "alice"}), ExitCode::kVerificationFailed);
    EXPECT_EQ(name, "alice");
    EXPECT_EQ(run({"wallet", "show", "--datadir", "/x", "dave", "--color=never", "eve"}),
              ExitCode::kVerificationFailed);
    EXPECT_EQ(name, "dave");
    EXPECT_EQ(more, (std::vector<std::string>{"eve"}));
    EXPECT_EQ(tree.globals().datadir, "/x");
}

TEST_F(CommandFixture, AnEmptyValueBehindTheEqualsSignIsTheValue) {
    EXPECT_EQ(run({"wallet", "list", "--tag=", "--deep"}), ExitCode::kOk);
    EXPECT_EQ(tags, (std::vector<std::string>{""}));
    EXPECT_TRUE(deep) << "the next word keeps its meaning";
    EXPECT_EQ(run({"wallet", "list", "--log-file=", "--json"}), ExitCode::kOk);
    EXPECT_EQ(envelope().at("data")->u64("keys").value(), 2U);
    EXPECT_EQ(run({"wallet", "list", "--limit="}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("--limit: ''"), std::string::npos) << err.str();
}

TEST_F(CommandFixture, AnOptionIsNotTheValueOfAnother) {
    EXPECT_EQ(run({"wallet", "list", "--tag", "--deep"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("'--deep' looks like an option; write --tag=--deep"),
              std::string::npos)
        << err.str();
    EXPECT_EQ(run({"wallet", "list", "--tag", "--"}), ExitCode::kUsage);
    EXPECT_EQ(run({"wallet", "list", "--tag=--deep"}), ExitCode::kOk);
    EXPECT_EQ(tags, (std::vector<std::string>{"--deep"}));
    // Standard input, and numbers below zero.
    EXPECT_EQ(run({"wallet", "list", "--tag", "-", "--tag", "-5"}), ExitCode::kOk);
    EXPECT_EQ(tags, (std::vector<std::string>{"-", "-5"}));
}

TEST_F(CommandFixture, APositionalMayBearTheNameOfACommand) {
    for (const char* word : {"list", "show", "wallet", "run", "status", "config", "bash"}) {
        more.clear();
        EXPECT_EQ(run({"wallet", "show", word, "status", "--color", "never"}),
                  ExitCode::kVerificationFailed)
            << word;
        EXPECT_EQ(name, word);
        EXPECT_EQ(more, (std::vector<std::string>{"status"}));
    }
    EXPECT_EQ(run({"wallet", "list", "list"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("takes no argument 'list'"), std::string::npos) << err.str();
    EXPECT_EQ(run({"wallet", "status"}), ExitCode::kUsage);
}

TEST_F(CommandFixture, EveryWordBehindTwoDashesIsAPositional) {
    EXPECT_EQ(run({"wallet", "show", "--", "--json", "-d", "--", "list"}),
              ExitCode::kVerificationFailed);
    EXPECT_EQ(name, "--json");
    EXPECT_EQ(more, (std::vector<std::string>{"-d", "--", "list"}));
    EXPECT_NE(err.str(), "") << "that was no --json";
    EXPECT_EQ(run({"--", "status"}), ExitCode::kUsage);
    EXPECT_EQ(run({"wallet", "--", "list"}), ExitCode::kUsage);
    EXPECT_EQ(ran, 1);
}

TEST_F(CommandFixture, ShortOptionsStandTogether) {
    EXPECT_EQ(run({"wallet", "list", "-dqv"}), ExitCode::kOk);
    EXPECT_TRUE(deep);
    EXPECT_TRUE(tree.globals().quiet);
    EXPECT_TRUE(tree.globals().verbose);
    EXPECT_EQ(run({"wallet", "list", "-dx"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("unknown option '-x'"), std::string::npos) << err.str();
    EXPECT_EQ(run({"wallet", "list", "--deep=no"}), ExitCode::kOk);
    EXPECT_FALSE(deep);
}

TEST_F(CommandFixture, UsageErrorsAreJsonWhenTheEnvironmentAsksForIt) {
    environment["COVENANT_JSON"] = "1";
    EXPECT_EQ(run({"nonsense"}), ExitCode::kUsage);
    EXPECT_EQ(envelope().items("errors")->size(), 1U);
    environment["COVENANT_JSON"] = "";
    EXPECT_EQ(run({"wallet", "list"}), ExitCode::kOk) << "empty is not set: " << err.str();
    EXPECT_EQ(out.str(), "two keys\n");
}

TEST_F(CommandFixture, ACheckedValueIsRefusedByEveryCommand) {
    EXPECT_EQ(run({"wallet", "list", "--log-level", "zzz"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("--log-level"), std::string::npos) << err.str();
    EXPECT_EQ(ran, 0);
}

TEST_F(CommandFixture, AnEmptyNameIsNoDefault) {
    for (const char* option : {"--network", "--datadir", "--config"}) {
        for (const std::vector<std::string>& words :
             {std::vector<std::string>{option + std::string("=")}, {option, ""}}) {
            std::vector<std::string> line{"wallet", "list"};
            line.insert(line.end(), words.begin(), words.end());
            EXPECT_EQ(run(line), ExitCode::kUsage) << option;
            EXPECT_NE(err.str().find(option + std::string(": '' names nothing")), std::string::npos)
                << err.str();
        }
    }
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{""}, {"alice", ""}, {"--", ""}}) {
        std::vector<std::string> line{"wallet", "show"};
        line.insert(line.end(), words.begin(), words.end());
        EXPECT_EQ(run(line), ExitCode::kUsage);
        EXPECT_NE(err.str().find("'' names nothing"), std::string::npos) << err.str();
    }
    EXPECT_EQ(ran, 0);
    environment = {{"COVENANT_NETWORK", ""}, {"COVENANT_DATADIR", ""}, {"COVENANT_CONFIG", ""}};
    EXPECT_EQ(run({"wallet", "list"}), ExitCode::kOk) << "empty is not set: " << err.str();
}

TEST_F(CommandFixture, OnlyANetworkThatWasGivenNamesAFile) {
    tree.globals().network = "x.json";  // a default
    EXPECT_EQ(run({"wallet", "list"}), ExitCode::kOk);
    EXPECT_FALSE(names_network_file(tree.globals()));
    EXPECT_EQ(run({"wallet", "list", "--network", "main"}), ExitCode::kOk);
    EXPECT_TRUE(tree.globals().network_given);
    EXPECT_FALSE(names_network_file(tree.globals())) << "no such file";
    for (const char* file : {"x.json", "./x", "/dev/null/x"}) {
        EXPECT_EQ(run({"wallet", "list", "--network", file}), ExitCode::kOk);
        EXPECT_TRUE(names_network_file(tree.globals())) << file;
    }
}

TEST_F(CommandFixture, AMissingArgumentIsUsage) {
    EXPECT_EQ(run({"wallet", "show"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("NAME"), std::string::npos) << err.str();
    EXPECT_EQ(ran, 0);
}

TEST_F(CommandFixture, UnknownWordsPrintTheNearest) {
    EXPECT_EQ(run({"walet", "list"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("no command 'walet'; did you mean 'wallet'?"), std::string::npos)
        << err.str();
    EXPECT_EQ(run({"wallet", "lst"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("did you mean 'list'?"), std::string::npos) << err.str();
    EXPECT_EQ(run({"wallet", "list", "--limt", "3"}), ExitCode::kUsage);
    EXPECT_NE(
        err.str().find("unknown option '--limt' of covenant wallet list; did you mean '--limit'?"),
        std::string::npos)
        << err.str();
    EXPECT_EQ(run({"wallet", "list", "extra"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("'extra'"), std::string::npos) << err.str();
    EXPECT_EQ(run({"--jsn"}), ExitCode::kUsage);
    EXPECT_EQ(run({"-x"}), ExitCode::kUsage);
    EXPECT_EQ(ran, 0);
}

TEST_F(CommandFixture, AMistakeNamesTheHelpOfTheCommand) {
    for (const auto& [args, path] : std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"walet"}, "covenant"},
             {{"--jsn"}, "covenant"},
             {{"wallet", "lst"}, "covenant wallet"},
             {{"wallet", "show"}, "covenant wallet show"},
             {{"wallet", "list", "--limt", "3"}, "covenant wallet list"},
             {{"wallet", "list", "extra"}, "covenant wallet list"}}) {
        EXPECT_EQ(run(args), ExitCode::kUsage);
        EXPECT_EQ(err.str().find("error: " + path + "\n"), 0U) << err.str();
        EXPECT_NE(err.str().find("next: " + path + " --help lists"), std::string::npos)
            << err.str();
    }
}

TEST_F(CommandFixture, BadValuesAreUsageWithThreeLines) {
    EXPECT_EQ(run({"wallet", "list", "--limit", "99"}), ExitCode::kUsage);
    EXPECT_EQ(err.str(),
              "error: covenant wallet list\n  why:  --limit: '99' is outside 1 to 9\n  next: "
              "covenant wallet list "
              "--help lists the options\n");
    EXPECT_EQ(run({"wallet", "list", "--limit"}), ExitCode::kUsage);
    EXPECT_EQ(ran, 0);
}

TEST_F(CommandFixture, ErrorsAreJsonUnderJsonAndStillFail) {
    EXPECT_EQ(run({"status", "--json"}), ExitCode::kUnavailable);
    codec::Json json = envelope();
    EXPECT_FALSE(json.boolean("ok").value());
    EXPECT_TRUE(json.at("data")->is_null());
    const codec::Json error = json.items("errors")->at(0);
    EXPECT_EQ(error.string("code").value(), "unavailable");
    EXPECT_NE(error.string("message")->find("refused"), std::string::npos);
    EXPECT_NE(error.string("hint").value(), "");
    EXPECT_EQ(run({"walet", "--json"}), ExitCode::kUsage);
    EXPECT_EQ(envelope().items("errors")->at(0).string("code").value(), "invalid_argument");
    EXPECT_EQ(err.str(), "");
}

TEST_F(CommandFixture, TheVariableForJsonHoldsForUsageErrorsToo) {
    for (const char* on : {"1", "true", "yes"}) {
        environment["COVENANT_JSON"] = on;
        EXPECT_EQ(run({"nonsense"}), ExitCode::kUsage);
        EXPECT_EQ(envelope().items("errors")->at(0).string("code").value(), "invalid_argument");
        EXPECT_EQ(err.str(), "");
    }
    EXPECT_EQ(run({"nonsense", "--json=false"}), ExitCode::kUsage);
    EXPECT_EQ(out.str(), "");
    EXPECT_NE(err.str(), "");
    environment["COVENANT_JSON"] = "0";
    EXPECT_EQ(run({"nonsense"}), ExitCode::kUsage);
    EXPECT_EQ(out.str(), "");
}

TEST_F(CommandFixture, HelpAndVersionAreEnvelopesUnderJson) {
    EXPECT_EQ(run({"--version", "--json"}), ExitCode::kOk);
    EXPECT_EQ(envelope().at("data")->string("version").value(), "covenant 0.0");
    EXPECT_EQ(run({"wallet", "list", "--help", "--json"}), ExitCode::kOk);
    EXPECT_NE(envelope().at("data")->string("help")->find("Usage: covenant wallet list"),
              std::string::npos);
}

TEST_F(CommandFixture, NothingSucceedsWithoutAPlaceForItsOutput) {
    for (const std::vector<std::string>& args : {std::vector<std::string>{"wallet", "list"},
                                                 {"wallet", "list", "--json"},
                                                 {"--help"},
                                                 {"-V"},
                                                 {"config", "init"},
                                                 {"config", "show"},
                                                 {"completions", "bash"}}) {
        std::ofstream full("/dev/full");
        std::ostringstream why;
        EXPECT_EQ(tree.run(args, full, why, [](const std::string&) { return std::nullopt; }),
                  ExitCode::kFailed)
            << args.front();
        EXPECT_NE(why.str().find("No space left"), std::string::npos) << args.front();
    }
}

TEST_F(CommandFixture, AnExceptionIsReportedLikeAnError) {
    EXPECT_EQ(run({"throw"}), ExitCode::kFailed);
    EXPECT_NE(err.str().find("why:  odd"), std::string::npos) << err.str();
    EXPECT_EQ(run({"throw", "--json"}), ExitCode::kFailed);
    EXPECT_NE(envelope().items("errors")->at(0).string("message")->find("odd"), std::string::npos);
}

TEST_F(CommandFixture, AHandlersCodeIsTheExitCode) {
    EXPECT_EQ(run({"run"}), ExitCode::kPrecondition);
    EXPECT_EQ(run({"wallet"}), ExitCode::kUsage);
    EXPECT_EQ(run({}), ExitCode::kUsage);
}

TEST_F(CommandFixture, HelpAndVersionNeedNothingElse) {
    EXPECT_EQ(run({"-V"}), ExitCode::kOk);
    EXPECT_EQ(out.str(), "covenant 0.0\n");
    EXPECT_EQ(run({"--version"}), ExitCode::kOk);
    EXPECT_EQ(run({"-h"}), ExitCode::kOk);
    EXPECT_NE(out.str().find("wallet"), std::string::npos);
    EXPECT_EQ(out.str().find("COVENANT_"), std::string::npos);
    EXPECT_EQ(run({"wallet", "list", "--help"}), ExitCode::kOk);
    EXPECT_NE(out.str().find("Usage: covenant wallet list"), std::string::npos);
    EXPECT_NE(out.str().find("COVENANT_LIMIT"), std::string::npos);
    EXPECT_NE(out.str().find("COVENANT_JSON"), std::string::npos);
    EXPECT_NE(out.str().find("\nExamples:\n  covenant wallet list --limit 3\n"), std::string::npos);
    EXPECT_NE(out.str().find("the second of two sentences"), std::string::npos);
    for (std::size_t at = 0; at < out.str().size();) {
        const auto end = out.str().find('\n', at);
        EXPECT_LE(end - at, 80U) << out.str().substr(at, end - at);
        at = end + 1;
    }
    EXPECT_EQ(run({"wallet", "show", "-h"}), ExitCode::kOk);
    EXPECT_NE(out.str().find("NAME"), std::string::npos);
    EXPECT_EQ(ran, 0);
}

TEST_F(CommandFixture, ConfigCommandsWriteShowAndCheck) {
    EXPECT_EQ(run({"config", "init"}), ExitCode::kOk);
    EXPECT_NE(out.str().find("[miner]"), std::string::npos);
    EXPECT_NE(out.str().find("#threads = 2"), std::string::npos);
    EXPECT_EQ(run({"config", "show", "--origin", "--threads", "8"}), ExitCode::kOk);
    EXPECT_NE(out.str().find("miner.threads"), std::string::npos);
    EXPECT_NE(out.str().find("# --threads"), std::string::npos) << out.str();
    EXPECT_EQ(run({"config", "check"}), ExitCode::kOk);
    EXPECT_EQ(run({"config", "check", "--config", "/nonexistent/x.toml"}), ExitCode::kUsage);
    EXPECT_NE(err.str().find("/nonexistent/x.toml"), std::string::npos);
}

TEST_F(CommandFixture, CompletionKnowsEveryCommandAndOption) {
    const std::string script = tree.bash_completion();
    for (const char* word :
         {"wallet", "'covenant wallet list'", "--limit=", "--json", "complete -o default -F"}) {
        EXPECT_NE(script.find(word), std::string::npos) << word;
    }
}

TEST(ExitCodes, EveryErrorHasOne) {
    const std::pair<Errc, ExitCode> expected[] = {{Errc::kInvalidArgument, ExitCode::kUsage},
                                                  {Errc::kMalformed, ExitCode::kVerificationFailed},
                                                  {Errc::kNotFound, ExitCode::kPrecondition},
                                                  {Errc::kAlreadyExists, ExitCode::kFailed},
                                                  {Errc::kPermission, ExitCode::kFailed},
                                                  {Errc::kCorrupt, ExitCode::kVerificationFailed},
                                                  {Errc::kIo, ExitCode::kFailed},
                                                  {Errc::kUnavailable, ExitCode::kUnavailable},
                                                  {Errc::kTimeout, ExitCode::kUnavailable},
                                                  {Errc::kRejected, ExitCode::kRefused},
                                                  {Errc::kPrecondition, ExitCode::kPrecondition},
                                                  {Errc::kMismatch, ExitCode::kVerificationFailed},
                                                  {Errc::kInterrupted, ExitCode::kInterrupted}};
    for (const auto& [code, exit] : expected) {
        EXPECT_EQ(exit_code_for(Error{code, "", false}), exit) << to_string(code);
        EXPECT_NE(covenant::to_string(code), "unknown");
    }
}

}  // namespace
}  // namespace covenant::node
