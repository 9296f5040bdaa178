// What an operator does by hand, one waited-for transaction each: tokens, runs, registration,
// stake.
#pragma once

#include "chain/network_file.hpp"
#include "chain/tx/account.hpp"
#include "common/crypto/secp256k1.hpp"

namespace covenant::chain {

class AdminClient {
  public:
    AdminClient(Account& account, NetworkFile network)
        : account_(&account), network_(std::move(network)) {}

    // Needs the minter's role (the deployer of a test chain has it).
    Status mint(const Address& to, Amount amount);
    Status transfer_tokens(const Address& to, Amount amount);
    Status transfer_ether(const Address& to, Uint128 wei);
    // Needs the run creator's role. Returns the run's id, computed by us and checked against the
    // chain's event.
    // kPrecondition: the chain's randomness is constant, or no header of it can be proven.
    Result<protocol::RunId> create_run(const protocol::RunSpec& spec);
    // The account is the coldkey; the hotkey signs its consent here and now. kAlreadyExists when
    // the hotkey is registered (the text has its uid).
    Result<protocol::Uid> register_hotkey(const crypto::SecretKey& hotkey, protocol::Role role,
                                          const PublicKey& network_key);
    // approve (when the allowance is short), then addStake.
    Status add_stake(protocol::Uid uid, Amount amount);
    Status request_unstake(protocol::Uid uid, Amount amount);
    Status withdraw_stake(protocol::Uid uid);
    Status settle(const protocol::RunId& run, protocol::Round round);  // pages until it is done
    Result<Amount> claim(protocol::Uid uid);                           // what was paid

    // Reads.
    Result<Amount> balance(const Address& account);
    Result<Amount> stake(protocol::Uid uid);
    Result<Amount> claimable(protocol::Uid uid);
    Result<Amount> total_supply();
    Result<Uint128> ether(const Address& account);  // wei
    [[nodiscard]] const NetworkFile& network() const { return network_; }

  private:
    Result<Amount> read_amount(const Address& contract, const Bytes& call);

    Account* account_;
    NetworkFile network_;
};

// hotkey's signature over HotkeyConsent for `coldkey`; 65 bytes.
Bytes sign_hotkey_consent(const NetworkFile& network, const Address& coldkey,
                          const crypto::SecretKey& hotkey, protocol::Role role,
                          const PublicKey& network_key, std::uint64_t nonce,
                          std::uint64_t deadline);

}  // namespace covenant::chain
