// Vectors of what is hashed and signed: Merkle trees, run ids, beacons, commitments, score hashes.
#include "common/base/assert.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/protocol/commitment.hpp"
#include "common/protocol/schedule.hpp"
#include "common/protocol/transition.hpp"
#include "tools/vectors/json_file.hpp"
#include "tools/vectors/samples.hpp"

namespace covenant::vectors {
namespace {

using codec::Json;

constexpr std::uint64_t kChainId = 31337;

Json merkle_case(std::size_t count) {
    std::vector<Hash256> leaves;
    Json data = Json::array();
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes leaf(i, static_cast<std::uint8_t>(i));  // leaf i: i bytes of value i
        leaves.push_back(crypto::merkle_leaf(leaf));
        data.push(hex_json(leaf));
    }
    const crypto::MerkleTree tree(leaves);
    Json proofs = Json::array();
    for (std::size_t i = 0; i < count; ++i) {
        Json proof = Json::array();
        for (const Hash256& sibling : tree.proof(i))
            proof.push(hex_json(sibling));
        proofs.push(proof);
    }
    return Json::object()
        .set("leaves", data)
        .set("root", hex_json(crypto::merkle_root(leaves)))
        .set("proofs", proofs);
}

Json terms_json(const protocol::RunTerms& terms) {
    return Json::object()
        .set("startTime", terms.timing.start_time)
        .set("roundSeconds", terms.timing.round_seconds)
        .set("commitSeconds", terms.timing.commit_seconds)
        .set("keySeconds", terms.timing.key_seconds)
        .set("beaconSeconds", terms.timing.beacon_seconds)
        .set("inclusionSeconds", terms.timing.inclusion_seconds)
        .set("openingSeconds", terms.timing.opening_seconds)
        .set("scoreCommitSeconds", terms.timing.score_commit_seconds)
        .set("scoreRevealSeconds", terms.timing.score_reveal_seconds)
        .set("genesisLeadSeconds", terms.timing.genesis_lead_seconds)
        .set("blockSeconds", terms.timing.block_seconds)
        .set("jailRounds", terms.timing.jail_rounds)
        .set("lastRound", terms.timing.last_round)
        .set("segments", terms.segments)
        .set("auditRatePpm", terms.audit_rate_ppm)
        .set("minerShareBps", terms.miner_share_bps)
        .set("validatorShareBps", terms.validator_share_bps)
        .set("emissionPerRound", amount_json(terms.emission_per_round))
        .set("minimumStake", amount_json(terms.minimum_stake))
        .set("genesisRoot", hex_json(terms.genesis_root))
        .set("datasetRoot", hex_json(terms.dataset_root));
}

protocol::RunSpec widest_spec() {
    protocol::RunSpec spec = sample_spec();
    spec.name = std::string(64, 'n');
    spec.profile = std::string(1024, 'p');
    spec.inner.learning_rate.clear();
    for (std::uint64_t i = 0; i < 1024; ++i) {
        spec.inner.learning_rate.push_back({.step = i * 10, .rate_bits = bits_of(1e-3F)});
    }
    spec.emission.per_round = Amount{(Uint128{1} << 96) - 1};
    return spec;
}

protocol::Commitment sample_commitment(std::uint64_t round, std::uint16_t uid) {
    const auto fill = static_cast<std::uint8_t>(0x10 + uid);
    return {.run = protocol::run_id(protocol::encode_run_spec(sample_spec())),
            .round = protocol::Round(round),
            .uid = protocol::Uid(uid),
            .rho = filled_hash(fill),
            .base_root = filled_hash(0xa0),
            .root = filled_hash(0xc0),
            .ciphertext_hash = filled_hash(0xc1),
            .size = 186000 + round,
            .key_hash = filled_hash(0xc2),
            .segments = static_cast<std::uint16_t>(round == 0 ? 0 : 0xffff)};
}

Json commitment_case(std::uint8_t key_byte, std::uint64_t round, std::uint16_t uid) {
    const Bytes scalar(32, key_byte);
    const auto key = crypto::SecretKey::from_bytes(scalar);
    COVENANT_ASSERT(key.has_value(), "thirty-two equal small bytes are a valid scalar");
    const protocol::SigningDomain domain{.chain_id = kChainId,
                                         .round_manager = filled_address(0x5a)};
    protocol::SignedCommitment value{.commitment = sample_commitment(round, uid), .signature = {}};
    const Hash256 digest = protocol::commitment_digest(value.commitment, domain);
    value.signature = key->sign(digest).encode();
    const protocol::Commitment& c = value.commitment;
    return Json::object()
        .set("chainId", domain.chain_id)
        .set("roundManager", hex_json(domain.round_manager))
        .set("key", hex_json(scalar))
        .set("hotkey", hex_json(key->address()))
        .set("run", hex_json(c.run))
        .set("round", c.round.value)
        .set("id", c.uid.value)
        .set("rho", hex_json(c.rho))
        .set("baseRoot", hex_json(c.base_root))
        .set("root", hex_json(c.root))
        .set("ciphertextHash", hex_json(c.ciphertext_hash))
        .set("size", std::to_string(c.size))
        .set("keyHash", hex_json(c.key_hash))
        .set("segments", c.segments)
        .set("digest", hex_json(digest))
        .set("signature", hex_json(ByteView(value.signature)))
        .set("encoded", hex_json(protocol::encode_signed_commitment(value)));
}

Json score_case(std::vector<std::uint16_t> weights,
                const std::vector<protocol::Finding>& findings) {
    const protocol::SigningDomain domain{.chain_id = kChainId,
                                         .round_manager = filled_address(0x5a)};
    const Address ledger = filled_address(0x5b);
    const Hash256 run = filled_hash(0x77);
    const Hash256 salt = filled_hash(0x99);
    const Hash256 hash = protocol::score_commitment(domain, ledger, run, protocol::Round(7),
                                                    protocol::Uid(9), weights, findings, salt);
    Json row = Json::array();
    for (const std::uint16_t weight : weights)
        row.push(weight);
    Json list = Json::array();
    for (const protocol::Finding& finding : findings) {
        list.push(Json::object()
                      .set("uid", finding.uid.value)
                      .set("verdict", finding.verdict)
                      .set("segment", finding.segment.value)
                      .set("evidence", hex_json(finding.evidence)));
    }
    return Json::object()
        .set("chainId", domain.chain_id)
        .set("ledger", hex_json(ledger))
        .set("run", hex_json(run))
        .set("round", 7)
        .set("uid", 9)
        .set("weights", row)
        .set("findings", list)
        .set("salt", hex_json(salt))
        .set("hash", hex_json(hash));
}

}  // namespace

