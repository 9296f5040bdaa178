#include "chain/admin_client.hpp"

#include "common/base/hex.hpp"
#include "common/crypto/eip712.hpp"

#include <algorithm>

namespace covenant::chain {
using namespace protocol;
using codec::Json;

namespace {

constexpr std::uint64_t kConsentSeconds = 24 * 3600;
constexpr std::uint16_t kSettlePage = 256;
constexpr unsigned kMaxSettlePages = 512;

// A beacon is a block's prevrandao, shown as a header: a run on a chain whose headers cannot be
// proven never starts, and where prevrandao is the same in every block all draws are known early.
Status check_randomness(RpcClient& rpc) {
    COVENANT_TRY(const BlockHeader head, latest_block(rpc));
    COVENANT_TRY(const Bytes encoded, encode_header(head));
    static_cast<void>(encoded);
    COVENANT_TRY(const std::optional<BlockHeader> parent,
                 block_by_number(rpc, head.number - std::min<std::uint64_t>(head.number, 1)));
    if (!parent || head.number == 0) {
        return fail(Errc::kPrecondition, "create run: the chain has no second block yet");
    }
    if (head.mix_hash == parent->mix_hash) {
        return fail(Errc::kPrecondition,
                    "create run: two blocks in a row have the same prevrandao (" +
                        to_0x(head.mix_hash) +
                        "): on this chain everybody knows the beacons before they are drawn");
    }
    return {};
}

Status perform(Account& account, std::string_view what, const Address& to, Bytes data,
               Uint128 value = 0) {
    auto receipt = account.send(what, to, std::move(data), value);
    if (!receipt) return fail(std::move(receipt).error());
    return {};
}

}  // namespace

Bytes sign_hotkey_consent(const NetworkFile& network, const Address& coldkey,
                          const crypto::SecretKey& hotkey, Role role, const PublicKey& network_key,
                          std::uint64_t nonce, std::uint64_t deadline) {
    const Hash256 digest =
        hotkey_consent_digest(network.chain_id, network.contracts.registry, coldkey,
                              hotkey.address(), role, network_key, nonce, deadline);
    const auto encoded = hotkey.sign(digest).encode();
    return {encoded.begin(), encoded.end()};
}

Result<Amount> AdminClient::read_amount(const Address& contract, const Bytes& call) {
    COVENANT_TRY(const Bytes data, eth_call(account_->rpc(), contract, call));
    AbiReader reader(data);
    const Word word = reader.word();
    if (!reader.ok()) {
        return fail(Errc::kMalformed, "contract " + to_0x(contract) + " did not answer a number");
    }
    return Amount{to_uint128(word).value_or(~Uint128{0})};  // an unlimited allowance is 2^256 - 1
}

Status AdminClient::mint(const Address& to, Amount amount) {
    return perform(*account_, "mint", network_.contracts.token, calls::mint(to, amount));
}

Status AdminClient::transfer_tokens(const Address& to, Amount amount) {
    return perform(*account_, "transfer tokens", network_.contracts.token,
                   calls::transfer(to, amount));
}

Status AdminClient::transfer_ether(const Address& to, Uint128 wei) {
    return perform(*account_, "transfer ether", to, {}, wei);
}

Result<RunId> AdminClient::create_run(const RunSpec& spec) {
    if (validate_run_spec(spec) != Verdict::kAccept) {
        return fail(Errc::kInvalidArgument, "create run: the specification breaks rule R2.2");
    }
    COVENANT_CHECK(check_randomness(account_->rpc()));
    const Bytes bytes = encode_run_spec(spec);
    const RunId run = run_id(bytes);
    COVENANT_TRY(const Receipt receipt,
                 account_->send("create run", network_.contracts.run_registry,
                                call_data(CreateRun{bytes, terms_of(spec)})));
    for (const Log& log : receipt.logs) {
        COVENANT_TRY(const std::optional<EventBody> body, decode_log(network_.contracts, log));
        const auto* created = body ? std::get_if<RunCreated>(&*body) : nullptr;
        if (created == nullptr) continue;
        if (created->run == run) return run;
        return fail(Errc::kMismatch, "create run: the contract calls it " + to_0x(created->run) +
                                         ", we " + to_0x(run));
    }
    return fail(Errc::kMismatch, "create run: the contract reported no RunCreated event");
}

Result<Uid> AdminClient::register_hotkey(const crypto::SecretKey& hotkey, Role role,
                                         const PublicKey& network_key) {
    const Address& registry = network_.contracts.registry;
    auto existing = eth_call(account_->rpc(), registry, calls::uid_of(hotkey.address()));
    if (existing) {
        AbiReader reader(*existing);
        return fail(Errc::kAlreadyExists, "hotkey " + to_0x(hotkey.address()) +
                                              " is registered as uid " +
                                              std::to_string(reader.uint16()));
    }
    if (existing.error().code != Errc::kRejected) return fail(std::move(existing).error());
    COVENANT_TRY(const Amount nonce, read_amount(registry, calls::nonces(hotkey.address())));
    COVENANT_TRY(const BlockHeader head, latest_block(account_->rpc()));
    const std::uint64_t deadline = head.timestamp + kConsentSeconds;
    const Bytes signature =
        sign_hotkey_consent(network_, account_->address(), hotkey, role, network_key,
                            static_cast<std::uint64_t>(nonce.units), deadline);
    COVENANT_TRY(const Receipt receipt,
                 account_->send("register hotkey", registry,
                                calls::register_hotkey(hotkey.address(), role, network_key,
                                                       deadline, signature)));
    for (const Log& log : receipt.logs) {
        COVENANT_TRY(const std::optional<EventBody> body, decode_log(network_.contracts, log));
        if (const auto* event = body ? std::get_if<HotkeyRegistered>(&*body) : nullptr) {
            return event->uid;
        }
    }
    return fail(Errc::kMismatch,
                "register hotkey: the contract reported no HotkeyRegistered event");
}

Status AdminClient::add_stake(Uid uid, Amount amount) {
    const Address& registry = network_.contracts.registry;
    COVENANT_TRY(
        const Amount allowance,
        read_amount(network_.contracts.token, calls::allowance(account_->address(), registry)));
    if (allowance < amount) {
        COVENANT_CHECK(perform(*account_, "approve stake", network_.contracts.token,
                               calls::approve(registry, amount)));
    }
    return perform(*account_, "add stake", registry, call_data(AddStake{uid, amount}));
}

Status AdminClient::request_unstake(Uid uid, Amount amount) {
    return perform(*account_, "request unstake", network_.contracts.registry,
                   calls::request_unstake(uid, amount));
}

Status AdminClient::withdraw_stake(Uid uid) {
    return perform(*account_, "withdraw stake", network_.contracts.registry,
                   calls::withdraw_stake(uid));
}

Status AdminClient::settle(const RunId& run, Round round) {
    const Address& emissions = network_.contracts.emissions;
    for (unsigned page = 0; page < kMaxSettlePages; ++page) {
        COVENANT_TRY(const Amount done, read_amount(emissions, calls::settled(run, round)));
        if (done.units != 0) return {};
        COVENANT_CHECK(
            perform(*account_, "settle", emissions, calls::settle({run, round}, kSettlePage)));
    }
    return fail(Errc::kRejected, "settle: round " + std::to_string(round.value) +
                                     " is not settled after " + std::to_string(kMaxSettlePages) +
                                     " pages");
}

Result<Amount> AdminClient::claim(Uid uid) {
    COVENANT_TRY(const Receipt receipt, account_->send("claim", network_.contracts.emissions,
                                                       call_data(ClaimEmission{uid})));
    for (const Log& log : receipt.logs) {
        COVENANT_TRY(const std::optional<EventBody> body, decode_log(network_.contracts, log));
        if (const auto* event = body ? std::get_if<Claimed>(&*body) : nullptr) return event->amount;
    }
    return fail(Errc::kMismatch, "claim: the contract reported no Claimed event");
}

Result<Amount> AdminClient::balance(const Address& account) {
    return read_amount(network_.contracts.token, calls::balance_of(account));
}

Result<Amount> AdminClient::stake(Uid uid) {
    return read_amount(network_.contracts.registry, calls::stake_of(uid));
}

Result<Amount> AdminClient::claimable(Uid uid) {
    return read_amount(network_.contracts.emissions, calls::claimable(uid));
}

Result<Amount> AdminClient::total_supply() {
    return read_amount(network_.contracts.token, calls::total_supply());
}

Result<Uint128> AdminClient::ether(const Address& account) {
    Json params = Json::array();
    params.push(to_0x(account)).push("latest");
    COVENANT_TRY(const Json value, account_->rpc().call("eth_getBalance", params));
    return parse_quantity128(value);
}

}  // namespace covenant::chain
