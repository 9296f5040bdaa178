// network.json: which chain, which contracts, which run. Written by the deployer, read by every
// process, checked against the chain before anything is trusted or sent.
#pragma once

#include "chain/abi/contracts.hpp"
#include "chain/rpc/types.hpp"

#include <map>
#include <optional>
#include <string>

namespace covenant::chain {

struct NetworkFile {
    std::uint64_t chain_id = 0;
    Hash256 genesis_hash;  // of block 0
    std::string rpc_url;
    ContractAddresses contracts;
    std::map<std::string, Hash256, std::less<>>
        code_hashes;                // contract name -> keccak256 of its runtime code
    std::uint64_t deployed_at = 0;  // first block that can hold an event of ours
    protocol::RunId run;            // zero before a run is created
    bool operator==(const NetworkFile&) const = default;
};

codec::Json to_json(const NetworkFile& network);
// kMalformed names the field.
Result<NetworkFile> parse_network(const codec::Json& json);
// kNotFound, kIo, kMalformed; the text names the path.
Result<NetworkFile> load_network(const std::string& path);
// Atomic: a reader sees the old file or the new one.
Status save_network(const NetworkFile& network, const std::string& path);

// kMismatch names both values and what to do: another chain id, another genesis block, a contract
// that is missing or has other code. The RPC's own errors otherwise.
Status check_network(const NetworkFile& network, RpcClient& rpc);

}  // namespace covenant::chain