VectorFile merkle_vectors() {
    JsonFile file(
        "merkle.json",
        "Merkle roots and proofs: leaf = SHA256(00, data), node = SHA256(01, left, right), "
        "an odd last hash is promoted; a proof lists siblings from the leaf upwards.");
    for (const unsigned count : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 13U, 16U, 17U}) {
        file.add(merkle_case(count));
    }
    return file.finish();
}

VectorFile run_spec_vectors() {
    JsonFile file("run_spec.json",
                  "Canonical RunSpec bytes, their run id, and the terms that the contracts hold.");
    for (const protocol::RunSpec& spec : {sample_spec(), widest_spec()}) {
        const Bytes bytes = protocol::encode_run_spec(spec);
        file.add(Json::object()
                     .set("name", spec.name)
                     .set("bytes", hex_json(bytes))
                     .set("runId", hex_json(protocol::run_id(bytes)))
                     .set("terms", terms_json(protocol::terms_of(spec))));
    }
    return file.finish();
}

VectorFile beacon_vectors() {
    JsonFile file("beacon.json",
                  "sigma = SHA256(\"aud\", prevrandao, slot as 8 bytes big-endian); rho = "
                  "SHA256(\"rho\", sigma, round as 8 bytes big-endian). target and deadline are "
                  "seconds of the sample run of run_spec.json.");
    const protocol::TimingSpec timing = sample_spec().timing;
    for (const unsigned slot : {0U, 1U, 2U, 255U, 256U, 1000000U}) {
        const Hash256 prevrandao = filled_hash(static_cast<std::uint8_t>(slot + 1));
        const protocol::BeaconSlot id(slot);
        const Hash256 sigma = protocol::beacon_sigma(prevrandao, id);
        file.add(Json::object()
                     .set("prevrandao", hex_json(prevrandao))
                     .set("slot", slot)
                     .set("target", protocol::beacon_target(timing, id).value)
                     .set("deadline", protocol::beacon_deadline(timing, id).value)
                     .set("sigma", hex_json(sigma))
                     .set("round", slot)
                     .set("rho", hex_json(protocol::beacon_rho(sigma, protocol::Round(slot)))));
    }
    return file.finish();
}

VectorFile commitment_vectors() {
    JsonFile file(
        "commitment.json",
        "EIP-712 digests and signatures of commitments by test keys; size and segments are "
        "decimal text.");
    file.add(commitment_case(0x01, 0, 0));
    file.add(commitment_case(0x01, 1, 1));
    file.add(commitment_case(0x02, 70000, 255));
    return file.finish();
}

VectorFile score_commitment_vectors() {
    using protocol::Finding;
    JsonFile file(
        "score_commitment.json",
        "keccak256(abi.encode(chainId, ledger, run, round, uid, weights, findings, salt)).");
    const Finding pass{.uid = protocol::Uid(0),
                       .verdict = protocol::kFindingPass,
                       .segment = protocol::Segment(0),
                       .evidence = {}};
    const Finding fail{.uid = protocol::Uid(2),
                       .verdict = protocol::kFindingFail,
                       .segment = protocol::Segment(5),
                       .evidence = filled_hash(0xee)};
    file.add(score_case({}, {}));
    file.add(score_case({65535}, {pass}));
    file.add(score_case({1, 0, 65535, 258}, {pass, fail}));
    file.add(score_case(std::vector<std::uint16_t>(256, 4660), {fail, fail, pass}));
    return file.finish();
}

}  // namespace covenant::vectors
