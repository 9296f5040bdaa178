#include "chain/participant/participant.hpp"

#include "chain/evm_ledger.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/data/window_reader.hpp"
#include "common/execution/run_engine.hpp"
#include "common/net/http_server.hpp"
#include "common/node/keystore.hpp"
#include "common/node/lifecycle.hpp"
#include "common/store/open.hpp"

#include <array>
#include <functional>
#include <optional>

namespace covenant::participant {
namespace {

constexpr std::int64_t kHeartbeatMs = 30'000;
constexpr auto kRetryPause = Millis(500);
// In a node's folder: stream keys, plaintext, what it is about to send. Keys look after themselves.
constexpr std::array<std::string_view, 3> kSecrets{"journal.sqlite", "outbox.sqlite", "states"};

Status require(const std::string& value, std::string_view option) {
    if (value.empty()) {
        return fail(Errc::kInvalidArgument, "--" + std::string(option) + " is missing");
    }
    return {};
}

bool holds_coldkey(const std::filesystem::path& file) {
    const auto text = read_text_file(file, node::Keystore::kMaxFileBytes);
    if (!text) return false;
    const auto key = node::parse_key_file(*text);
    return key && key->kind == node::KeyKind::kColdkey;
}

// A coldkey owns the stake: it has no business on a machine that is online, whatever name a copy
// has.
Status refuse_coldkeys(const node::Keystore& keys) {
    COVENANT_TRY(const node::KeyFolder folder, keys.scan());
    for (const auto& other : folder.others) {
        if (holds_coldkey(other.file)) {
            return fail(Errc::kPrecondition, other.file.string() +
                                                 " is the copy of a coldkey: move it off this "
                                                 "machine; a node needs its hotkey only");
        }
        log::warn("start", "no key of ours; move it away if it holds one",
                  {{"file", other.file.string()}, {"why", other.why.context}});
    }
    for (const node::KeyFile& file : folder.keys) {
        if (file.kind == node::KeyKind::kColdkey) {
            return fail(Errc::kPrecondition,
                        "coldkey '" + file.name + "' lies in " + keys.directory().string() +
                            ": move it off this machine; a node needs its hotkey only");
        }
    }
    return {};
}

// A patient node waits for a chain that does not answer yet.
Result<std::unique_ptr<chain::EvmLedger>> open_ledger(const chain::EvmLedgerOptions& options,
                                                      const crypto::SecretKey& hotkey, Clock& clock,
                                                      bool patient) {
    bool said = false;
    for (;;) {
        auto ledger = chain::EvmLedger::open(options, hotkey.clone(), clock);
        if (ledger || !patient || !ledger.error().retryable) {
            return ledger;
        }
        if (!said) {
            log::warn("start",
                      "the chain does not answer yet, trying on: " + ledger.error().context);
            said = true;
        }
        if (!clock.sleep_for(kRetryPause, options.stop)) {
            return fail(Errc::kInterrupted, "stopped while waiting for the chain");
        }
    }
}

}  // namespace

void describe(node::OptionTable& table, ParticipantOptions& options) {
    table.add("hotkey", options.hotkey, "name of the key in the data directory's keys")
        .group("Identity")
        .value_name("NAME")
        .check(node::check_key_name);
    table.add("password-file", options.password_file, "file whose first line opens the key")
        .group("Identity")
        .value_name("FILE");
    table.add("store", options.store, "the artifact store: a folder, or file:PATH")
        .group("Run")
        .value_name("DIR")
        .required()
        .check([](std::string_view text) {
            return text.empty() ? Status{} : store::check_address(text);
        });
    table.add("data", options.data, "folder of the run's data set")
        .group("Run")
        .value_name("DIR")
        .required();
    table.add("last-round", options.last_round, "stop after this round is over; -1 goes on")
        .group("Run")
        .value_name("ROUND")
        .range(-1, 1e15);
    table.add("poll-ms", options.poll_ms, "milliseconds between looks at the chain")
        .group("Run")
        .value_name("MS")
        .range(10, 60'000);
    describe(table, options.kernels);
    table
        .add("metrics", options.metrics,
             "serve Prometheus metrics on this address, e.g. 127.0.0.1:9090")
        .group("Observability")
        .value_name("ADDR:PORT")
        .check([](std::string_view text) {
            return text.empty() ? Status{} : net::check_loopback(text);
        });
}

struct Participant::Parts {
    ParticipantOptions options;
    Clock& clock;
    std::stop_token stop;
    node::DataDir datadir;
    crypto::SecretKey hotkey;
    std::unique_ptr<chain::EvmLedger> ledger;
    std::unique_ptr<store::ArtifactStore> store{};
    std::optional<data::WindowReader> windows{};
    std::optional<engine::Engine> engine{};
    std::stop_source ending{};  // of long work: when the process is asked to stop, or the loop ends
    std::unique_ptr<std::stop_callback<std::function<void()>>> stopping{};
    std::unique_ptr<Node> node{};
    std::unique_ptr<Background> background{};  // after the node: jobs use it
    node::Metrics metrics{};

    ~Parts() { ending.request_stop(); }

    // Syncs until the chain answers, or once where nobody waits.
    Result<chain::Head> sync_patiently() {
        bool said = false;
        for (;;) {
            auto head = ledger->sync();
            if (head || !options.patient || !head.error().retryable) {
                return head;
            }
            if (!said) {
                log::warn("chain", "no answer, trying on: " + head.error().context);
                said = true;
            }
            if (!clock.sleep_for(kRetryPause, stop)) {
                return fail(Errc::kInterrupted, "stopped while waiting for the chain");
            }
        }
    }

    // Until `ready` says so; `what` is logged once and then as a heartbeat.
    Status wait_for(std::string_view what,
                    const std::function<Result<bool>(const protocol::RunState&)>& ready) {
        std::int64_t said_ms = 0;
        for (;;) {
            COVENANT_TRY(const chain::Head head, sync_patiently());
            static_cast<void>(head);
            COVENANT_TRY(const bool done, ready(*ledger->state()));
            if (done) {
                return {};
            }
            if (!options.patient) {
                return fail(Errc::kUnavailable, "nobody waits for " + std::string(what) +
                                                    ", which the chain does not show yet");
            }
            if (const std::int64_t now = clock.unix_ms(); now - said_ms >= kHeartbeatMs) {
                log::info("start", "waiting for " + std::string(what));
                said_ms = now;
            }
            if (!clock.sleep_for(Millis(options.poll_ms), stop)) {
                return fail(Errc::kInterrupted, "stopped while waiting for " + std::string(what));
            }
        }
    }

    Status join_run(protocol::Role role) {
        COVENANT_CHECK(
            wait_for("the run to be created", [](const protocol::RunState& state) -> Result<bool> {
                if (state.spec_verdict == protocol::Verdict::kUnknownRun) {
                    return false;
                }
                if (!state.spec) {
                    return fail(Errc::kRejected,
                                "the run's spec on chain is refused: " +
                                    std::string(protocol::to_string(state.spec_verdict)));
                }
                return true;
            }));
        const Address address = hotkey.address();
        COVENANT_CHECK(wait_for("hotkey " + to_0x(address) + " to be registered as " +
                                    std::string(protocol::to_string(role)),
                                [&](const protocol::RunState& state) -> Result<bool> {
                                    const protocol::Neuron* neuron = state.roster.find(address);
                                    if (neuron == nullptr) {
                                        return false;
                                    }
                                    if (neuron->role != role) {
                                        return fail(
                                            Errc::kPrecondition,
                                            "hotkey " + to_0x(address) + " is registered as " +
                                                std::string(protocol::to_string(neuron->role)) +
                                                ": start the binary of that role");
                                    }
                                    return true;
                                }));
        return {};
    }

    Status open_node() {
        const auto state = ledger->state();
        COVENANT_TRY(const engine::ProfileOptions kernels, profile_options(options.kernels));
        COVENANT_TRY(engine, execution::open_engine(*state->spec, kernels));
        COVENANT_TRY(windows, data::WindowReader::open(options.data, state->spec->data));
        COVENANT_TRY(node, Node::open({.ledger = *ledger,
                                       .store = *store,
                                       .engine = *engine,
                                       .windows = *windows,
                                       .clock = clock,
                                       .folder = datadir.path(),
                                       .key = hotkey,
                                       .stop = ending.get_token()}));
        stopping = std::make_unique<std::stop_callback<std::function<void()>>>(
            stop, [this] { ending.request_stop(); });
        background = start_background();
        return {};
    }
};

Participant::Participant(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Participant::~Participant() = default;

Result<std::unique_ptr<Participant>> Participant::open(const ParticipantOptions& options,
                                                       protocol::Role role, Clock& clock,
                                                       std::stop_token stop) {
    COVENANT_CHECK(require(options.network_file, "network"));
    COVENANT_CHECK(require(options.store, "store"));
    COVENANT_CHECK(require(options.data, "data"));
    COVENANT_TRY(
        node::DataDir datadir,
        node::DataDir::open(options.datadir, "covenant-" + std::string(to_string(role)), kSecrets));
    const node::Keystore keys(datadir / "keys");
    COVENANT_CHECK(refuse_coldkeys(keys));
    COVENANT_TRY(const crypto::SecretBytes password,
                 node::read_password({.file = options.password_file, .stop = stop},
                                     "hotkey '" + options.hotkey + "'"));
    COVENANT_TRY(crypto::SecretKey hotkey, keys.open(options.hotkey, password));
    COVENANT_TRY(chain::NetworkFile network, chain::load_network(options.network_file));
    chain::EvmLedgerOptions ledger_options;
    ledger_options.network = std::move(network);
    ledger_options.index_path = (datadir / "chain.sqlite").string();
    ledger_options.outbox_path = (datadir / "outbox.sqlite").string();
    ledger_options.stop = stop;
    COVENANT_TRY(auto ledger, open_ledger(ledger_options, hotkey, clock, options.patient));
    // NOLINTNEXTLINE(modernize-make-unique): an aggregate that cannot move
    auto parts = std::unique_ptr<Parts>(new Parts{.options = options,
                                                  .clock = clock,
                                                  .stop = std::move(stop),
                                                  .datadir = std::move(datadir),
                                                  .hotkey = std::move(hotkey),
                                                  .ledger = std::move(ledger)});
    const node::DataDir& dir = parts->datadir;
    COVENANT_TRY(parts->store, store::open(options.store));
    COVENANT_CHECK(parts->join_run(role));
    COVENANT_CHECK(parts->open_node());
    if (!options.metrics.empty()) {
        COVENANT_TRY(const std::uint16_t port, parts->metrics.serve(options.metrics));
        log::info("start", "metrics", {{"port", port}});
    }
    if (options.patient) {  // a look starts nothing
        log::info("start", "ready",
                  {{"role", protocol::to_string(role)},
                   {"uid", parts->node->seat().uid.value},
                   {"hotkey", to_0x(parts->hotkey.address())},
                   {"run", to_short_hex(parts->node->seat().run.view())},
                   {"datadir", dir.path().string()}});
    }
    return std::unique_ptr<Participant>(new Participant(std::move(parts)));
}

const Node& Participant::node() const {
    return *parts_->node;
}

Background& Participant::background() const {
    return *parts_->background;
}

Status Participant::run(Role& role) {
    Parts& p = *parts_;
    node::Gauge head_time =
        p.metrics.gauge("chain_head_timestamp_seconds", "timestamp of the newest block seen");
    node::Counter ticks = p.metrics.counter("ticks_total", "looks at the chain");
    std::int64_t said_ms = p.clock.unix_ms();
    while (!p.stop.stop_requested()) {
        auto head = p.sync_patiently();
        if (!head) {
            return head.error().code == Errc::kInterrupted ? Status{}
                                                           : fail(std::move(head).error());
        }
        head_time.set(static_cast<double>(head->time.value));
        ticks.add();
        const auto report = role.tick(*head);
        if (!report) {
            return report.error().code == Errc::kInterrupted ? Status{}
                                                             : fail(Error(report.error()));
        }
        if (role.finished(*head)) {
            return {};
        }
        if (report->busy()) {
            said_ms = p.clock.unix_ms();
            continue;
        }
        if (const std::int64_t now = p.clock.unix_ms(); now - said_ms >= kHeartbeatMs) {
            log::info("alive", report->note.empty() ? "waiting for the next phase" : report->note,
                      {{"block", head->number.value}, {"chain_time", head->time.value}});
            said_ms = now;
        }
        p.background->rest(Millis(p.options.poll_ms), p.stop);
    }
    return {};
}

}  // namespace covenant::participant
