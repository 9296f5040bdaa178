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
        .uint(t.beacon_delay_seconds)
        .uint(t.inclusion_seconds)
        .uint(t.score_commit_seconds)
        .uint(t.score_reveal_seconds)
        .uint(t.genesis_lead_seconds)
        .uint(terms.miner_share_bps)
        .uint(terms.validator_share_bps)
        .uint(terms.emission_per_round.units)
        .bytes32(terms.genesis_root)
        .bytes32(terms.dataset_root)
        .finish();
}

RunTerms read_terms(AbiReader& reader) {
    RunTerms terms;
    terms.timing.start_time = reader.uint64();
    terms.timing.round_seconds = reader.uint32();
    terms.timing.commit_seconds = reader.uint32();
    terms.timing.beacon_delay_seconds = reader.uint32();
    terms.timing.inclusion_seconds = reader.uint32();
    terms.timing.score_commit_seconds = reader.uint32();
    terms.timing.score_reveal_seconds = reader.uint32();
    terms.timing.genesis_lead_seconds = reader.uint32();
    terms.miner_share_bps = reader.uint16();
    terms.validator_share_bps = reader.uint16();
    terms.emission_per_round.units = reader.uint128();
    terms.genesis_root = reader.bytes32();
    terms.dataset_root = reader.bytes32();
    return terms;
}

Bytes commitment_words(const Commitment& c) {
    return AbiWriter()
        .bytes32(c.run)
        .uint(c.round.value)
        .bytes32(c.rho)
        .bytes32(c.base_root)
        .uint(c.uid.value)
        .bytes32(c.root)
        .bytes32(c.ciphertext_hash)
        .bytes32(c.key_hash)
        .uint(c.size)
        .uint(c.tokens)
        .finish();
}

Commitment read_commitment(AbiReader& reader) {
    Commitment c;
    c.run = reader.bytes32();
    c.round = Round(reader.uint64());
    c.rho = reader.bytes32();
    c.base_root = reader.bytes32();
    c.uid = Uid(reader.uint16());
    c.root = reader.bytes32();
    c.ciphertext_hash = reader.bytes32();
    c.key_hash = reader.bytes32();
    c.size = reader.uint64();
    c.tokens = reader.uint64();
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
