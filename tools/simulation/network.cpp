#include "tools/simulation/network.hpp"

#include "chain/participant/node.hpp"
#include "common/base/assert.hpp"
#include "common/store/sealed_artifact.hpp"

#include <algorithm>

namespace covenant::simulation {

using protocol::Role;
using protocol::Round;
using protocol::Uid;

struct Network::Node {
    explicit Node(Member who) : member(std::move(who)) {}
    Member member;
    std::unique_ptr<chain::SimLedger> ledger;
    // Everything below is the process: gone when it is killed.
    std::unique_ptr<participant::Node> node;
    std::unique_ptr<participant::Background> background;
    std::unique_ptr<participant::Role> role;

    [[nodiscard]] bool running() const { return role != nullptr; }
    [[nodiscard]] bool is(Role kind) const { return running() && member.role == kind; }
    void lose_memory() {
        role.reset();
        background.reset();
        node.reset();
    }
};

namespace {

constexpr std::uint64_t kMaxTicksPerBlock = 64;

}  // namespace

Network::Network(NetworkOptions options, engine::Engine& engine, const data::WindowReader& windows,
                 store::ArtifactStore& store)
    : options_(std::move(options)), engine_(engine), windows_(windows), store_(store) {}

Network::~Network() = default;

Result<std::unique_ptr<Network>> Network::create(NetworkOptions options,
                                                 std::vector<Member> members,
                                                 engine::Engine& engine,
                                                 const data::WindowReader& windows,
                                                 store::ArtifactStore& store,
                                                 const engine::ParameterBuffer& genesis) {
    auto network =
        std::unique_ptr<Network>(new Network(std::move(options), engine, windows, store));
    for (Member& member : members) {
        network->nodes_.push_back(std::make_unique<Node>(std::move(member)));
    }
    COVENANT_CHECK(network->set_up(genesis));
    return network;
}

Status Network::set_up(const engine::ParameterBuffer& genesis) {
    const Bytes spec = protocol::encode_run_spec(options_.spec);
    const protocol::RunId run = protocol::run_id(spec);
    clock_ =
        std::make_unique<VirtualClock>(static_cast<std::int64_t>(options_.chain.start_time) * 1000);
    chain_ = std::make_unique<chain::SimChain>(*clock_, run, options_.chain);
    const Address creator = nodes_.front()->member.coldkey;
    COVENANT_CHECK(chain_->submit(creator, "create-run",
                                  protocol::CreateRun{spec, protocol::terms_of(options_.spec)}));
    std::uint16_t next = 0;
    for (const auto& node : nodes_) {
        const Member& member = node->member;
        const Uid uid(next++);
        uids_[member.name] = uid;
        const Address hotkey = member.hotkey.address();
        COVENANT_CHECK(chain_->submit(
            member.coldkey, "register/" + member.name,
            protocol::RegisterHotkey{member.coldkey, hotkey, member.role, member.network_key}));
        COVENANT_CHECK(chain_->submit(member.coldkey, "stake/" + member.name,
                                      protocol::AddStake{uid, member.stake}));
        node->ledger = std::make_unique<chain::SimLedger>(*chain_, hotkey);
    }
    clock_->advance(Millis(options_.chain.block_seconds * 1000));
    chain_->catch_up();
    for (const auto& [name, uid] : uids_) {
        const protocol::Neuron* neuron = chain_->state()->roster.find(uid);
        if (neuron == nullptr || neuron->hotkey != node(name).member.hotkey.address()) {
            return fail(Errc::kPrecondition,
                        "simulation: " + name + " did not get uid " + std::to_string(uid.value));
        }
    }
    if (!chain_->state()->spec) {
        return fail(Errc::kInvalidArgument,
                    "simulation: the run spec is refused: " +
                        std::string(protocol::to_string(chain_->state()->spec_verdict)));
    }
    COVENANT_TRY(const Hash256 object, store_.put(genesis.bytes()));
    COVENANT_CHECK(store_.publish(store::checkpoint_name(run, options_.spec.genesis_root), object));
    for (const auto& node : nodes_) {
        COVENANT_CHECK(start(*node));
    }
    return {};
}

Status Network::start(Node& node) {
    // A node that is cut off starts from what its ledger saw before.
    if (auto synced = node.ledger->sync(); !synced && !synced.error().retryable) {
        return fail(std::move(synced).error());
    }
    COVENANT_TRY(node.node, participant::Node::open({.ledger = *node.ledger,
                                                     .store = store_,
                                                     .engine = engine_,
                                                     .windows = windows_,
                                                     .clock = *clock_,
                                                     .folder = options_.folder / node.member.name,
                                                     .key = node.member.hotkey}));
    node.background = options_.background ? options_.background(node.member.name, *clock_)
                                          : std::make_unique<participant::InlineBackground>();
    if (node.member.role == Role::kMiner) {
        node.role = std::make_unique<miner::Miner>(
            *node.node, *node.background, miner::MinerOptions{.conduct = node.member.conduct});
    } else {
        node.role = std::make_unique<validator::Validator>(*node.node, *node.background);
    }
    return {};
}

Network::Node& Network::node(const std::string& name) {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                    [&](const auto& one) { return one->member.name == name; });
    COVENANT_ASSERT(found != nodes_.end(), "a simulation names its own members");
    return **found;
}

