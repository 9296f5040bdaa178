#include "chain/abi/contracts.hpp"
#include "chain/abi/fields.hpp"
#include "common/crypto/eip712.hpp"

namespace covenant::chain {
using namespace protocol;

std::vector<std::pair<std::string_view, Address>> ContractAddresses::list() const {
    return {{"Token", token},
            {"Registry", registry},
            {"RunRegistry", run_registry},
            {"RoundManager", round_manager},
            {"ScoreLedger", score_ledger},
            {"Emissions", emissions},
            {"Authority", authority}};
}

const Address& ContractAddresses::of(Contract contract) const {
    switch (contract) {
        case Contract::kRegistry:
            return registry;
        case Contract::kRunRegistry:
            return run_registry;
        case Contract::kRoundManager:
            return round_manager;
        case Contract::kScoreLedger:
            return score_ledger;
        case Contract::kEmissions:
            return emissions;
    }
    return authority;  // no such contract
}

namespace {

// The fields as a call's arguments, in their order.
struct Arguments {
    AbiWriter out;

    template <typename T>
    void data(std::string_view, const T& field) {
        abi_write(out, field);
    }
    void loss(std::uint32_t bits) { abi_write(out, bits); }
};

template <typename Kind>
concept OneCall = requires {
    Kind::kFunction;
};

}  // namespace

std::optional<Call> call_of(const ContractAddresses& contracts, const Intent& intent) {
    return std::visit(
        [&]<typename Kind>(const Kind& kind) -> std::optional<Call> {
            if constexpr (OneCall<Kind>) {
                Arguments arguments;
                Kind::fields(kind, arguments);
                return Call{contracts.of(Kind::kContract),
                            encode_call(abi_signature<Kind>(Kind::kFunction), arguments.out)};
            } else {
                return std::nullopt;
            }
        },
        intent);
}

Bytes call_data(const Intent& intent) {
    auto call = call_of({}, intent);
    return call ? std::move(call->data) : Bytes{};
}

namespace calls {

Bytes register_hotkey(const Address& hotkey, Role role, const PublicKey& network_key,
                      std::uint64_t deadline, ByteView signature) {
    return encode_call("register(address,uint8,bytes32,uint256,bytes)",
                       AbiWriter()
                           .address(hotkey)
                           .uint(static_cast<std::uint8_t>(role))
                           .bytes32(network_key)
                           .uint(deadline)
                           .bytes(signature));
}

Bytes nonces(const Address& hotkey) {
    return encode_call("nonces(address)", AbiWriter().address(hotkey));
}

Bytes uid_of(const Address& hotkey) {
    return encode_call("uidOf(address)", AbiWriter().address(hotkey));
}

Bytes stake_of(Uid uid) {
    return encode_call("stakeOf(uint16)", AbiWriter().uint(uid.value));
}

Bytes request_unstake(Uid uid, Amount amount) {
    return encode_call("requestUnstake(uint16,uint256)",
                       AbiWriter().uint(uid.value).uint(amount.units));
}

Bytes withdraw_stake(Uid uid) {
    return encode_call("withdrawStake(uint16)", AbiWriter().uint(uid.value));
}

Bytes run_exists(const RunId& run) {
    return encode_call("exists(bytes32)", AbiWriter().bytes32(run));
}

Bytes prove_beacon(const RunId& run, BeaconSlot slot, ByteView header, ByteView parent_header) {
    return encode_call(
        "proveBeacon(bytes32,uint64,bytes,bytes)",
        AbiWriter().bytes32(run).uint(slot.value).bytes(header).bytes(parent_header));
}

Bytes settle(const SettleRound& settle, std::uint16_t max_uids) {
    return encode_call("settle(bytes32,uint64,uint256)",
                       AbiWriter().bytes32(settle.run).uint(settle.round.value).uint(max_uids));
}

Bytes settled(const RunId& run, Round round) {
    return encode_call("settled(bytes32,uint64)", AbiWriter().bytes32(run).uint(round.value));
}

Bytes claimable(Uid uid) {
    return encode_call("claimable(uint16)", AbiWriter().uint(uid.value));
}

Bytes approve(const Address& spender, Amount amount) {
    return encode_call("approve(address,uint256)", AbiWriter().address(spender).uint(amount.units));
}

Bytes allowance(const Address& owner, const Address& spender) {
    return encode_call("allowance(address,address)", AbiWriter().address(owner).address(spender));
}

Bytes transfer(const Address& to, Amount amount) {
    return encode_call("transfer(address,uint256)", AbiWriter().address(to).uint(amount.units));
}

Bytes mint(const Address& to, Amount amount) {
    return encode_call("mint(address,uint256)", AbiWriter().address(to).uint(amount.units));
}

Bytes balance_of(const Address& account) {
    return encode_call("balanceOf(address)", AbiWriter().address(account));
}

Bytes total_supply() {
    return encode_call("totalSupply()", AbiWriter());
}

}  // namespace calls

Hash256 hotkey_consent_digest(std::uint64_t chain_id, const Address& registry,
                              const Address& coldkey, const Address& hotkey, Role role,
                              const PublicKey& network_key, std::uint64_t nonce,
                              std::uint64_t deadline) {
    const Hash256 domain = crypto::eip712_domain_separator({"Covenant", "1", chain_id, registry});
    const Hash256 message =
        crypto::Eip712Struct(
            "HotkeyConsent(address coldkey,address hotkey,uint8 role,bytes32 networkKey,"
            "uint256 nonce,uint256 deadline)")
            .address(coldkey)
            .address(hotkey)
            .uint(static_cast<std::uint8_t>(role))
            .bytes32(network_key)
            .uint(nonce)
            .uint(deadline)
            .hash();
    return crypto::eip712_digest(domain, message);
}

}  // namespace covenant::chain
