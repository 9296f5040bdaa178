#include "tools/covenant/devnet/devnet.hpp"

#include "chain/indexer/queries.hpp"
#include "chain/rpc/types.hpp"
#include "common/node/lifecycle.hpp"
#include "tools/covenant/devnet/bring_up.hpp"
#include "tools/covenant/devnet/printing.hpp"

#include <algorithm>
#include <csignal>
#include <map>

#include <fmt/format.h>

namespace covenant::devnet {
namespace {

using protocol::Round;
using protocol::Uid;

constexpr auto kLook = Millis(200);
constexpr int kIndexLooks = 100;
constexpr int kKilledBySignal = 128;  // exit status of a killed process, less the signal
constexpr int kMaxRestarts = 3;
constexpr std::int64_t kSnapshotMs = 15'000;

class Devnet {
  public:
    Devnet(Options options, node::Output& output, std::stop_token stop)
        : options_(std::move(options)), output_(output), stop_(std::move(stop)) {}

    Result<node::ExitCode> run();

  private:
    Status prepare();
    Status start_chain();
    Status start_nodes();
    Result<std::unique_ptr<Process>> start_node(const std::string& name);
    Status restart_dead();  // and say what cannot be mended
    Result<bool>
    look();  // reads the index, prints what is new; true when the last round is settled
    Status finish(bool complete);
    Status claim_all(std::map<std::string, Amount>& balances);
    Status await_index();
    void clean_up();
    [[nodiscard]] std::string elapsed() const;
    void say(std::string_view step) { output_.note(fmt::format("{:>6}  {}", elapsed(), step)); }