Status Network::kill(const std::string& name) {
    node(name).lose_memory();
    return {};
}

Status Network::restart(const std::string& name) {
    return start(node(name));
}

void Network::set_online(const std::string& name, bool online) {
    node(name).ledger->set_online(online);
}

// Miners in the recorded order of their commitments, silent ones left out; validators after them.
std::vector<Network::Node*> Network::order() {
    std::vector<Node*> nodes;
    const auto round = protocol::round_at(options_.spec.timing, now());
    const auto wanted =
        options_.commit_order && round ? options_.commit_order(*round) : std::nullopt;
    if (wanted) {
        for (const std::string& name : *wanted) {
            nodes.push_back(&node(name));
        }
    }
    for (const auto& one : nodes_) {
        const bool named = std::find(nodes.begin(), nodes.end(), one.get()) != nodes.end();
        if (wanted && one->is(Role::kMiner)) {
            // A silent miner still owes keys and openings of earlier rounds, of which round 0 has
            // none.
            if (!named && round->value == 0) {
                continue;
            }
            one->role->set_last_round(named ? std::nullopt
                                            : std::optional(Round(round->value - 1)));
        }
        const bool silent = one->is(Role::kValidator) && options_.validators_silent &&
                            options_.validators_silent(now());
        if (!named && !silent) {
            nodes.push_back(one.get());
        }
    }
    return nodes;
}

Status Network::tick(Node& node) {
    for (std::uint64_t i = 0; node.running() && i < kMaxTicksPerBlock; ++i) {
        auto head = node.ledger->sync();
        if (!head) {
            return head.error().retryable ? Status{} : Status(fail(std::move(head).error()));
        }
        COVENANT_TRY(const participant::TickReport report, node.role->tick(*head));
        if (!report.busy()) {
            return {};
        }
        if (probe_ && !probe_(node.member.name, report.round, report.duty)) {
            node.lose_memory();
        }
    }
    return {};
}

Status Network::step() {
    clock_->advance(Millis(options_.chain.block_seconds * 1000));
    chain_->catch_up();
    for (Node* node : order()) {
        if (Status ticked = tick(*node); !ticked) {
            return fail(std::move(ticked).error().within(node->member.name));
        }
    }
    return {};
}

Status Network::run_until_settled(Round round, std::uint64_t extra_seconds) {
    const std::uint64_t end =
        protocol::round_times(options_.spec.timing, round).score_reveal.value + extra_seconds;
    for (;;) {
        const auto record = state().rounds.find(round);
        if (record != state().rounds.end() && record->second.settled) {
            return {};
        }
        if (now().value > end) {
            return fail(Errc::kTimeout, "round " + std::to_string(round.value) +
                                            " is not settled " + std::to_string(extra_seconds) +
                                            " s after its reveals closed");
        }
        COVENANT_CHECK(step());
    }
}

}  // namespace covenant::simulation
