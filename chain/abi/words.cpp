#include "chain/abi/words.hpp"

namespace covenant::chain {
using namespace protocol;

Word set_to_word(const UidSet& set) {
    Word out{};
    for (std::size_t i = 0; i < kMaxUids; ++i) {
        if (set.test(i)) {
            out[31 - i / 8] = static_cast<std::uint8_t>(out[31 - i / 8] | (1U << (i % 8)));
        }
    }
    return out;
}

UidSet word_to_set(const Word& word) {
    UidSet out;
    for (std::size_t i = 0; i < kMaxUids; ++i) {
        out.set(i, ((word[31 - i / 8] >> (i % 8)) & 1U) != 0);
    }
    return out;
}

Bytes terms_words(const RunTerms& terms) {
    const TimingSpec& t = terms.timing;
    return AbiWriter()
        .uint(t.start_time)
        .uint(t.round_seconds)
        .uint(t.commit_seconds)
        .uint(t.key_seconds)
        .uint(t.beacon_seconds)
        .uint(t.inclusion_seconds)
        .uint(t.opening_seconds)
        .uint(t.score_commit_seconds)
        .uint(t.score_reveal_seconds)
        .uint(t.genesis_lead_seconds)
        .uint(t.block_seconds)
        .uint(t.jail_rounds)
        .uint(t.last_round)
        .uint(terms.segments)
        .uint(terms.audit_rate_ppm)
        .uint(terms.miner_share_bps)
        .uint(terms.validator_share_bps)
        .uint(terms.emission_per_round.units)
        .uint(terms.minimum_stake.units)
        .bytes32(terms.genesis_root)
        .bytes32(terms.dataset_root)
        .finish();
}

RunTerms read_terms(AbiReader& reader) {
    RunTerms terms;
    TimingSpec& t = terms.timing;
    t.start_time = reader.uint64();
    t.round_seconds = reader.uint32();
    t.commit_seconds = reader.uint32();
    t.key_seconds = reader.uint32();
    t.beacon_seconds = reader.uint32();
    t.inclusion_seconds = reader.uint32();
    t.opening_seconds = reader.uint32();
    t.score_commit_seconds = reader.uint32();
    t.score_reveal_seconds = reader.uint32();
    t.genesis_lead_seconds = reader.uint32();
    t.block_seconds = reader.uint32();
    t.jail_rounds = reader.uint32();
    t.last_round = reader.uint64();
    terms.segments = reader.uint16();
    terms.audit_rate_ppm = reader.uint32();
    terms.miner_share_bps = reader.uint16();
    terms.validator_share_bps = reader.uint16();
    terms.emission_per_round.units = reader.uint128();
    terms.minimum_stake.units = reader.uint128();
    terms.genesis_root = reader.bytes32();
    terms.dataset_root = reader.bytes32();
    return terms;
}

Bytes commitment_words(const Commitment& c) {
    return AbiWriter()
        .bytes32(c.run)
        .uint(c.round.value)
        .uint(c.uid.value)
        .bytes32(c.rho)
        .bytes32(c.base_root)
        .bytes32(c.root)
        .bytes32(c.ciphertext_hash)
        .uint(c.size)
        .bytes32(c.key_hash)
        .uint(c.segments)
        .finish();
}

Commitment read_commitment(AbiReader& reader) {
    Commitment c;
    c.run = reader.bytes32();
    c.round = Round(reader.uint64());
    const std::uint32_t id = reader.uint32();
    if (id >= kMaxUids) reader.fail();
    c.uid = Uid(static_cast<std::uint16_t>(id));
    c.rho = reader.bytes32();
    c.base_root = reader.bytes32();
    c.root = reader.bytes32();
    c.ciphertext_hash = reader.bytes32();
    c.size = reader.uint64();
    c.key_hash = reader.bytes32();
    c.segments = reader.uint16();
    return c;
}

Bytes findings_words(std::span<const Finding> findings) {
    Bytes out;
    for (const Finding& finding : findings) {
        append(out, AbiWriter()
                        .uint(finding.uid.value)
                        .uint(finding.verdict)
                        .uint(finding.segment.value)
                        .bytes32(finding.evidence)
                        .finish());
    }
    return out;
}

}  // namespace covenant::chain
