#include "tools/covenant/commands/commands.hpp"

#include "chain/network_file.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"
#include "common/node/keystore.hpp"
#include "common/node/lifecycle.hpp"
#include "tests/support/sample_run.hpp"
#include "tests/support/temp_folder.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

#include <gmock/gmock.h>

namespace covenant::commands {
namespace {

using codec::Json;
using node::ExitCode;
using ::testing::HasSubstr;
using ::testing::Not;

struct Ran {
    ExitCode code = ExitCode::kOk;
    std::string out;
    std::string err;

    [[nodiscard]] Json envelope() const {
        const auto json = Json::parse(out);
        EXPECT_TRUE(json) << out;
        return json.value_or(Json::object());
    }
    [[nodiscard]] Json data() const { return envelope().at("data").value_or(Json()); }
};

class CommandsTest : public ::testing::Test {
  protected:
    void write_folder() {
        sample::write_index((folder / "index.sqlite").string());
        ASSERT_TRUE(write_file_durably(folder / "devnet.json", as_bytes(sample::devnet_json())));
    }
    // As typed after "covenant", with this folder.
    Ran run(std::vector<std::string> args) {
        node::CommandTree tree("covenant", "test", "covenant test");
        add_wallet_commands(tree, clock);
        add_run_commands(tree, clock);
        add_stake_commands(tree, clock);
        add_read_commands(tree, clock);
        add_artifact_commands(tree, clock);
        add_engine_commands(tree, args,
                            [this](const std::string& program, const auto& words) -> Status {
                                executed = program;
                                words_given = words;
                                return {};
                            });
        args.insert(args.end(), {"--datadir", folder.path().string()});
        std::ostringstream out;
        std::ostringstream err;
        Ran ran;
        ran.code = tree.run(args, out, err, [](const std::string&) { return std::nullopt; });
        ran.out = out.str();
        ran.err = err.str();
        return ran;
    }
    [[nodiscard]] std::string password_file(const std::string& name, const std::string& text) {
        const auto path = folder / name;
        EXPECT_TRUE(write_file_durably(path, as_bytes(text + "\n")));
        std::filesystem::permissions(path, std::filesystem::perms(0600));
        return path.string();
    }

