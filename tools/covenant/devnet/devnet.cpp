#include "tools/covenant/devnet/devnet.hpp"

#include "chain/indexer/queries.hpp"
#include "chain/rpc/types.hpp"
#include "common/node/lifecycle.hpp"
#include "tools/covenant/devnet/adversary.hpp"
#include "tools/covenant/devnet/bring_up.hpp"
#include "tools/covenant/devnet/folder.hpp"
#include "tools/covenant/devnet/lateness.hpp"
#include "tools/covenant/devnet/printing.hpp"
#include "tools/covenant/devnet/restarts.hpp"

#include <algorithm>
#include <csignal>
#include <map>
#include <set>

#include <fmt/format.h>

namespace covenant::devnet {
namespace {

using protocol::Round;
using protocol::Uid;

constexpr auto kLook = Millis(200);
constexpr int kIndexLooks = 100;
constexpr int kKilledBySignal = 128;  // exit status of a killed process, less the signal
constexpr std::size_t kLogTail = 3;
constexpr std::int64_t kSnapshotMs = 15'000;
constexpr std::uint64_t kAuditRounds = 2;  // that a node can still audit besides the current one
constexpr std::uint64_t kReadSeconds = 4;  // of chain time, until the index and the logs have it

class Devnet {
  public:
    Devnet(Options options, node::Output& output, std::stop_token stop)
        : options_(std::move(options)), output_(output), stop_(std::move(stop)) {}

    Result<node::ExitCode> run();

  private:
    Status prepare();
    Status start_chain();
    Status resume_run();
    Status start_nodes();
    Result<std::unique_ptr<Process>> start_node(const std::string& name);
    Result<bool> restart_dead();  // false, and said, when one is dead for good
    void say_ended(const Process& process, int status, std::string_view how);
    void disturb(Round now);  // by a node that was away
    Status watch();           // until all rounds are over, asked to stop, or something is broken
    // Reads what the explorer has written to the index; false when there is nothing yet.
    Result<bool> look();
    // Prints what is new; true when the last round is settled.
    Result<bool> show();
    void show_late_miners(protocol::ChainTime now);
    void show_late_validators(Round round);
    void missed(const std::string& text);
    [[nodiscard]] std::optional<Round> round_now() const;
    Status finish();
    Status claim_all(std::map<std::string, Amount>& balances);
    Status await_index();
    void clean_up();
    [[nodiscard]] std::string elapsed() const;
    Status say(std::string_view step);

