// Puts the contracts on a chain: plain transactions in the order that contracts/README.md gives,
// constructor arguments encoded here, roles wired through the AccessManager. The same arguments on
// a fresh chain give the same addresses.
#pragma once

#include "chain/network_file.hpp"
#include "chain/tx/account.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace covenant::chain {

struct DeployOptions {
    std::string
        artifacts;        // folder with <Name>.sol/<Name>.json as forge writes them (contracts/out)
    std::string rpc_url;  // goes into the network file
    Address treasury;     // receives the treasury's share; zero: the deployer
    std::uint64_t unbonding_seconds = 7 * 24 * 3600;
    bool faucet = false;  // test chains: the deployer may mint for as long as it keeps the role
    std::function<void(std::string_view step)> progress;  // one call a transaction; may be empty
};

// Creation code of one artifact. kNotFound names the file and the command that builds it;
// kMalformed for unlinked or broken bytecode.
Result<Bytes> load_creation_code(const std::string& artifacts, std::string_view contract);

// kRejected, kPrecondition as Account::send; the chain keeps what was deployed before a failure.
Result<NetworkFile> deploy(Account& deployer, const DeployOptions& options);

}  // namespace covenant::chain
