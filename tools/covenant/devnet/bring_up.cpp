#include "tools/covenant/devnet/bring_up.hpp"

#include "chain/deployer.hpp"
#include "chain/rpc/types.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"
#include "common/data/corpus/king_james.hpp"
#include "common/node/keystore.hpp"
#include "common/node/lifecycle.hpp"
#include "common/store/file_store.hpp"
#include "common/store/sealed_artifact.hpp"

#include <thread>

#include <fmt/format.h>
#include <unistd.h>

namespace covenant::devnet {
namespace {

constexpr std::uint64_t kAnyTime = 1'000'000;  // of a run that never runs
constexpr std::uint64_t kMinerStake = 200;
constexpr std::uint64_t kValidatorStake = 1000;
constexpr std::string_view kPassword = "devnet";  // lint: no secret: the keys follow from --seed
constexpr crypto::Argon2Params kQuickKdf{1,
                                         std::uint64_t{1} << 20};  // development keys are no secret

// What covenant-engine prepare prints.
struct Genesis {
    std::string profile;
    Hash256 root;
    Hash256 object;
};

Result<Genesis> prepare_genesis(const Options& options, const Programs& programs,
                                const Layout& layout, const std::stop_token& stop) {
    COVENANT_TRY(const std::string text,
                 run_and_read({programs.path("covenant-engine"), "prepare", "--store",
                               layout.store().string(), "--seed", std::to_string(options.seed),
                               "--profile", options.profile, "--threads", "1"},
                              layout.logs() / "engine.log", stop));
    COVENANT_TRY(const codec::Json json, codec::Json::parse(text));
    Genesis genesis;
    COVENANT_TRY(genesis.profile, json.string("profile"));
    COVENANT_TRY(genesis.root, json.fixed<Hash256>("root"));
    COVENANT_TRY(genesis.object, json.fixed<Hash256>("object"));
    return genesis;
}

Status write_spec(const std::filesystem::path& file, const protocol::RunSpec& spec) {
    return write_file_durably(file, protocol::encode_run_spec(spec),
                              {.overwrite = Overwrite::kYes});
}

// All processes' work at once, in a folder that goes away afterwards. The deadlines are still open:
// `spec` gets some that are valid, because only a valid one can be written down.
Result<Trial> run_trial(const Options& options, const Programs& programs, const Layout& layout,
                        protocol::RunSpec spec, unsigned cores, const std::stop_token& stop) {
    spec.timing = plan_timing(spec, options, {.segment_ms = 1000.0}, cores, 1.0);
    spec.timing.start_time = kAnyTime;
    COVENANT_CHECK(write_spec(layout.trial_spec(), spec));
    const auto text = run_and_read(
        {programs.path("covenant-engine"), "trial", "--spec", layout.trial_spec().string(),
         "--data", layout.data().string(), "--store", layout.trial().string(), "--seed",
         std::to_string(options.seed), "--miners", std::to_string(options.miners), "--validators",
         std::to_string(options.validators)},
        layout.logs() / "engine.log", stop);
    std::error_code ignored;
    std::filesystem::remove_all(layout.trial(), ignored);
    std::filesystem::remove(layout.trial_spec(), ignored);
    COVENANT_TRY(const std::string output, text);
    COVENANT_TRY(const codec::Json json, codec::Json::parse(output));
    Trial trial;
    COVENANT_TRY(trial.start_ms, json.number("start_ms"));
    COVENANT_TRY(trial.segment_ms, json.number("segment_ms"));
    COVENANT_TRY(trial.round_ms, json.number("round_ms"));
    COVENANT_TRY(trial.screen_ms, json.number("screen_ms"));
    COVENANT_TRY(trial.window_ms, json.number("window_ms"));
    return trial;
}

Result<double> initial_loss(const Programs& programs, const Layout& layout, const Hash256& root,
                            const std::stop_token& stop) {
    COVENANT_TRY(const std::string text,
                 run_and_read({programs.path("covenant-engine"), "heldout-loss", "--spec",
                               layout.spec().string(), "--data", layout.data().string(), "--store",
                               layout.store().string(), "--root", to_0x(root)},
                              layout.logs() / "engine.log", stop));
    COVENANT_TRY(const codec::Json json, codec::Json::parse(text));
    return json.number("loss");
}

Status make_keys(const Layout& layout, std::uint64_t seed, const std::vector<Participant>& people) {
    COVENANT_CHECK(write_file_durably(layout.password(), as_bytes(std::string(kPassword) + "\n"),
                                      {.overwrite = Overwrite::kYes, .access = Access::kPrivate}));
    const auto password = crypto::SecretBytes::copy_of(as_bytes(kPassword));
    for (const Participant& one : people) {
        const node::Keystore keys(layout.nodes() / one.name / "keys");
        const auto stored = node::Keystore(keys).store(
            "hotkey", node::KeyKind::kHotkey, hotkey_of(seed, one.name), password, kQuickKdf);
        if (!stored && stored.error().code != Errc::kAlreadyExists) {
            return fail(stored.error());
        }
    }
    return {};
}

// Ether for fees, tokens, registration and stake for everybody.
Status register_all(chain::RpcClient& rpc, Anvil& anvil, chain::AdminClient& admin,
                    std::uint64_t seed, Record& record) {
    for (const Participant& one : record.participants) {
        const crypto::SecretKey coldkey = coldkey_of(seed, one.name);
        const crypto::SecretKey hotkey = hotkey_of(seed, one.name);
        COVENANT_CHECK(anvil.set_ether(coldkey.address(), kOneToken * 10));
        COVENANT_CHECK(anvil.set_ether(hotkey.address(), kOneToken * 1000));
        const std::uint64_t tokens =
            one.role == protocol::Role::kMiner ? kMinerStake : kValidatorStake;
        const Amount stake{kOneToken * tokens};
        COVENANT_CHECK(admin.mint(coldkey.address(), stake));
        chain::Account owner(rpc, coldkey, admin.network().chain_id);
        chain::AdminClient as_owner(owner, admin.network());
        COVENANT_TRY(const protocol::Uid uid,
                     as_owner.register_hotkey(hotkey, one.role, PublicKey{}));
        COVENANT_CHECK(as_owner.add_stake(uid, stake));
        record.uids[one.name] = uid;
    }
    return {};
}

}  // namespace

Result<Programs> find_programs() {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (error) {
        return fail(Errc::kIo, "cannot find this program's own path: " + error.message());
    }
    Programs programs;
    programs.folder = self.parent_path();
    // build/<preset>/bin inside the repository
    for (auto up = programs.folder; up.has_relative_path(); up = up.parent_path()) {
        if (std::filesystem::exists(up / "contracts" / "foundry.toml")) {
            programs.repository = up;
            return programs;
        }
    }
    return fail(Errc::kPrecondition,
                "no contracts folder above " + programs.folder.string() +
                    ": a devnet runs from a source tree (tools/devnet builds one)");
}

Result<Record> bring_up(const Start& start, Anvil& anvil, Clock& clock, const Say& say) {
    const Options& options = start.options;
    const Layout& layout = start.layout;
    Record record;
    COVENANT_TRY(record.participants, participants(options));
    record.seed = options.seed;
    record.rounds = options.rounds;
    record.cheat = options.cheat;
    record.keep = options.keep;
    record.deadline_factor = start.deadline_factor;
    record.next_factor = start.deadline_factor;
    protocol::RunSpec spec = nano_run(options.rounds);

    COVENANT_CHECK(say("preparing the King James text"));
    COVENANT_TRY(const data::CorpusManifest corpus, data::prepare_king_james(layout.data()));
    spec.data = corpus.data_spec();
    COVENANT_CHECK(say("making the first parameters"));
    COVENANT_TRY(const Genesis genesis,
                 prepare_genesis(options, start.programs, layout, start.stop));
    spec.genesis_root = genesis.root;
    spec.profile = genesis.profile;
    COVENANT_TRY(spec.chain_id, chain::chain_id(anvil.rpc()));
    COVENANT_CHECK(say(fmt::format("trying all work of {} miners and {} validators at once",
                                   options.miners, options.validators)));
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    COVENANT_TRY(const Trial trial,
                 run_trial(options, start.programs, layout, spec, cores, start.stop));
    record.step_ms = trial.segment_ms / spec.inner.steps_per_segment;

    COVENANT_CHECK(say("deploying the contracts"));
    COVENANT_CHECK(anvil.set_instant_blocks(true));
    const crypto::SecretKey operator_key = operator_of(options.seed);
    COVENANT_CHECK(anvil.set_ether(operator_key.address(), kOneToken * 1000));
    chain::Account account(anvil.rpc(), operator_key, spec.chain_id);
    chain::DeployOptions deployment;
    deployment.artifacts = (start.programs.repository / "contracts" / "out").string();
    deployment.rpc_url = anvil.url();
    deployment.faucet = true;
    COVENANT_TRY(chain::NetworkFile network, chain::deploy(account, deployment));

    COVENANT_CHECK(say("making keys, registering and staking"));
    COVENANT_CHECK(make_keys(layout, options.seed, record.participants));
    chain::AdminClient admin(account, network);
    COVENANT_CHECK(register_all(anvil.rpc(), anvil, admin, options.seed, record));

    COVENANT_CHECK(say("creating the run"));
    spec.timing = plan_timing(spec, options, trial, cores, start.deadline_factor);
    COVENANT_TRY(const chain::BlockHeader head, chain::latest_block(anvil.rpc()));
    const auto now = static_cast<std::uint64_t>(clock.unix_ms() / 1000);
    spec.timing.start_time = std::max(head.timestamp, now) + lead_seconds(spec, trial);
    COVENANT_TRY(record.run, admin.create_run(spec));
    network.run = record.run;
    COVENANT_CHECK(chain::save_network(network, layout.network().string()));
    COVENANT_CHECK(write_spec(layout.spec(), spec));
    COVENANT_CHECK(anvil.set_instant_blocks(false));

    COVENANT_TRY(auto store, store::FileStore::open(layout.store()));
    COVENANT_CHECK(
        store->publish(store::checkpoint_name(record.run, genesis.root), genesis.object));
    COVENANT_TRY(record.initial_loss,
                 initial_loss(start.programs, layout, genesis.root, start.stop));
    COVENANT_CHECK(save_record(layout, record));
    return record;
}

}  // namespace covenant::devnet
