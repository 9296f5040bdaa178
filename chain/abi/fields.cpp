#include "chain/abi/fields.hpp"

#include "chain/abi/words.hpp"

#include <algorithm>

namespace covenant::chain {
using namespace protocol;

std::string_view abi_type(const Hash256&) {
    return "bytes32";
}
std::string_view abi_type(const PublicKey&) {
    return "bytes32";
}
std::string_view abi_type(const Address&) {
    return "address";
}
std::string_view abi_type(const Amount&) {
    return "uint256";
}
std::string_view abi_type(const Bytes&) {
    return "bytes";
}
std::string_view abi_type(std::uint32_t) {
    return "uint32";
}
std::string_view abi_type(Uid) {
    return "uint16";
}
std::string_view abi_type(Round) {
    return "uint64";
}
std::string_view abi_type(BeaconSlot) {
    return "uint64";
}
std::string_view abi_type(BlockNumber) {
    return "uint64";
}
std::string_view abi_type(ChainTime) {
    return "uint48";
}
std::string_view abi_type(Role) {
    return "uint8";
}
std::string_view abi_type(const UidSet&) {
    return "uint256";
}
std::string_view abi_type(const RunTerms&) {
    return "(uint64,uint32,uint32,uint32,uint32,uint32,uint32,uint32,uint32,uint32,"
           "uint32,uint32,uint64,uint16,uint32,uint16,uint16,uint128,uint128,bytes32,bytes32)";
}
std::string_view abi_type(const SignedCommitment&) {
    return "(bytes32,uint64,uint32,bytes32,bytes32,bytes32,bytes32,uint64,bytes32,uint16),bytes";
}
std::string_view abi_type(const ShownKeys&) {
    return "uint32[],bytes32[]";
}
std::string_view abi_type(const std::vector<std::uint16_t>&) {
    return "uint16[]";
}
std::string_view abi_type(const std::vector<Finding>&) {
    return "(uint16,uint8,uint16,bytes32)[]";
}

void abi_write(AbiWriter& out, const Hash256& value) {
    out.bytes32(value);
}
void abi_write(AbiWriter& out, const PublicKey& value) {
    out.bytes32(value);
}
void abi_write(AbiWriter& out, const Address& value) {
    out.address(value);
}
void abi_write(AbiWriter& out, const Amount& value) {
    out.uint(value.units);
}
void abi_write(AbiWriter& out, const Bytes& value) {
    out.bytes(value);
}
void abi_write(AbiWriter& out, std::uint32_t value) {
    out.uint(value);
}
void abi_write(AbiWriter& out, Uid value) {
    out.uint(value.value);
}
void abi_write(AbiWriter& out, Round value) {
    out.uint(value.value);
}
void abi_write(AbiWriter& out, BeaconSlot value) {
    out.uint(value.value);
}
void abi_write(AbiWriter& out, BlockNumber value) {
    out.uint(value.value);
}
void abi_write(AbiWriter& out, ChainTime value) {
    out.uint(value.value);
}
void abi_write(AbiWriter& out, Role value) {
    out.uint(static_cast<std::uint8_t>(value));
}
void abi_write(AbiWriter& out, const UidSet& value) {
    out.word(set_to_word(value));
}
void abi_write(AbiWriter& out, const RunTerms& value) {
    out.inline_words(terms_words(value));
}
void abi_write(AbiWriter& out, const SignedCommitment& value) {
    out.inline_words(commitment_words(value.commitment)).bytes(value.signature);
}
void abi_write(AbiWriter& out, const ShownKeys& value) {
    AbiWriter uids;
    AbiWriter keys;
    for (const ShownKey& one : value) {
        uids.uint(one.uid.value);
        keys.bytes32(Hash256::from(one.key.view()));
    }
    out.static_array(value.size(), uids.finish());
    out.static_array(value.size(), keys.finish());
}
void abi_write(AbiWriter& out, const std::vector<std::uint16_t>& value) {
    out.uint16_array(value);
}
void abi_write(AbiWriter& out, const std::vector<Finding>& value) {
    out.static_array(value.size(), findings_words(value));
}

void abi_read(AbiReader& in, Hash256& out) {
    out = in.bytes32();
}
void abi_read(AbiReader& in, PublicKey& out) {
    out = PublicKey::from(in.bytes32().view());
}
void abi_read(AbiReader& in, Address& out) {
    out = in.address();
}
void abi_read(AbiReader& in, Amount& out) {
    out.units = in.uint128();
}
void abi_read(AbiReader& in, Bytes& out) {
    out = in.bytes(kMaxRunSpecBytes);
}
void abi_read(AbiReader& in, std::uint32_t& out) {
    out = in.uint32();
}
void abi_read(AbiReader& in, Uid& out) {
    out = Uid(in.uint16());
    if (out.value >= kMaxUids) in.fail();
}
void abi_read(AbiReader& in, Round& out) {
    out = Round(in.uint64());
}
void abi_read(AbiReader& in, BeaconSlot& out) {
    out = BeaconSlot(in.uint64());
}
void abi_read(AbiReader& in, BlockNumber& out) {
    out = BlockNumber(in.uint64());
}
void abi_read(AbiReader& in, ChainTime& out) {
    out = ChainTime(in.uint48());
}
void abi_read(AbiReader& in, Role& out) {
    out = static_cast<Role>(in.uint8());
    if (out != Role::kMiner && out != Role::kValidator) in.fail();
}
void abi_read(AbiReader& in, UidSet& out) {
    out = word_to_set(in.word());
}
void abi_read(AbiReader& in, RunTerms& out) {
    out = read_terms(in);
}
void abi_read(AbiReader& in, SignedCommitment& out) {
    const Commitment topics = out.commitment;
    Commitment& c = out.commitment;
    c = read_commitment(in);
    const Bytes signature = in.bytes(out.signature.size());
    if (c.run != topics.run || c.round != topics.round || c.uid != topics.uid ||
        signature.size() != out.signature.size()) {
        in.fail();
        return;
    }
    std::copy(signature.begin(), signature.end(), out.signature.begin());
}
void abi_read(AbiReader& in, ShownKeys& out) {
    AbiReader::Array uids = in.array(1, kMaxUids);
    AbiReader::Array keys = in.array(1, kMaxUids);
    if (uids.count != keys.count) return in.fail();
    out.resize(uids.count);
    for (ShownKey& one : out) {
        const std::uint32_t id = uids.items.uint32();
        if (id >= kMaxUids) return in.fail();
        one.uid = Uid(static_cast<std::uint16_t>(id));
        one.key = crypto::StreamKey::from(keys.items.bytes32().view());
    }
    if (!uids.items.ok() || !keys.items.ok()) in.fail();
}
void abi_read(AbiReader& in, std::vector<std::uint16_t>& out) {
    out = in.uint16_array(kMaxUids);
}
void abi_read(AbiReader& in, std::vector<Finding>& out) {
    AbiReader::Array array = in.array(kFindingWords, kMaxFindings);
    out.reserve(array.count);
    for (std::size_t i = 0; i < array.count; ++i) {
        Finding finding;
        abi_read(array.items, finding.uid);
        finding.verdict = array.items.uint8();
        finding.segment = Segment(array.items.uint16());
        finding.evidence = array.items.bytes32();
        out.push_back(finding);
    }
    if (!array.items.ok()) in.fail();
}

}  // namespace covenant::chain