    testing::TempFolder folder;
    SystemClock clock;
    std::string executed;
    std::vector<std::string> words_given;
};

TEST_F(CommandsTest, status_reads_the_index_of_the_folder) {
    write_folder();
    const Ran json = run({"status", "--json"});
    EXPECT_EQ(json.code, ExitCode::kOk);
    EXPECT_EQ(json.data().u64("round").value(), 1U);
    EXPECT_EQ(json.envelope().u64("schema").value(), 1U);
    EXPECT_TRUE(json.envelope().boolean("ok").value());
    const Ran text = run({"status"});
    EXPECT_THAT(text.out, HasSubstr("round      1  phase parameters"));
    EXPECT_THAT(text.err, HasSubstr("as of block 10"));
}

TEST_F(CommandsTest, no_flipped_bit_of_the_index_becomes_a_number) {
    write_folder();
    const auto path = folder / "index.sqlite";
    const Json whole = run({"metagraph", "--json"}).data();
    std::ifstream in(path, std::ios::binary);
    const std::string good{std::istreambuf_iterator<char>(in), {}};
    int refused = 0;
    for (std::size_t at = 501; at < good.size(); at += 1'531) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 0x20);
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
        const Ran ran = run({"metagraph", "--json"});
        if (ran.code == ExitCode::kOk) {
            EXPECT_EQ(ran.data(), whole) << at;
            continue;
        }
        EXPECT_EQ(ran.code, ExitCode::kVerificationFailed) << at;
        EXPECT_THAT(ran.out, HasSubstr("delete it and start again")) << at;
        ++refused;
    }
    EXPECT_GT(refused, 0);
}

TEST_F(CommandsTest, only_a_network_that_was_given_may_be_a_file) {
    write_folder();
    ASSERT_TRUE(write_file_durably(folder / "devnet", as_bytes("no network file")));
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    const Ran unsaid = run({"status"});
    const Ran said = run({"status", "--network", "devnet"});
    std::filesystem::current_path(before);
    EXPECT_EQ(unsaid.code, ExitCode::kOk) << unsaid.err;
    EXPECT_NE(said.code, ExitCode::kOk);
    EXPECT_THAT(said.err, HasSubstr("devnet"));
}

TEST_F(CommandsTest, the_index_of_another_network_is_not_shown_as_this_one) {
    write_folder();
    chain::NetworkFile own;
    own.chain_id = 31337;
    own.genesis_hash = sample::block_hash(0);
    own.rpc_url = "http://127.0.0.1:1";
    own.contracts = sample::contracts();
    for (const auto& [name, address] : own.contracts.list()) {
        own.code_hashes[std::string(name)] = vectors::filled_hash(1);
    }
    const std::string path = (folder / "network.json").string();
    ASSERT_TRUE(chain::save_network(own, path));
    EXPECT_EQ(run({"metagraph"}).code, ExitCode::kOk);
    std::vector<chain::NetworkFile> others(4, own);
    others[0].chain_id = 1;
    others[1].genesis_hash = sample::block_hash(1);
    others[2].contracts.token.bytes[3] ^= 1;
    others[3].run = sample::block_hash(2);
    for (const chain::NetworkFile& other : others) {
        ASSERT_TRUE(chain::save_network(other, path));
        for (const char* command : {"metagraph", "status", "rounds"}) {
            const Ran ran = run({command, "--json"});
            EXPECT_EQ(ran.code, ExitCode::kVerificationFailed) << command;
            EXPECT_THAT(ran.out, HasSubstr("index of another network"));
        }
    }
}

TEST_F(CommandsTest, rounds_are_the_report_of_every_round_or_of_one) {
    write_folder();
    const auto all = run({"rounds", "--json"}).data().as_items().value();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].u64("index").value(), 0U);
    EXPECT_EQ(all[0].items("artifacts")->size(), 2U);
    const Json one = run({"rounds", "0", "--json"}).data();
    EXPECT_EQ(one, all[0]);
    EXPECT_THAT(run({"rounds"}).out, HasSubstr("mallory segment 2"));
    EXPECT_THAT(run({"rounds", "0"}).out, HasSubstr("1 fail at segment 2"));
    EXPECT_THAT(run({"rounds"}).out, HasSubstr("mallory failed"));
    EXPECT_THAT(run({"miner", "alice"}).out, HasSubstr("late_commit"));
}

TEST_F(CommandsTest, a_round_that_has_not_begun_is_an_error) {
    write_folder();
    const Ran late = run({"rounds", "2", "--json"});
    EXPECT_EQ(late.code, ExitCode::kPrecondition);
    EXPECT_FALSE(late.envelope().boolean("ok").value());
    EXPECT_EQ(late.envelope().items("errors")->at(0).string("code").value(), "not_found");
    EXPECT_EQ(run({"rounds", "x"}).code, ExitCode::kUsage);
}

TEST_F(CommandsTest, metagraph_shows_every_hotkey_and_explains_its_columns) {
    write_folder();
    EXPECT_EQ(run({"metagraph", "--json"}).data().size(), 3U);
    const std::string columns = run({"metagraph", "--explain"}).out;
    const std::string table = run({"metagraph"}).out;
    EXPECT_THAT(table, HasSubstr("alice"));
    std::istringstream header(table.substr(0, table.find('\n')));
    for (std::string column; header >> column;) {
        EXPECT_THAT(columns, HasSubstr(column + " ")) << "every column is explained";
    }
}

TEST_F(CommandsTest, what_is_said_of_hotkeys_fits_into_eighty_columns) {
    write_folder();
    const std::string miner = run({"miner", "mallory"}).out;
    for (const std::string& text : {run({"metagraph"}).out, run({"metagraph", "--explain"}).out,
                                    miner.substr(0, miner.find("round"))}) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
            EXPECT_LE(line.size(), 80U) << line;
        }
    }
    EXPECT_THAT(miner, HasSubstr("\ncoldkey  0x"));
}

TEST_F(CommandsTest, miner_takes_any_form_of_a_hotkey) {
    write_folder();
    for (const std::string& hotkey :
         {std::string("mallory"), std::string("1"), to_0x(sample::hotkey_of(sample::kMallory))}) {
        const Ran ran = run({"miner", hotkey, "--json"});
        EXPECT_EQ(ran.code, ExitCode::kOk) << hotkey;
        EXPECT_EQ(ran.data().u64("uid").value(), 1U);
        EXPECT_EQ(ran.data().items("per_round")->at(0).u64("failed_segment").value(), 2U);
    }
    EXPECT_EQ(run({"miner", "eve"}).code, ExitCode::kUsage);
    EXPECT_THAT(run({"miner", "vera"}).out, HasSubstr("agreed"));
}

