// covenant-simulate, which `covenant simulate` becomes: the record of a devnet (beacons, roster,
// order of commitments) through the in-process network. Everything else, from assignments to
// parameters, must come out the same.
#include "chain/indexer/queries.hpp"
#include "chain/network_file.hpp"
#include "chain/participant/daemon.hpp"
#include "chain/participant/kernel_options.hpp"
#include "common/base/hex.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/genesis.hpp"
#include "common/execution/run_engine.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/execution/state_digest.hpp"
#include "common/node/command.hpp"
#include "common/protocol/round_view.hpp"
#include "common/store/memory_store.hpp"
#include "tests/adversary/kinds.hpp"
#include "tools/covenant/devnet/record/record.hpp"
#include "tools/covenant/simulate/devnet_index.hpp"
#include "tools/simulation/network.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>
#include <stdlib.h>

namespace covenant::tool {
namespace {

using protocol::Round;
using protocol::RunState;
using protocol::Uid;

// A folder that goes away with the object.
class ScratchFolder {
  public:
    static Result<ScratchFolder> make() {
        std::string name =
            (std::filesystem::temp_directory_path() / "covenant-simulate-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            return fail(Errc::kIo, "cannot make a temporary folder " + name);
        }
        return ScratchFolder(name);
    }
    ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ScratchFolder& operator=(ScratchFolder&&) = delete;
    ~ScratchFolder() {
        std::error_code ignored;
        if (!path_.empty()) {
            std::filesystem::remove_all(path_, ignored);
        }
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
};

// Miners by the order of their commitments in the recorded round.
std::vector<std::string> committed_names(const RunState& recorded, const devnet::Record& record,
                                         Round round) {
    std::vector<std::pair<std::uint32_t, std::string>> found;
    const auto at = recorded.rounds.find(round);
    for (const auto& [name, uid] : record.uids) {
        if (at != recorded.rounds.end() && at->second.commitments.contains(uid)) {
            found.emplace_back(at->second.commitments.at(uid).order, name);
        }
    }
    std::sort(found.begin(), found.end());
    std::vector<std::string> names;
    names.reserve(found.size());
    for (auto& [order, name] : found) {
        names.push_back(std::move(name));
    }
    return names;
}

chain::SimChainOptions recorded_chain(const RunState& recorded, const chain::NetworkFile& network,
                                      std::uint64_t start_time) {
    chain::SimChainOptions options;
    options.chain_id = network.chain_id;
    options.start_time = start_time;
    options.round_manager = network.contracts.round_manager;
    options.score_ledger = network.contracts.score_ledger;
    for (const auto& [slot, beacon] : recorded.beacons) {
        options.prevrandao[slot.value] = beacon.prevrandao;
    }
    return options;
}

// A null round of the record stays null: without its beacon nobody proves one, without acceptance
// nobody votes on parameters.
bool silent_at(const RunState& recorded, protocol::ChainTime now) {
    const auto round = protocol::round_at(recorded.spec->timing, now);
    if (!round) {
        return false;
    }
    const auto at = recorded.rounds.find(*round);
    if (at != recorded.rounds.end() && at->second.accepted) {
        return false;
    }
    const protocol::RoundTimes times = protocol::round_times(recorded.spec->timing, *round);
    const bool proven = recorded.beacons.contains(protocol::beacon_slot_of(*round));
    return now >= (proven ? times.t2 : times.beacon);
}

// The uids of the record in order: a simulation registers in that order.
Result<std::vector<simulation::Member>> members(const RunState& recorded,
                                                const devnet::Record& record) {
    std::vector<simulation::Member> all;
    for (const auto& [uid, neuron] : recorded.roster.neurons) {
        const auto person =
            std::find_if(record.participants.begin(), record.participants.end(),
                         [&, id = uid](const auto& one) { return record.uids.at(one.name) == id; });
        if (person == record.participants.end() || uid.value != all.size()) {
            return fail(Errc::kPrecondition, "uid " + std::to_string(uid.value) +
                                                 " of the roster is not in devnet.json");
        }
        COVENANT_TRY(const execution::Conduct* conduct, adversary::conduct_of(person->cheat));
        all.push_back({person->name, neuron.role, *conduct,
                       devnet::hotkey_of(record.seed, person->name), neuron.coldkey,
                       neuron.stake.empty() ? Amount{} : neuron.stake.back().total,
                       neuron.network_key});
    }
    return all;
}

struct Compared {
    Round round;
    std::vector<std::string> differences;
};

void compare(std::vector<std::string>& out, std::string_view what, const std::string& recorded,
             const std::string& simulated) {
    if (recorded != simulated) {
        out.push_back(fmt::format("{}: recorded {}, simulated {}", what, recorded, simulated));
    }
}

std::string accepted_text(const RunState& state, Round round) {
    const auto at = state.rounds.find(round);
    if (at == state.rounds.end() || !at->second.accepted) {
        return "none";
    }
    return fmt::format("{} loss {:08x}", to_0x(at->second.accepted->root),
                       at->second.accepted->loss_bits);
}

std::string assignment_text(const RunState& state, Round round, Uid uid) {
    const auto view = protocol::round_view(state, round);
    const protocol::MinerView* miner = view ? view->miner(uid) : nullptr;
    if (miner == nullptr) {
        return "none";
    }
    const auto windows = protocol::assigned_windows(*state.spec, view->assignment(*miner), 0,
                                                    state.spec->inner.steps_per_round);
    codec::Writer out;
    for (const protocol::WindowIndex window : windows) {
        out.id(window);
    }
    return fmt::format("{} windows {}", windows.size(), to_0x(crypto::sha256(out.view())));
}

std::string commitment_text(const RunState& state, Round round, Uid uid) {
    const auto at = state.rounds.find(round);
    if (at == state.rounds.end() || !at->second.commitments.contains(uid)) {
        return "none";
    }
    const protocol::RecordedCommitment& one = at->second.commitments.at(uid);
    return fmt::format("{} in place {}", to_0x(one.signed_commitment.commitment.root), one.order);
}

Compared compare_round(const RunState& recorded, const RunState& simulated,
                       const devnet::Record& record, Round round) {
    Compared out{round, {}};
    const auto recorded_rho = protocol::rho(recorded, round);
    const auto simulated_rho = protocol::rho(simulated, round);
    compare(out.differences, "beacon", recorded_rho ? to_0x(*recorded_rho) : "none",
            simulated_rho ? to_0x(*simulated_rho) : "none");
    for (const auto& [name, uid] : record.uids) {
        compare(out.differences, name + "'s assignment", assignment_text(recorded, round, uid),
                assignment_text(simulated, round, uid));
        compare(out.differences, name + "'s commitment", commitment_text(recorded, round, uid),
                commitment_text(simulated, round, uid));
    }
    compare(out.differences, "inclusion", protocol::included(recorded, round).to_string(),
            protocol::included(simulated, round).to_string());
    compare(out.differences, "parameters", accepted_text(recorded, round),
            accepted_text(simulated, round));
    return out;
}

Result<node::ExitCode> simulate(const participant::KernelOptions& options,
                                const node::CommandContext& context) {
    const devnet::Layout layout{context.global.datadir};
    COVENANT_TRY(const devnet::Record record, devnet::load_record(layout));
    COVENANT_TRY(auto index, open_index(layout));
    COVENANT_TRY(const RunState recorded, index.state(record.run));
    COVENANT_TRY(const chain::NetworkFile network, chain::load_network(layout.network().string()));
    if (!recorded.spec) {
        return fail(Errc::kNotFound, "the run is not in " + layout.index().string());
    }
    COVENANT_TRY(const engine::ProfileOptions kernels, participant::profile_options(options));
    COVENANT_TRY(engine::Engine engine, execution::open_engine(*recorded.spec, kernels));
    COVENANT_TRY(const auto windows, data::WindowReader::open(layout.data(), recorded.spec->data));
    const engine::ParameterBuffer genesis =
        engine::genesis_parameters(engine.layout(), record.seed);
    COVENANT_TRY(const ScratchFolder scratch, ScratchFolder::make());
    store::MemoryStore store;
    const std::uint64_t start =
        recorded.spec->timing.start_time - recorded.spec->timing.genesis_lead_seconds - 4;
    simulation::NetworkOptions network_options{
        .spec = *recorded.spec,
        .folder = scratch.path(),
        .chain = recorded_chain(recorded, network, start),
        .commit_order =
            [&](Round round) { return std::optional(committed_names(recorded, record, round)); },
        .validators_silent = [&](protocol::ChainTime now) { return silent_at(recorded, now); }};
    COVENANT_TRY(auto people, members(recorded, record));
    COVENANT_TRY(const auto simulated,
                 simulation::Network::create(std::move(network_options), std::move(people), engine,
                                             windows, store, genesis));
    bool same = true;
    codec::Json rows = codec::Json::array();
    for (Round round; round.value < record.rounds; round = round.next()) {
        const std::uint64_t end = protocol::round_times(recorded.spec->timing, round).t3.value;
        while (simulated->now().value < end) {
            COVENANT_CHECK(simulated->step());
        }
        const Compared one = compare_round(recorded, simulated->state(), record, round);
        same = same && one.differences.empty();
        context.output.text(fmt::format("round {:>3}  {}", round.value,
                                        one.differences.empty()
                                            ? "same assignments, commitments, losses and parameters"
                                            : "DIFFERENT"));
        codec::Json differences = codec::Json::array();
        for (const std::string& line : one.differences) {
            context.output.text("    " + line);
            differences.push(line);
        }
        codec::Json row = codec::Json::object();
        row.set("index", round.value)
            .set("same", one.differences.empty())
            .set("differences", std::move(differences));
        row.set("recorded", accepted_text(recorded, round))
            .set("simulated", accepted_text(simulated->state(), round));
        rows.push(std::move(row));
    }
    if (!same) {
        context.output.finding(
            Error{Errc::kMismatch, "the simulation differs from the record", false});
    }
    codec::Json data = codec::Json::object();
    data.set("same", same).set("rounds", std::move(rows));
    context.output.data(std::move(data));
    return same ? node::ExitCode::kOk : node::ExitCode::kVerificationFailed;
}

}  // namespace
}  // namespace covenant::tool

int main(int argc, char** argv) {
    using namespace covenant;
    participant::KernelOptions kernels;
    node::CommandTree tree("covenant-simulate", "a devnet's record through the in-process network",
                           participant::version_text("covenant-simulate"));
    // The word is that of `covenant simulate`, whose words come here as they are.
    node::Command& command = tree.root().add(
        "simulate", "a devnet's record through the in-process network, compared round by round");
    participant::describe(command.options(), kernels);
    command.detail(
        "Reads --datadir of a devnet. Exit code 0: every round comes out the same; 5: one does "
        "not.");
    command.handler([&kernels](const node::CommandContext& context) {
        return tool::simulate(kernels, context);
    });
    return tree.run(argc, argv);
}
