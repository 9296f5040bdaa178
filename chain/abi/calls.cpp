#include "chain/abi/contracts.hpp"
#include "chain/abi/signatures.hpp"
#include "chain/abi/words.hpp"
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

namespace calls {

Bytes register_hotkey(const Address& hotkey, Role role, const PublicKey& network_key,
                      std::uint64_t deadline, ByteView signature) {
    return encode_call(signatures::kRegister, AbiWriter()
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

Bytes add_stake(Uid uid, Amount amount) {
    return encode_call("addStake(uint16,uint256)", AbiWriter().uint(uid.value).uint(amount.units));
}

Bytes request_unstake(Uid uid, Amount amount) {
    return encode_call("requestUnstake(uint16,uint256)",
                       AbiWriter().uint(uid.value).uint(amount.units));
}

Bytes withdraw_stake(Uid uid) {
    return encode_call("withdrawStake(uint16)", AbiWriter().uint(uid.value));
}

Bytes create_run(ByteView spec, const RunTerms& terms) {
    return encode_call(signatures::kCreateRun,
                       AbiWriter().bytes(spec).inline_words(terms_words(terms)));
}

Bytes run_exists(const RunId& run) {
    return encode_call("exists(bytes32)", AbiWriter().bytes32(run));
}

Bytes commit_artifact(const SignedCommitment& commitment) {
    return encode_call(signatures::kCommitArtifact,
                       AbiWriter()
                           .inline_words(commitment_words(commitment.commitment))
                           .bytes(commitment.signature));
}

Bytes prove_beacon(const RunId& run, BeaconSlot slot, ByteView header, ByteView parent_header) {
    return encode_call(
        signatures::kProveBeacon,
        AbiWriter().bytes32(run).uint(slot.value).bytes(header).bytes(parent_header));
}

Bytes vote_inclusion(const VoteInclusion& vote) {
    return encode_call(
        signatures::kVoteInclusion,
        AbiWriter().bytes32(vote.run).uint(vote.round.value).word(set_to_word(vote.uids)));
}

Bytes vote_parameters(const VoteParameters& vote) {
    return encode_call(signatures::kVoteParameters, AbiWriter()
                                                        .bytes32(vote.run)
                                                        .uint(vote.round.value)
                                                        .bytes32(vote.root)
                                                        .uint(vote.loss_bits));
}

Bytes commit_scores(const CommitScores& commit) {
    return encode_call(
        signatures::kCommitScores,
        AbiWriter().bytes32(commit.run).uint(commit.round.value).bytes32(commit.hash));
}

Bytes reveal_scores(const RevealScores& reveal) {
    return encode_call(signatures::kRevealScores,
                       AbiWriter()
                           .bytes32(reveal.run)
                           .uint(reveal.round.value)
                           .uint16_array(reveal.weights)
                           .static_array(reveal.findings.size(), findings_words(reveal.findings))
                           .bytes32(reveal.salt));
}

Bytes settle(const SettleRound& settle, std::uint16_t max_uids) {
    return encode_call(signatures::kSettle,
                       AbiWriter().bytes32(settle.run).uint(settle.round.value).uint(max_uids));
}

Bytes settled(const RunId& run, Round round) {
    return encode_call("settled(bytes32,uint64)", AbiWriter().bytes32(run).uint(round.value));
}

Bytes claim(Uid uid) {
    return encode_call("claim(uint16)", AbiWriter().uint(uid.value));
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
