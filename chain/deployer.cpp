#include "chain/deployer.hpp"

#include "chain/abi/codec.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"

#include <utility>
#include <vector>

namespace covenant::chain {
using codec::Json;

namespace {

constexpr std::size_t kMaxArtifact = std::size_t{16} << 20;
constexpr std::size_t kMaxCreationCode = 64 * 1024;
constexpr std::uint64_t kAuthorityOffset =
    6;  // seventh transaction: its address is named before it exists

struct Step {
    std::string_view name;
    Address ContractAddresses::*field;
    AbiWriter arguments;
};

Bytes address_list(const std::vector<Address>& addresses) {
    AbiWriter items;
    for (const Address& address : addresses) {
        items.address(address);
    }
    return items.finish();
}

Result<std::uint64_t> pending_nonce(Account& account) {
    Json params = Json::array();
    params.push(to_0x(account.address())).push("pending");
    COVENANT_TRY(const Json value, account.rpc().call("eth_getTransactionCount", params));
    return parse_quantity(value);
}

}  // namespace

Result<Bytes> load_creation_code(const std::string& artifacts, std::string_view contract) {
    const std::string name(contract);
    const std::string path = artifacts + "/" + name + ".sol/" + name + ".json";
    auto text = read_text_file(path, kMaxArtifact);
    if (!text && text.error().code == Errc::kNotFound) {
        return fail(Errc::kNotFound, "no compiled contract at " + path +
                                         ": build the contracts with contracts/build");
    }
    if (!text) return fail(std::move(text).error());
    auto json = Json::parse(*text);
    if (!json) return fail(std::move(json).error().within(path));
    auto bytecode = json->at("bytecode");
    if (!bytecode) return fail(std::move(bytecode).error().within(path));
    auto code = bytecode->bytes("object", kMaxCreationCode);
    if (!code) return fail(std::move(code).error().within(path));
    if (code->empty()) return fail(Errc::kMalformed, path + ": an interface has no bytecode");
    return code;
}

Result<NetworkFile> deploy(Account& deployer, const DeployOptions& options) {
    RpcClient& rpc = deployer.rpc();
    NetworkFile out;
    out.rpc_url = options.rpc_url;
    COVENANT_TRY(out.chain_id, chain_id(rpc));
    COVENANT_TRY(const std::optional<BlockHeader> genesis, block_by_number(rpc, 0));
    if (!genesis) return fail(Errc::kUnavailable, "the node has no block 0 yet");
    out.genesis_hash = genesis->hash;

    const Address self = deployer.address();
    COVENANT_TRY(const std::uint64_t nonce, pending_nonce(deployer));
    ContractAddresses& c = out.contracts;
    c.token = created_address(self, nonce);
    c.registry = created_address(self, nonce + 1);
    c.run_registry = created_address(self, nonce + 2);
    c.round_manager = created_address(self, nonce + 3);
    c.score_ledger = created_address(self, nonce + 4);
    c.emissions = created_address(self, nonce + 5);
    c.authority = created_address(self, nonce + kAuthorityOffset);
    const Address treasury = options.treasury.is_zero() ? self : options.treasury;
    std::vector<Address> minters{c.emissions};
    if (options.faucet) minters.push_back(self);

    using C = ContractAddresses;
    const std::vector<Step> steps{
        {"Token", &C::token, AbiWriter().address(c.authority)},
        {"Registry", &C::registry, AbiWriter().address(c.token).uint(options.unbonding_seconds)},
        {"RunRegistry", &C::run_registry, AbiWriter().address(c.authority)},
        {"RoundManager", &C::round_manager,
         AbiWriter().address(c.registry).address(c.run_registry).address(c.score_ledger)},
        {"ScoreLedger", &C::score_ledger, AbiWriter().address(c.registry).address(c.run_registry)},
        {"Emissions", &C::emissions,
         AbiWriter()
             .address(c.token)
             .address(c.registry)
             .address(c.run_registry)
             .address(c.round_manager)
             .address(c.score_ledger)
             .address(treasury)},
        {"Authority", &C::authority,
         AbiWriter()
             .address(self)
             .address(c.token)
             .address(c.run_registry)
             .static_array(minters.size(), address_list(minters))
             .static_array(1, address_list({self}))},
    };
    std::vector<Bytes> codes;
    for (const Step& step : steps) {
        COVENANT_TRY(Bytes code, load_creation_code(options.artifacts, step.name));
        append(code, step.arguments.finish());
        codes.push_back(std::move(code));
    }
    std::vector<Hash256> hashes;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::string what = "deploy " + std::string(steps[i].name);
        if (options.progress) options.progress(what);
        COVENANT_TRY(const Hash256 hash, deployer.post(what, std::nullopt, std::move(codes[i])));
        hashes.push_back(hash);
    }
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const std::string what = "deploy " + std::string(steps[i].name);
        COVENANT_TRY(const Receipt receipt, deployer.wait(what, hashes[i]));
        const Address& expected = c.*steps[i].field;
        if (!receipt.created || *receipt.created != expected) {
            return fail(Errc::kMismatch,
                        what + ": created at " +
                            (receipt.created ? to_0x(*receipt.created) : std::string("nowhere")) +
                            " instead of " + to_0x(expected) +
                            ": another process sent from the deployer's account; deploy again");
        }
        if (i == 0) out.deployed_at = receipt.block.value;
        COVENANT_TRY(const Hash256 code, code_hash(rpc, expected));
        out.code_hashes.emplace(steps[i].name, code);
    }
    return out;
}

}  // namespace covenant::chain