    Options options_;
    node::Output& output_;
    std::stop_token stop_;
    SystemClock clock_;
    std::int64_t started_ms_ = clock_.unix_ms();
    Layout layout_;
    Programs programs_;
    Record record_;
    std::optional<Folder> folder_;
    std::unique_ptr<Anvil> anvil_;
    std::vector<std::unique_ptr<Process>> nodes_;
    RestartLimit restarts_;
    std::unique_ptr<Process> explorer_;
    std::optional<chain::IndexReader> index_;
    protocol::RunState state_;
    std::optional<protocol::ChainTime> head_;
    std::uint64_t block_seconds_ = 1;
    std::uint64_t next_to_print_ = 0;
    std::uint64_t next_to_check_ = 0;  // for late miners
    std::set<Round> disturbed_;        // a node was away: what is late then is no deadline's fault
    bool late_ = false;
    bool resumed_ = false;
    bool complete_ = false;
    bool broken_ = false;
};

std::string Devnet::elapsed() const {
    return fmt::format("{:.1f} s", static_cast<double>(clock_.unix_ms() - started_ms_) / 1000.0);
}

Status Devnet::say(std::string_view step) {
    if (stop_.stop_requested()) {
        return fail(Errc::kInterrupted, "stopped before " + std::string(step));
    }
    output_.note(fmt::format("{:>6}  {}", elapsed(), step));
    return {};
}

Status Devnet::prepare() {
    COVENANT_TRY(programs_, find_programs());
    layout_.root = std::filesystem::absolute(
        options_.datadir.empty() ? "devnet-" + std::to_string(options_.seed) : options_.datadir);
    // Before anything is written.
    COVENANT_TRY(options_, checked(options_, kept_record(layout_), programs_, stop_));
    COVENANT_TRY(folder_, take_folder(layout_, options_.datadir.empty()));
    resumed_ = folder_->resumes();
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
    if (resumed_) {
        record_ = *folder_->before;
        block_seconds_ = block_seconds(record_);
    }
    COVENANT_TRY(anvil_, Anvil::start({.binary = binary,
                                       .folder = layout_.chain(),
                                       .port = port,
                                       .block_seconds = block_seconds_},
                                      clock_));
    if (resumed_) {
        return resume_run();
    }
    const double factor = folder_->before ? folder_->before->next_factor : 1.0;
    if (factor > 1.0) {
        COVENANT_CHECK(say(fmt::format(
            "deadlines were missed here last time: this run's are {:.2f} times longer", factor)));
    }
    COVENANT_TRY(record_,
                 bring_up({.options = options_,
                           .programs = programs_,
                           .layout = layout_,
                           .deadline_factor = factor,
                           .stop = stop_},
                          *anvil_, clock_, [this](std::string_view step) { return say(step); }));
    return anvil_->snapshot();
}

Status Devnet::resume_run() {
    if (!anvil_->resumed()) {
        return fail(Errc::kCorrupt, "no snapshot of the chain in " + layout_.chain().string() +
                                        ": this devnet cannot go on");
    }
    COVENANT_CHECK(say("resuming the kept devnet in " + layout_.root.string()));
    if (block_seconds_ > 1) {
        COVENANT_CHECK(say(fmt::format(
            "deadlines were missed here last time, and a run's deadlines stand on its chain: this "
            "chain's clock goes {} times slower instead",
            block_seconds_)));
    }
    COVENANT_TRY(chain::NetworkFile network, chain::load_network(layout_.network().string()));
    network.rpc_url = anvil_->url();
    COVENANT_CHECK(chain::save_network(network, layout_.network().string()));
    COVENANT_CHECK(anvil_->set_instant_blocks(false));
    COVENANT_TRY(const protocol::RunSpec spec, read_spec(layout_));
    COVENANT_TRY(const chain::BlockHeader head, chain::latest_block(anvil_->rpc()));
    // An unfinished run goes on to its last round; a finished one gets as many rounds again.
    const auto at = protocol::round_at(spec.timing, protocol::ChainTime(head.timestamp));
    // Nobody proved a beacon while it stood still, so the round after the present one may have
    // none, too: one more is played.
    if (at) {
        disturb(*at);
        disturb(at->next());
        next_to_check_ = at->value;
        if (at->value >= record_.rounds) {
            next_to_print_ = at->value + 1;
            record_.rounds = at->value + 2 + options_.rounds;
        }
        record_.rounds = std::max(record_.rounds, at->value + 3);
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
    COVENANT_TRY(std::string program, program_of(*found, programs_));
    std::vector<std::string> argv = {std::move(program),
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
    if (found->cheats()) {
        argv.insert(argv.end(), {"--cheat", found->cheat});
    }
    return Process::start(name, std::move(argv), layout_.logs() / (name + ".log"));
}

Result<bool> Devnet::look() {
    if (!index_) {
        COVENANT_TRY(auto found, find_index(layout_));
        if (!found) {
            return false;  // the explorer is still starting
        }
        index_.emplace(std::move(*found));
    }
    auto state = index_->state(record_.run);
    if (!state) {
        return state.error().retryable || state.error().code == Errc::kNotFound
                   ? Result<bool>(false)
                   : fail(std::move(state).error());
    }
    COVENANT_TRY(const auto info, index_->look());
    state_ = std::move(*state);
    head_ = info.head ? std::optional(info.head->time) : std::nullopt;
    return state_.spec.has_value() && head_.has_value();
}

Result<bool> Devnet::show() {
    COVENANT_TRY(const bool known, look());
    if (!known) {
        return false;
    }
    show_late_miners(*head_);
    for (; next_to_print_ < record_.rounds; ++next_to_print_) {
        const Round round(next_to_print_);
        const auto found = state_.rounds.find(round);
        const bool settled = found != state_.rounds.end() && found->second.settled.has_value();
        const auto over = protocol::round_times(state_.spec->timing, round).score_reveal.value + 10;
        if (!settled && head_->value < over) {
            return false;
        }
        show_late_validators(round);
        print_round(output_, record_, state_, round);
    }
    return true;
}

std::optional<Round> Devnet::round_now() const {
    return state_.spec && head_ ? protocol::round_at(state_.spec->timing, *head_) : std::nullopt;
}

// Said once, and remembered for the folder's next start.
void Devnet::missed(const std::string& text) {
    output_.warn(text);
    if (std::exchange(late_, true)) {
        return;
    }
    record_.next_factor = longer(record_.deadline_factor, block_seconds_);
    if (Status saved = save_record(layout_, record_); !saved) {
        output_.warn("the next start will not know of it: " + saved.error().context);
    }
}

void Devnet::show_late_miners(protocol::ChainTime now) {
    for (; next_to_check_ < record_.rounds; ++next_to_check_) {
        const Round round(next_to_check_);
        const protocol::RoundTimes times = protocol::round_times(state_.spec->timing, round);
        if (now.value < times.keys.value + kReadSeconds) {
            return;
        }
        const auto late = late_miners(record_, state_, round);
        if (!late.empty() && !disturbed_.contains(round)) {
            missed(with_reasons(
                fmt::format("round {} missed by {}: no commitment with its key within the {} s "
                            "that were there",
                            round.value, fmt::join(late, ", "), times.keys.value - times.t0.value),
                late, layout_, round));
        }
    }
}

void Devnet::show_late_validators(Round round) {
    if (disturbed_.contains(round)) {
        return;
    }
    for (const std::string& text : late_duties(record_, layout_, state_, round)) {
        missed(text);
    }
}

// Says whose end it was; there is no error that another try could mend.
void Devnet::say_ended(const Process& process, int status, std::string_view how) {
    output_.error(Error{Errc::kUnavailable,
                        fmt::format("{} ended with code {}{}; its log ends:\n{}", process.name(),
                                    status, how, tail(process.log(), kLogTail)),
                        false},
                  "devnet", "the whole log of " + process.name() + " is " + process.log().string());
}

Result<bool> Devnet::restart_dead() {
    for (Process* process : {&anvil_->process(), explorer_.get()}) {
        if (const auto status = process->poll()) {
            say_ended(*process, *status, "");
            return false;
        }
    }
    for (auto& node : nodes_) {
        const auto status = node->poll();
        if (!status || *status == 0) {
            continue;
        }
        const bool killed = *status >= kKilledBySignal;
        if (!killed || !restarts_.allow(node->name(), clock_.unix_ms())) {
            say_ended(*node, *status, killed ? RestartLimit::text() : "");
            return false;
        }
        // As a service manager would: the node resumes from its journal.
        COVENANT_CHECK(say(fmt::format("{} was ended by signal {}; started again", node->name(),
                                       *status - kKilledBySignal)));
        disturb(round_now().value_or(Round()));
        COVENANT_TRY(node, start_node(node->name()));
    }
    return true;
}

void Devnet::disturb(Round now) {
    for (std::uint64_t back = 0; back <= std::min(now.value, kAuditRounds); ++back) {
        disturbed_.insert(Round(now.value - back));
    }
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
        COVENANT_TRY(const auto info, index_->look());
        if (info.head && info.head->number.value >= head.number) {
            return {};
        }
        clock_.sleep_for(kLook, {});
    }
    return fail(Errc::kTimeout, "the explorer has not read block " + std::to_string(head.number) +
                                    "; see " + explorer_->log().string());
}

Status Devnet::finish() {
    for (const auto& node : nodes_) {
        node->send(SIGTERM);
    }
    for (const auto& node : nodes_) {
        node->stop();
    }
    if (!complete_ || !state_.spec) {
        output_.note("stopped; nodes ended cleanly");
        return {};
    }
    std::map<std::string, Amount> balances;
    COVENANT_CHECK(claim_all(balances));
    COVENANT_CHECK(await_index());
    print_closing(output_, record_, state_, layout_, programs_, balances, elapsed());
    if (late_) {
        output_.text(record_.keep ? "deadlines were missed: the next start slows this chain's clock"
                                  : "deadlines were missed: the next start here plans longer ones");
    }
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

Status Devnet::watch() {
    std::int64_t snapshot_ms = clock_.unix_ms();
    while (!stop_.stop_requested()) {
        COVENANT_TRY(const bool alive, restart_dead());
        COVENANT_TRY(complete_, show());
        broken_ = !alive;
        if (broken_ || complete_) {
            return {};
        }
        if (const std::int64_t now = clock_.unix_ms(); now - snapshot_ms >= kSnapshotMs) {
            COVENANT_CHECK(anvil_->snapshot());
            snapshot_ms = now;
        }
        clock_.sleep_for(kLook, stop_);
    }
    return {};
}

Result<node::ExitCode> Devnet::run() {
    COVENANT_CHECK(prepare());
    COVENANT_CHECK(start_chain());
    COVENANT_CHECK(say("starting nodes"));
    COVENANT_CHECK(start_nodes());
    print_header(output_, record_, layout_);
    const Status trouble = watch();
    const Status ended = finish();
    const bool goes_on = options_.keep || resumed_;
    // Without its chain there is nothing new to save.
    const bool alive = !anvil_->process().poll();
    const Status saved = goes_on && alive ? anvil_->snapshot() : Status{};
    index_.reset();  // the last to close it folds the log into the file
    explorer_->stop();
    anvil_->process().stop();
    nodes_.clear();
    if (complete_ && !goes_on) {
        clean_up();
    }
    for (const Status& status : {trouble, ended, saved}) {
        COVENANT_CHECK(status);
    }
    return broken_ ? node::ExitCode::kFailed : node::ExitCode::kOk;
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
             "how one miner lies: one of `covenant-adversary kinds`, by default the first, or none")
        .value_name("KIND[@NAME]");
    table.add("profile", options.profile, "arithmetic of the run")
        .choices({"canon-bf16", "canon-f32"})
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
        const bool stopped =
            code ? *code == node::ExitCode::kOk
                 : code.error().code == Errc::kInterrupted && signals->token().stop_requested();
        return stopped ? signals->exit_code() : code;
    });
}

}  // namespace covenant::devnet
