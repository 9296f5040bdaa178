// The contracts' interface as calldata and logs; names and types are those of contracts/src.
#pragma once

#include "chain/abi/codec.hpp"
#include "common/base/result.hpp"
#include "common/protocol/intent.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace covenant::chain {

struct ContractAddresses {
    Address authority;
    Address token;
    Address registry;
    Address run_registry;
    Address round_manager;
    Address score_ledger;
    Address emissions;
    bool operator==(const ContractAddresses&) const = default;

    // (name as in contracts/src, address), in the order of deployment.
    [[nodiscard]] std::vector<std::pair<std::string_view, Address>> list() const;
    [[nodiscard]] const Address& of(protocol::Contract contract) const;
};

// ---- calls

struct Call {
    Address to;
    Bytes data;
};
// The intent as its one call. Nothing for a kind whose call needs more than its fields
// (intent.hpp).
std::optional<Call> call_of(const ContractAddresses& contracts, const protocol::Intent& intent);
// Its calldata; empty for such a kind.
Bytes call_data(const protocol::Intent& intent);

namespace calls {
Bytes register_hotkey(const Address& hotkey, protocol::Role role, const PublicKey& network_key,
                      std::uint64_t deadline, ByteView signature);
Bytes nonces(const Address& hotkey);
Bytes uid_of(const Address& hotkey);
Bytes stake_of(protocol::Uid uid);
Bytes request_unstake(protocol::Uid uid, Amount amount);
Bytes withdraw_stake(protocol::Uid uid);
Bytes run_exists(const protocol::RunId& run);
Bytes prove_beacon(const protocol::RunId& run, protocol::BeaconSlot slot, ByteView header,
                   ByteView parent_header);
Bytes settle(const protocol::SettleRound& settle, std::uint16_t max_uids);
Bytes settled(const protocol::RunId& run, protocol::Round round);
Bytes claimable(protocol::Uid uid);
Bytes approve(const Address& spender, Amount amount);
Bytes allowance(const Address& owner, const Address& spender);
Bytes transfer(const Address& to, Amount amount);
Bytes mint(const Address& to, Amount amount);
Bytes balance_of(const Address& account);
Bytes total_supply();
}  // namespace calls

// EIP-712 digest of HotkeyConsent under domain {"Covenant", "1", chain_id, registry}.
Hash256 hotkey_consent_digest(std::uint64_t chain_id, const Address& registry,
                              const Address& coldkey, const Address& hotkey, protocol::Role role,
                              const PublicKey& network_key, std::uint64_t nonce,
                              std::uint64_t deadline);

// ---- logs

struct Log {
    Address address;
    std::vector<Hash256> topics;  // at most 4
    Bytes data;
    protocol::BlockNumber block;
    Hash256 block_hash;
    Hash256 transaction;
    std::uint32_t index = 0;  // in the block
};

// Nothing for a log of another address or of an event that the protocol does not fold (an ERC-20
// Transfer, say). kMalformed when a known event's topics or data do not decode: then the contract
// is not ours.
Result<std::optional<protocol::EventBody>> decode_log(const ContractAddresses& contracts,
                                                      const Log& log);
// The inverse, for tests and for scripted chains.
Log encode_log(const ContractAddresses& contracts, const protocol::EventBody& body);

}  // namespace covenant::chain
