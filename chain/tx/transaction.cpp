#include "chain/tx/transaction.hpp"

#include "chain/abi/rlp.hpp"
#include "common/crypto/keccak256.hpp"

namespace covenant::chain {
namespace {

constexpr std::uint8_t kDynamicFeeType = 0x02;  // EIP-1559

RlpList fields(const Transaction& tx) {
    RlpList list;
    list.uint(tx.chain_id)
        .uint(tx.nonce)
        .uint(tx.max_priority_fee)
        .uint(tx.max_fee)
        .uint(tx.gas_limit)
        .bytes(tx.to ? tx.to->view() : ByteView{})
        .uint(tx.value)
        .bytes(tx.data)
        .raw(RlpList().finish());  // empty access list
    return list;
}

Bytes typed(const RlpList& list) {
    Bytes out{kDynamicFeeType};
    append(out, list.finish());
    return out;
}

}  // namespace

SignedTransaction sign_transaction(const Transaction& transaction, const crypto::SecretKey& key) {
    RlpList list = fields(transaction);
    const crypto::Signature signature = key.sign(crypto::keccak256(typed(list)));
    list.uint(signature.y_parity()).uint(ByteView(signature.r)).uint(ByteView(signature.s));
    SignedTransaction out;
    out.raw = typed(list);
    out.hash = crypto::keccak256(out.raw);
    return out;
}

Address created_address(const Address& sender, std::uint64_t nonce) {
    const Hash256 hash =
        crypto::keccak256(RlpList().bytes(sender.view()).uint(Uint128{nonce}).finish());
    return Address::from(hash.view().subspan(12));
}

}  // namespace covenant::chain
