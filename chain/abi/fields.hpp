// One field of an event or an intent as the contracts' ABI has it: the type's name, how it is
// written and how it is read. The field lists of common/protocol (event.hpp, intent.hpp) are
// visited with these. A value that does not fit its type fails the reader.
#pragma once

#include "chain/abi/codec.hpp"
#include "common/protocol/event.hpp"

#include <string>
#include <string_view>

namespace covenant::chain {

// ---- names; a tuple of several arguments names them all

std::string_view abi_type(const Hash256&);
std::string_view abi_type(const PublicKey&);
std::string_view abi_type(const Address&);
std::string_view abi_type(const Amount&);
std::string_view abi_type(const Bytes&);
std::string_view abi_type(std::uint32_t);
std::string_view abi_type(protocol::Uid);
std::string_view abi_type(protocol::Round);
std::string_view abi_type(protocol::BeaconSlot);
std::string_view abi_type(protocol::BlockNumber);
std::string_view abi_type(protocol::ChainTime);
std::string_view abi_type(protocol::Role);
std::string_view abi_type(const protocol::UidSet&);
std::string_view abi_type(const protocol::RunTerms&);
std::string_view abi_type(const protocol::SignedCommitment&);
std::string_view abi_type(const protocol::ShownKeys&);
std::string_view abi_type(const std::vector<std::uint16_t>&);
std::string_view abi_type(const std::vector<protocol::Finding>&);

// ---- writing

void abi_write(AbiWriter& out, const Hash256& value);
void abi_write(AbiWriter& out, const PublicKey& value);
void abi_write(AbiWriter& out, const Address& value);
void abi_write(AbiWriter& out, const Amount& value);
void abi_write(AbiWriter& out, const Bytes& value);
void abi_write(AbiWriter& out, std::uint32_t value);
void abi_write(AbiWriter& out, protocol::Uid value);
void abi_write(AbiWriter& out, protocol::Round value);
void abi_write(AbiWriter& out, protocol::BeaconSlot value);
void abi_write(AbiWriter& out, protocol::BlockNumber value);
void abi_write(AbiWriter& out, protocol::ChainTime value);
void abi_write(AbiWriter& out, protocol::Role value);
void abi_write(AbiWriter& out, const protocol::UidSet& value);
void abi_write(AbiWriter& out, const protocol::RunTerms& value);
void abi_write(AbiWriter& out, const protocol::SignedCommitment& value);
void abi_write(AbiWriter& out, const protocol::ShownKeys& value);
void abi_write(AbiWriter& out, const std::vector<std::uint16_t>& value);
void abi_write(AbiWriter& out, const std::vector<protocol::Finding>& value);

// ---- reading

void abi_read(AbiReader& in, Hash256& out);
void abi_read(AbiReader& in, PublicKey& out);
void abi_read(AbiReader& in, Address& out);
void abi_read(AbiReader& in, Amount& out);
void abi_read(AbiReader& in, Bytes& out);  // at most kMaxRunSpecBytes
void abi_read(AbiReader& in, std::uint32_t& out);
void abi_read(AbiReader& in, protocol::Uid& out);  // below kMaxUids
void abi_read(AbiReader& in, protocol::Round& out);
void abi_read(AbiReader& in, protocol::BeaconSlot& out);
void abi_read(AbiReader& in, protocol::BlockNumber& out);
void abi_read(AbiReader& in, protocol::ChainTime& out);
void abi_read(AbiReader& in, protocol::Role& out);  // miner or validator
void abi_read(AbiReader& in, protocol::UidSet& out);
void abi_read(AbiReader& in, protocol::RunTerms& out);
// `out` already has run, round and uid from the topics: the commitment must say the same.
void abi_read(AbiReader& in, protocol::SignedCommitment& out);
void abi_read(AbiReader& in, protocol::ShownKeys& out);  // at most kMaxUids, of uids below it
void abi_read(AbiReader& in, std::vector<std::uint16_t>& out);      // at most kMaxUids
void abi_read(AbiReader& in, std::vector<protocol::Finding>& out);  // at most kMaxFindings

// ---- signatures

// Collects the types of a field list: "uint16,address".
struct AbiTypes {
    std::string list;

    template <typename T>
    void data(std::string_view, const T& field) {
        if (!list.empty()) list += ',';
        list += abi_type(field);
    }
    template <typename T>
    void topic(std::string_view name, const T& field) {
        data(name, field);
    }
    void loss(std::uint32_t bits) { data("loss_bits", bits); }
    template <typename T>
    void skipped(const T& value) {
        data({}, value);
    }
    template <typename T>
    void skipped_topic(const T& value) {
        data({}, value);
    }
};

// "name(type,type)" over the fields of a kind.
template <typename Kind>
std::string abi_signature(std::string_view name) {
    const Kind kind{};
    AbiTypes types;
    Kind::fields(kind, types);
    return std::string(name) + "(" + types.list + ")";
}

}  // namespace covenant::chain
