#include "chain/intent.hpp"

#include "chain/abi/words.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"

namespace covenant::chain {
using namespace protocol;
using codec::Writer;

namespace {

void write(Writer& out, Amount amount) {
    out.u64(static_cast<std::uint64_t>(amount.units >> 64))
        .u64(static_cast<std::uint64_t>(amount.units));
}

void write(Writer& out, const RegisterHotkey& i) {
    out.fixed(i.coldkey).fixed(i.hotkey).u8(static_cast<std::uint8_t>(i.role)).fixed(i.network_key);
}
void write(Writer& out, const AddStake& i) {
    out.id(i.uid);
    write(out, i.amount);
}
void write(Writer& out, const CreateRun& i) {
    out.var_bytes(i.spec).var_bytes(terms_words(i.terms));
}
void write(Writer& out, const PostCommitment& i) {
    out.var_bytes(encode_signed_commitment(i.commitment));
}
void write(Writer& out, const ProveBeacon& i) {
    out.fixed(i.run).id(i.slot);
}
void write(Writer& out, const VoteInclusion& i) {
    out.fixed(i.run).id(i.round).raw(set_to_word(i.uids));
}
void write(Writer& out, const VoteParameters& i) {
    out.fixed(i.run).id(i.round).fixed(i.root).u32(i.loss_bits);
}
void write(Writer& out, const CommitScores& i) {
    out.fixed(i.run).id(i.round).fixed(i.hash);
}
void write(Writer& out, const RevealScores& i) {
    out.fixed(i.run).id(i.round).count(i.weights.size());
    for (const std::uint16_t weight : i.weights) {
        out.u16(weight);
    }
    out.var_bytes(findings_words(i.findings)).fixed(i.salt);
}
void write(Writer& out, const SettleRound& i) {
    out.fixed(i.run).id(i.round);
}
void write(Writer& out, const ClaimEmission& i) {
    out.id(i.uid);
}

}  // namespace

Hash256 intent_fingerprint(const Intent& intent) {
    Writer out;
    out.text(intent_name(intent));
    std::visit([&](const auto& value) { write(out, value); }, intent);
    return crypto::sha256_tagged("intent", out.view());
}

}  // namespace covenant::chain