TEST_F(CommandsTest, audits_are_listed_and_shown_with_the_line_that_repeats_them) {
    write_folder();
    EXPECT_EQ(run({"audit", "list", "--json"}).data().size(), 2U);
    EXPECT_EQ(run({"audit", "list", "--hotkey", "alice", "--json"}).data().size(), 1U);
    EXPECT_EQ(run({"audit", "list", "--round", "1", "--json"}).data().size(), 0U);
    const Ran shown = run({"audit", "show", "--round", "0", "--hotkey", "mallory"});
    EXPECT_EQ(shown.code, ExitCode::kOk);
    EXPECT_THAT(shown.out, HasSubstr("vera says fail at segment 2"));
    EXPECT_THAT(shown.out, HasSubstr("--round 0 --hotkey mallory --segment 2"));
    EXPECT_EQ(run({"audit", "show", "--round", "1", "--hotkey", "mallory"}).code,
              ExitCode::kPrecondition);
    EXPECT_EQ(run({"audit", "show", "--round", "0"}).code, ExitCode::kUsage);
}

TEST_F(CommandsTest, run_info_and_list_describe_the_run) {
    write_folder();
    EXPECT_EQ(run({"run", "info", "--json"}).data().string("name").value(), "sample run");
    EXPECT_THAT(run({"run", "info"}).out, HasSubstr("a miner needs 10 COV"));
    const auto runs = run({"run", "list", "--json"}).data().as_items().value();
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].string("run").value(), to_0x(sample::run()));
    EXPECT_TRUE(runs[0].boolean("followed").value());
}

