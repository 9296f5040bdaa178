#include "chain/network_file.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"

namespace covenant::chain {
using codec::Json;

namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxFile = 64 * 1024;

struct Member {
    std::string_view name;
    Address ContractAddresses::*field;
};
constexpr Member kMembers[] = {
    {"Token", &ContractAddresses::token},
    {"Registry", &ContractAddresses::registry},
    {"RunRegistry", &ContractAddresses::run_registry},
    {"RoundManager", &ContractAddresses::round_manager},
    {"ScoreLedger", &ContractAddresses::score_ledger},
    {"Emissions", &ContractAddresses::emissions},
    {"Authority", &ContractAddresses::authority},
};

}  // namespace

Json to_json(const NetworkFile& network) {
    Json contracts = Json::object();
    for (const Member& member : kMembers) {
        Json entry = Json::object();
        entry.set("address", to_0x(network.contracts.*member.field));
        const auto code = network.code_hashes.find(member.name);
        if (code != network.code_hashes.end()) entry.set("code_hash", to_0x(code->second));
        contracts.set(member.name, entry);
    }
    Json out = Json::object();
    out.set("version", kVersion)
        .set("chain_id", network.chain_id)
        .set("genesis_hash", to_0x(network.genesis_hash))
        .set("rpc_url", network.rpc_url)
        .set("deployed_at", network.deployed_at)
        .set("run", network.run.is_zero() ? Json() : Json(to_0x(network.run)))
        .set("contracts", contracts);
    return out;
}

Result<NetworkFile> parse_network(const Json& json) {
    COVENANT_CHECK(json.only_keys(
        {"version", "chain_id", "genesis_hash", "rpc_url", "deployed_at", "run", "contracts"}));
    COVENANT_TRY(const std::uint64_t version, json.u64("version"));
    if (version != kVersion) {
        return fail(Errc::kMalformed, "network file version " + std::to_string(version) +
                                          ", this build reads " + std::to_string(kVersion));
    }
    NetworkFile out;
    COVENANT_TRY(out.chain_id, json.u64("chain_id"));
    COVENANT_TRY(out.genesis_hash, json.fixed<Hash256>("genesis_hash"));
    COVENANT_TRY(out.rpc_url, json.string("rpc_url"));
    COVENANT_TRY(out.deployed_at, json.u64("deployed_at"));
    if (json.has("run") && !json.at("run")->is_null()) {
        COVENANT_TRY(out.run, json.fixed<Hash256>("run"));
    }
    COVENANT_TRY(const Json contracts, json.at("contracts"));
    for (const Member& member : kMembers) {
        COVENANT_TRY(const Json entry, contracts.at(member.name));
        COVENANT_TRY(out.contracts.*member.field, entry.fixed<Address>("address"));
        COVENANT_TRY(const Hash256 code, entry.fixed<Hash256>("code_hash"));
        out.code_hashes.emplace(member.name, code);
    }
    return out;
}

Result<NetworkFile> load_network(const std::string& path) {
    auto text = read_text_file(path, kMaxFile);
    if (!text && text.error().code == Errc::kRejected) {
        return fail(Errc::kMalformed, path + ": too large for a network file");
    }
    if (!text) return fail(std::move(text).error());
    auto json = Json::parse(*text);
    if (!json) return fail(std::move(json).error().within(path));
    auto network = parse_network(*json);
    if (!network) return fail(std::move(network).error().within(path));
    return network;
}

Status save_network(const NetworkFile& network, const std::string& path) {
    const std::string text = to_json(network).dump(Json::Style::kPretty) + "\n";
    return write_file_durably(path, as_bytes(text), {.overwrite = Overwrite::kYes});
}

Status check_network(const NetworkFile& network, RpcClient& rpc) {
    const std::string where = "the node at " + rpc.endpoint();
    COVENANT_TRY(const std::uint64_t id, chain_id(rpc));
    if (id != network.chain_id) {
        return fail(Errc::kMismatch,
                    where + " serves chain " + std::to_string(id) + ", network.json is for chain " +
                        std::to_string(network.chain_id) + ": point rpc_url at the right network");
    }
    COVENANT_TRY(const std::optional<BlockHeader> genesis, block_by_number(rpc, 0));
    if (!genesis) return fail(Errc::kUnavailable, where + " has no block 0 yet");
    if (genesis->hash != network.genesis_hash) {
        return fail(Errc::kMismatch, where + " has genesis block " + to_0x(genesis->hash) +
                                         ", network.json says " + to_0x(network.genesis_hash) +
                                         ": it is another chain with the same id, or one that was "
                                         "started anew without its saved state");
    }
    for (const Member& member : kMembers) {
        const Address& address = network.contracts.*member.field;
        const auto expected = network.code_hashes.find(member.name);
        if (expected == network.code_hashes.end()) {
            return fail(Errc::kMalformed,
                        "network.json has no code hash for " + std::string(member.name));
        }
        auto found = code_hash(rpc, address);
        if (!found && found.error().code == Errc::kNotFound) {
            return fail(Errc::kMismatch, where + " has no contract " + std::string(member.name) +
                                             " at " + to_0x(address) +
                                             ": the chain lost blocks or the file is of another "
                                             "deployment");
        }
        if (!found) return fail(std::move(found).error());
        if (*found != expected->second) {
            return fail(Errc::kMismatch, "contract " + std::string(member.name) + " at " +
                                             to_0x(address) + " has code hash " + to_0x(*found) +
                                             ", network.json says " + to_0x(expected->second) +
                                             ": do not send anything to it");
        }
    }
    return {};
}

}  // namespace covenant::chain
