#include "chain/fingerprint.hpp"

#include "chain/abi/words.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"

namespace covenant::chain {
using namespace protocol;
using codec::Writer;

namespace {

// Canonical bytes of each type of field.
struct CanonicalFields {
    Writer& out;

    template <std::size_t N, typename Tag>
    void data(std::string_view, const FixedBytes<N, Tag>& field) {
        out.fixed(field);
    }
    template <typename Tag, typename Rep>
    void data(std::string_view, const StrongId<Tag, Rep>& field) {
        out.id(field);
    }
    void data(std::string_view, Role field) { out.u8(static_cast<std::uint8_t>(field)); }
    void data(std::string_view, const Amount& field) {
        out.u64(static_cast<std::uint64_t>(field.units >> 64))
            .u64(static_cast<std::uint64_t>(field.units));
    }
    void data(std::string_view, const Bytes& field) { out.var_bytes(field); }
    void data(std::string_view, const UidSet& field) { out.raw(set_to_word(field)); }
    void data(std::string_view, const RunTerms& field) { out.var_bytes(terms_words(field)); }
    void data(std::string_view, const SignedCommitment& field) {
        out.var_bytes(encode_signed_commitment(field));
    }
    void data(std::string_view, const ShownKeys& field) {
        out.count(field.size());
        for (const ShownKey& one : field)
            out.id(one.uid).fixed(one.key);
    }
    void data(std::string_view, const std::vector<std::uint16_t>& field) {
        out.count(field.size());
        for (const std::uint16_t one : field)
            out.u16(one);
    }
    void data(std::string_view, const std::vector<Finding>& field) {
        out.var_bytes(findings_words(field));
    }
    void loss(std::uint32_t bits) { out.u32(bits); }
};

}  // namespace

Hash256 intent_fingerprint(const Intent& intent) {
    Writer out;
    out.text(intent_name(intent));
    CanonicalFields fields{out};
    std::visit([&](const auto& kind) { kind.fields(kind, fields); }, intent);
    return crypto::sha256_tagged("intent", out.view());
}

}  // namespace covenant::chain