TEST_F(CommandsTest, run_info_of_a_preset_needs_no_run) {
    const Ran nano = run({"run", "info", "--preset", "nano", "--json"});
    EXPECT_EQ(nano.code, ExitCode::kOk);
    EXPECT_EQ(nano.data().u64("parameters").value(), 887'424U);
    EXPECT_THAT(run({"run", "info", "--preset", "all"}).out, HasSubstr("72B"));
    const Ran unknown = run({"run", "info", "--preset", "1B"});
    EXPECT_EQ(unknown.code, ExitCode::kUsage);
    EXPECT_THAT(unknown.err, HasSubstr("nano, 4M"));
}

TEST_F(CommandsTest, generate_and_eval_become_the_engine_program) {
    const std::vector<std::string> words{"generate", "--prompt", "In the", "--seed", "3"};
    const Ran ran = run(words);
    if (ran.code == ExitCode::kOk) {  // where covenant-engine stands beside the test
        EXPECT_THAT(executed, HasSubstr("covenant-engine"));
        EXPECT_EQ(words_given, words);
    } else {
        EXPECT_EQ(ran.code, ExitCode::kPrecondition);
    }
    EXPECT_EQ(run({"generate"}).code, ExitCode::kUsage) << "no prompt";
    EXPECT_EQ(run({"eval", "--profile", "native-bf16"}).code, ExitCode::kUsage);
}

TEST_F(CommandsTest, a_damaged_devnet_file_costs_the_names_only) {
    write_folder();
    ASSERT_TRUE(
        write_file_durably(folder / "devnet.json", as_bytes("{"), {.overwrite = Overwrite::kYes}));
    for (const std::vector<std::string>& command :
         std::vector<std::vector<std::string>>{{"status"},
                                               {"rounds"},
                                               {"rounds", "0"},
                                               {"metagraph"},
                                               {"miner", "0"},
                                               {"audit", "list"}}) {
        const Ran ran = run(command);
        EXPECT_EQ(ran.code, ExitCode::kOk) << command.front() << ran.err;
        EXPECT_THAT(ran.err, HasSubstr("devnet.json")) << command.front();
    }
    const Ran by_name = run({"miner", "alice"});
    EXPECT_EQ(by_name.code, ExitCode::kUsage);
    EXPECT_THAT(by_name.err, HasSubstr("devnet.json"));
}

TEST_F(CommandsTest, a_damaged_network_file_is_damage) {
    write_folder();
    ASSERT_TRUE(write_file_durably(folder / "network.json", as_bytes("{")));
    const Ran ran = run({"status"});
    EXPECT_EQ(ran.code, ExitCode::kVerificationFailed);
    EXPECT_THAT(ran.err, HasSubstr("network.json"));
}

TEST_F(CommandsTest, without_data_the_error_says_how_to_get_some) {
    const Ran ran = run({"status"});
    EXPECT_EQ(ran.code, ExitCode::kPrecondition);
    EXPECT_THAT(ran.err, HasSubstr("--network FILE"));
    const Ran missing = run({"status", "--network", "nowhere.json", "--json"});
    EXPECT_EQ(missing.code, ExitCode::kPrecondition);
    EXPECT_THAT(missing.out, HasSubstr("nowhere.json"));
}

TEST_F(CommandsTest, a_dead_chain_is_unavailable) {
    chain::NetworkFile network;
    network.chain_id = 31337;
    network.rpc_url = "http://127.0.0.1:1";
    network.contracts = sample::contracts();
    for (const auto& [name, address] : network.contracts.list()) {
        network.code_hashes[std::string(name)] = vectors::filled_hash(1);
    }
    const std::string path = (folder / "live.json").string();
    ASSERT_TRUE(chain::save_network(network, path));
    const Ran ran = run({"status", "--network", path, "--json"});
    EXPECT_EQ(ran.code, ExitCode::kUnavailable) << ran.out;
    EXPECT_FALSE(std::filesystem::exists(folder / "cli-index.sqlite"));
}

TEST_F(CommandsTest, keys_are_made_listed_exported_and_imported) {
    const std::string password = password_file("password", "correct horse");
    const std::string other = password_file("web3", "battery staple");
    const Ran made = run({"wallet", "new-hotkey", "--password-file", password, "--json"});
    ASSERT_EQ(made.code, ExitCode::kOk) << made.out;
    const std::string address = made.data().string("address").value();
    EXPECT_EQ(run({"wallet", "new-hotkey", "--password-file", password}).code, ExitCode::kFailed)
        << "a key is never overwritten";
    const auto keys = run({"wallet", "list", "--json"}).data().as_items().value();
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys[0].string("address").value(), address);
    const std::string file = (folder / "exported.json").string();
    const Ran exported = run({"wallet", "export", "hotkey", file, "--password-file", password,
                              "--web3-password-file", other});
    ASSERT_EQ(exported.code, ExitCode::kOk) << exported.err;
    EXPECT_EQ(run({"wallet", "export", "hotkey", file, "--password-file", password,
                   "--web3-password-file", other})
                  .code,
              ExitCode::kFailed)
        << "the file is there";
    const Ran imported =
        run({"wallet", "import", "copy", file, "--kind", "coldkey", "--password-file", password,
             "--web3-password-file", other, "--json"});
    ASSERT_EQ(imported.code, ExitCode::kOk) << imported.out;
    EXPECT_EQ(imported.data().string("address").value(), address);
    EXPECT_EQ(imported.data().string("kind").value(), "coldkey");
    EXPECT_EQ(run({"wallet", "show", "copy", "--json"}).data().string("address").value(), address);
}

TEST_F(CommandsTest, a_wrong_password_opens_nothing_and_shows_nothing) {
    const std::string password = password_file("password", "correct horse");
    const std::string wrong = password_file("wrong", "hunter2");
    ASSERT_EQ(run({"wallet", "new-hotkey", "--password-file", password}).code, ExitCode::kOk);
    const std::string file = (folder / "exported.json").string();
    const Ran ran = run({"wallet", "export", "hotkey", file, "--password-file", wrong,
                         "--web3-password-file", wrong, "--json"});
    EXPECT_EQ(ran.code, ExitCode::kFailed);
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_THAT(ran.out + ran.err, Not(HasSubstr("hunter2")));
}

TEST_F(CommandsTest, no_password_is_asked_without_a_terminal) {
    const Ran ran = run({"wallet", "new-coldkey", "--json"});
    EXPECT_EQ(ran.code, ExitCode::kPrecondition);
    EXPECT_THAT(ran.out, HasSubstr("--password-file"));
    EXPECT_FALSE(std::filesystem::exists(folder / "keys" / "coldkey.json"));
}