    Options options_;
    node::Output& output_;
    std::stop_token stop_;
    SystemClock clock_;
    std::int64_t started_ms_ = clock_.unix_ms();
    Layout layout_;
    Programs programs_;
    Record record_;
    std::optional<node::DataDir> lock_;
    std::unique_ptr<Anvil> anvil_;
    std::vector<std::unique_ptr<Process>> nodes_;
    std::map<std::string, int> restarts_;
    std::unique_ptr<Process> explorer_;
    std::optional<chain::IndexReader> index_;
    std::uint64_t next_to_print_ = 0;
    bool resumed_ = false;
    protocol::RunState state_;
};

std::string Devnet::elapsed() const {
    return fmt::format("{:.1f} s", static_cast<double>(clock_.unix_ms() - started_ms_) / 1000.0);
}

Status Devnet::prepare() {
    COVENANT_TRY(const auto people, participants(options_));  // refused before anything is written
    static_cast<void>(people);
    COVENANT_TRY(programs_, find_programs());
    layout_.root = std::filesystem::absolute(
        options_.datadir.empty() ? "devnet-" + std::to_string(options_.seed) : options_.datadir);
    if (std::filesystem::exists(layout_.record())) {
        COVENANT_TRY(const Record before, load_record(layout_));
        if (before.keep) {
            record_ = before;
            resumed_ = true;
        } else if (options_.datadir.empty()) {
            std::error_code ignored;
            std::filesystem::remove_all(
                layout_.root, ignored);  // the public remains of the last run with this seed
        } else {
            return fail(Errc::kAlreadyExists,
                        layout_.root.string() +
                            " holds a devnet that was not kept (--keep) and cannot go on; "
                            "name another --datadir or remove it");
        }
    } else if (std::filesystem::exists(layout_.root) && !std::filesystem::is_empty(layout_.root)) {
        return fail(Errc::kAlreadyExists,
                    layout_.root.string() +
                        " is not empty and no devnet: name another --datadir or remove it");
    }
    COVENANT_TRY(lock_, node::DataDir::open(layout_.root, "covenant devnet"));
    for (const auto& folder : {layout_.logs(), layout_.nodes(), layout_.store()}) {
        std::error_code made;
        std::filesystem::create_directories(folder, made);
        if (made) {
            return fail(Errc::kIo, "cannot make " + folder.string() + ": " + made.message());
        }
    }
    return {};
}

Status Devnet::start_chain() {
    COVENANT_TRY(const std::string binary, find_anvil(programs_.repository));
    COVENANT_TRY(const std::uint16_t port, free_port());
    COVENANT_TRY(anvil_,
                 Anvil::start({.binary = binary, .folder = layout_.chain(), .port = port}, clock_));
    if (!resumed_) {
        COVENANT_TRY(record_, bring_up(options_, programs_, layout_, *anvil_, clock_,
                                       [this](std::string_view step) { say(step); }));
        return anvil_->snapshot();
    }
    if (!anvil_->resumed()) {
        return fail(Errc::kCorrupt, "no snapshot of the chain in " + layout_.chain().string() +
                                        ": this devnet cannot go on");
    }
    say("resuming the kept devnet in " + layout_.root.string());
    COVENANT_TRY(chain::NetworkFile network, chain::load_network(layout_.network().string()));
    network.rpc_url = anvil_->url();
    COVENANT_CHECK(chain::save_network(network, layout_.network().string()));
    COVENANT_CHECK(anvil_->set_instant_blocks(false));
    COVENANT_TRY(const protocol::RunSpec spec, read_spec(layout_));
    COVENANT_TRY(const chain::BlockHeader head, chain::latest_block(anvil_->rpc()));
    // An unfinished run goes on to its last round; a finished one gets as many rounds again.
    const auto at = protocol::round_at(spec.timing, protocol::ChainTime(head.timestamp));
    if (at && at->value >= record_.rounds) {
        next_to_print_ = at->value + 1;
        record_.rounds = at->value + 1 + options_.rounds;
    }
    return save_record(layout_, record_);
}

Status Devnet::start_nodes() {
    const std::string network = layout_.network().string();
    COVENANT_TRY(const std::uint16_t port,
                 options_.port != 0 ? Result<std::uint16_t>(options_.port) : free_port());
    COVENANT_TRY(explorer_, Process::start("explorer",
                                           {programs_.path("covenant-explorer"), "run", "--datadir",
                                            layout_.root.string(), "--network", network, "--listen",
                                            "127.0.0.1:" + std::to_string(port)},
                                           layout_.logs() / "explorer.log"));
    for (const Participant& one : record_.participants) {
        COVENANT_TRY(auto node, start_node(one.name));
        nodes_.push_back(std::move(node));
    }
    return {};
}

Result<std::unique_ptr<Process>> Devnet::start_node(const std::string& name) {
    const auto found = std::find_if(record_.participants.begin(), record_.participants.end(),
                                    [&](const Participant& one) { return one.name == name; });
    const bool mines = found->role == protocol::Role::kMiner;
    std::vector<std::string> argv = {
        programs_.path(mines ? "covenant-miner" : "covenant-validator"),
        "run",
        "--datadir",
        (layout_.nodes() / name).string(),
        "--network",
        layout_.network().string(),
        "--password-file",
        layout_.password().string(),
        "--store",
        layout_.store().string(),
        "--data",
        layout_.data().string(),
        "--last-round",
        std::to_string(record_.rounds - 1),
        "--threads",  // six nodes share the cores
        "1"};
    if (found->cheat != "none") {
        argv.insert(argv.end(), {"--cheat", found->cheat});
    }
    return Process::start(name, std::move(argv), layout_.logs() / (name + ".log"));
}

Result<bool> Devnet::look() {
    if (!index_) {
        auto opened = chain::IndexReader::open(layout_.index().string());
        if (!opened) {
            return false;  // the explorer is still starting
        }
        index_.emplace(std::move(*opened));
    }
    auto state = index_->state(record_.run);
    if (!state) {
        return state.error().retryable || state.error().code == Errc::kNotFound
                   ? Result<bool>(false)
                   : fail(std::move(state).error());
    }
    state_ = std::move(*state);
    if (!state_.spec) {
        return false;
    }
    COVENANT_TRY(const auto info, index_->info());
    for (; next_to_print_ < record_.rounds; ++next_to_print_) {
        const Round round(next_to_print_);
        const auto found = state_.rounds.find(round);
        const bool settled = found != state_.rounds.end() && found->second.settled.has_value();
        const auto over = protocol::round_times(state_.spec->timing, round).score_reveal.value + 10;
        if (!settled && (!info.head || info.head->time.value < over)) {
            return false;
        }
        print_round(output_, record_, state_, round);
    }
    return true;
}

Status Devnet::restart_dead() {
    if (const auto status = anvil_->process().poll()) {
        return fail(Errc::kUnavailable, "anvil ended with code " + std::to_string(*status) +
                                            "; see " + anvil_->process().log().string());
    }
    if (const auto status = explorer_->poll()) {
        return fail(Errc::kUnavailable, "the explorer ended with code " + std::to_string(*status) +
                                            ": " + tail(explorer_->log(), 3));
    }
    for (auto& node : nodes_) {
        const auto status = node->poll();
        if (status && *status >= kKilledBySignal && restarts_[node->name()] < kMaxRestarts) {
            // As a service manager would: the node resumes from its journal.
            ++restarts_[node->name()];
            say(fmt::format("{} was ended by signal {}; started again", node->name(),
                            *status - kKilledBySignal));
            COVENANT_TRY(node, start_node(node->name()));
        } else if (status && *status != 0) {
            return fail(Errc::kUnavailable, node->name() + " ended with code " +
                                                std::to_string(*status) + ": " +
                                                tail(node->log(), 3));
        }
    }
    return {};
}

// Everybody's credits become tokens; what is shown is what the token contract says afterwards.
Status Devnet::claim_all(std::map<std::string, Amount>& balances) {
    COVENANT_TRY(const chain::NetworkFile network, chain::load_network(layout_.network().string()));
    COVENANT_CHECK(anvil_->set_instant_blocks(true));
    for (const Participant& one : record_.participants) {
        const crypto::SecretKey coldkey = coldkey_of(record_.seed, one.name);
        chain::Account owner(anvil_->rpc(), coldkey, network.chain_id);
        chain::AdminClient client(owner, network);
        const Uid uid = record_.uids.at(one.name);
        COVENANT_TRY(const Amount claimable, client.claimable(uid));
        if (claimable > Amount{}) {
            COVENANT_TRY(const Amount paid, client.claim(uid));
            static_cast<void>(paid);
        }
        COVENANT_TRY(balances[one.name], client.balance(coldkey.address()));
    }
    return {};
}

// The kept index must hold the last claims too: the explorer is stopped next.
Status Devnet::await_index() {
    COVENANT_TRY(const chain::BlockHeader head, chain::latest_block(anvil_->rpc()));
    for (int looks = 0; looks < kIndexLooks; ++looks) {
        COVENANT_TRY(const auto info, index_->info());
        if (info.head && info.head->number.value >= head.number) {
            return {};
        }
        clock_.sleep_for(kLook, {});
    }
    return fail(Errc::kTimeout, "the explorer has not read block " + std::to_string(head.number) +
                                    "; see " + explorer_->log().string());
}

Status Devnet::finish(bool complete) {
    for (const auto& node : nodes_) {
        node->send(SIGTERM);
    }
    for (const auto& node : nodes_) {
        node->stop();
    }
    if (!complete || !state_.spec) {
        output_.note("stopped; nodes ended cleanly");
        return {};
    }
    std::map<std::string, Amount> balances;
    COVENANT_CHECK(claim_all(balances));
    COVENANT_CHECK(await_index());
    print_closing(output_, record_, state_, layout_, programs_, balances, elapsed());
    return {};
}

// A devnet that is not kept leaves what `covenant replay` and the explorer read: index, store,
// data, spec.
void Devnet::clean_up() {
    std::error_code ignored;
    std::filesystem::remove_all(layout_.nodes(), ignored);
    std::filesystem::remove_all(layout_.chain(), ignored);
    std::filesystem::remove(layout_.password(), ignored);
}

Result<node::ExitCode> Devnet::run() {
    COVENANT_CHECK(prepare());
    COVENANT_CHECK(start_chain());
    say("starting nodes");
    COVENANT_CHECK(start_nodes());
    print_header(output_, record_, layout_);
    std::int64_t snapshot_ms = clock_.unix_ms();
    bool complete = false;
    Status trouble;
    while (!complete && !stop_.stop_requested()) {
        trouble = restart_dead();
        if (!trouble) {
            break;
        }
        auto done = look();
        if (!done) {
            trouble = fail(std::move(done).error());
            break;
        }
        complete = *done;
        if (const std::int64_t now = clock_.unix_ms(); now - snapshot_ms >= kSnapshotMs) {
            trouble = anvil_->snapshot();
            snapshot_ms = now;
            if (!trouble) {
                break;
            }
        }
        clock_.sleep_for(kLook, stop_);
    }
    Status ended = finish(complete);
    if (options_.keep || resumed_ || !complete) {
        if (Status saved = anvil_->snapshot(); !saved && trouble) {
            trouble = std::move(saved);
        }
    }
    explorer_->stop();
    anvil_->process().stop();
    nodes_.clear();
    if (complete && !options_.keep && !resumed_) {
        clean_up();
    }
    if (!trouble) {
        return fail(std::move(trouble).error());
    }
    if (!ended) {
        return fail(std::move(ended).error());
    }
    return node::ExitCode::kOk;
}

}  // namespace

void add_devnet(node::CommandTree& tree, Options& options) {
    node::Command& command =
        tree.root().add("devnet", "a whole network on this machine: trains, pays, catches a cheat");
    node::OptionTable& table = command.options();
    table.add("rounds", options.rounds, "rounds to run").value_name("N").range(1, 10'000);
    table.add("miners", options.miners, "miners").value_name("N").range(1, 16);
    table.add("validators", options.validators, "validators").value_name("N").range(1, 16);
    table
        .add("cheat", options.cheat,
             "how one miner lies: half-batch, skip-segment, stale-data, amplify, noise, none")
        .value_name("KIND[@NAME]");
    table.add("profile", options.profile, "arithmetic of the run: canon-bf16 or canon-f32")
        .value_name("NAME");
    table.add("seed", options.seed, "keys and first parameters follow from it")
        .value_name("N")
        .range(0, 1e15);
    table.add("keep", options.keep, "keep nodes and chain, so that a second start goes on");
    table.add("port", options.port, "port of the explorer; 0 takes a free one").value_name("PORT");
    command
        .detail(
            "The folder is ./devnet-<seed> or --datadir. Exit code 0 when all rounds ran; Ctrl-C "
            "stops everything cleanly.")
        .example("covenant devnet --rounds 3 --cheat none --json");
    command.handler([&options](const node::CommandContext& context) -> Result<node::ExitCode> {
        COVENANT_TRY(const auto signals, node::SignalGuard::install());
        options.datadir = context.global.datadir;
        Devnet devnet(options, context.output, signals->token());
        auto code = devnet.run();
        if (code && *code == node::ExitCode::kOk) {
            return signals->exit_code();
        }
        return code;
    });
}

}  // namespace covenant::devnet