TEST_F(CommandsTest, the_option_of_the_password_that_is_missing_is_named) {
    const std::string password = password_file("password", "correct horse");
    ASSERT_EQ(run({"wallet", "new-hotkey", "--password-file", password}).code, ExitCode::kOk);
    const std::string file = (folder / "exported.json").string();
    const Ran exported =
        run({"wallet", "export", "hotkey", file, "--password-file", password, "--json"});
    EXPECT_EQ(exported.code, ExitCode::kPrecondition);
    EXPECT_THAT(exported.out, HasSubstr("exported.json is needed"));
    EXPECT_THAT(exported.out, HasSubstr("--web3-password-file FILE"));
    ASSERT_EQ(run({"wallet", "export", "hotkey", file, "--password-file", password,
                   "--web3-password-file", password})
                  .code,
              ExitCode::kOk);
    const Ran imported =
        run({"wallet", "import", "copy", file, "--password-file", password, "--json"});
    EXPECT_EQ(imported.code, ExitCode::kPrecondition);
    EXPECT_THAT(imported.out, HasSubstr("--web3-password-file FILE"));
}

TEST_F(CommandsTest, transactions_need_a_coldkey_of_the_right_kind) {
    const Ran none = run({"stake", "add", "0", "5", "--dry-run", "--json"});
    EXPECT_EQ(none.code, ExitCode::kPrecondition);
    EXPECT_THAT(none.out, HasSubstr("covenant wallet new-coldkey"));
    const std::string password = password_file("password", "correct horse");
    ASSERT_EQ(run({"wallet", "new-hotkey", "coldkey", "--password-file", password}).code,
              ExitCode::kOk);
    const Ran kind = run({"stake", "add", "0", "5", "--dry-run"});
    EXPECT_EQ(kind.code, ExitCode::kUsage);
    EXPECT_THAT(kind.err, HasSubstr("is a hotkey, a coldkey is needed"));
    EXPECT_EQ(run({"stake", "add", "0", "-5"}).code, ExitCode::kUsage);
    EXPECT_EQ(run({"stake", "add", "0", "0"}).code, ExitCode::kUsage);
    EXPECT_EQ(run({"stake", "remove", "0"}).code, ExitCode::kUsage);
}

TEST_F(CommandsTest, replay_and_simulate_hand_their_words_to_other_programs) {
    const std::vector<std::string> words{"replay", "--round", "0", "--hotkey", "mallory"};
    const Ran ran = run(words);
    // The test program's folder holds neither, so the command says who builds it.
    EXPECT_EQ(ran.code, ExitCode::kPrecondition);
    EXPECT_THAT(ran.err, HasSubstr("covenant-engine"));
    EXPECT_THAT(run({"simulate"}).err, HasSubstr("covenant-simulate"));
    EXPECT_TRUE(executed.empty());
    EXPECT_EQ(run({"replay", "--round", "0"}).code, ExitCode::kUsage) << "--hotkey is required";
}

TEST_F(CommandsTest, every_command_has_help_with_an_example) {
    for (const std::vector<std::string>& path :
         std::vector<std::vector<std::string>>{{"status"},
                                               {"rounds"},
                                               {"metagraph"},
                                               {"miner"},
                                               {"audit", "list"},
                                               {"audit", "show"},
                                               {"run", "info"},
                                               {"run", "list"},
                                               {"artifact", "inspect"},
                                               {"artifact", "verify"},
                                               {"artifact", "ls"},
                                               {"wallet", "new-coldkey"},
                                               {"wallet", "new-hotkey"},
                                               {"wallet", "list"},
                                               {"wallet", "show"},
                                               {"wallet", "import"},
                                               {"wallet", "export"},
                                               {"wallet", "balance"},
                                               {"wallet", "claim"},
                                               {"register"},
                                               {"stake", "add"},
                                               {"stake", "remove"},
                                               {"stake", "show"},
                                               {"replay"},
                                               {"simulate"},
                                               {"generate"},
                                               {"eval"}}) {
        std::vector<std::string> args = path;
        args.emplace_back("--help");
        const Ran ran = run(args);
        EXPECT_EQ(ran.code, ExitCode::kOk);
        EXPECT_THAT(ran.out, HasSubstr("Examples:\n  covenant " + path.front())) << path.back();
    }
}

}  // namespace
}  // namespace covenant::commands
