#include "chain/tx/transaction.hpp"

#include "chain/abi/rlp.hpp"
#include "common/base/hex.hpp"

#include <gtest/gtest.h>

namespace covenant::chain {
namespace {

// Ethereum wiki, "RLP", examples.
TEST(Rlp, ExamplesOfTheSpecification) {
    EXPECT_EQ(to_0x(rlp_string(as_bytes("dog"))), "0x83646f67");
    EXPECT_EQ(to_0x(rlp_string({})), "0x80");
    EXPECT_EQ(to_0x(rlp_string(Bytes{0x00})), "0x00");
    EXPECT_EQ(to_0x(rlp_string(Bytes{0x7f})), "0x7f");
    EXPECT_EQ(to_0x(rlp_string(Bytes{0x80})), "0x8180");
    EXPECT_EQ(to_0x(RlpList().uint(Uint128{0}).finish()), "0xc180");
    EXPECT_EQ(to_0x(RlpList().uint(Uint128{1024}).finish()), "0xc3820400");
    EXPECT_EQ(to_0x(RlpList().bytes(as_bytes("cat")).bytes(as_bytes("dog")).finish()),
              "0xc88363617483646f67");
    EXPECT_EQ(to_0x(RlpList().finish()), "0xc0");
    EXPECT_EQ(
        to_0x(rlp_string(as_bytes("Lorem ipsum dolor sit amet, consectetur adipisicing elit"))),
        "0xb8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572"
        "206164697069736963696e6720656c6974");
}

TEST(Rlp, LongItemsCarryTheLengthOfTheLength) {
    const Bytes large = rlp_string(Bytes(70'000, 0xaa));
    EXPECT_EQ(to_0x(ByteView(large).first(4)), "0xba011170");
    const Bytes list = RlpList().bytes(Bytes(1'000, 1)).finish();
    EXPECT_EQ(to_0x(ByteView(list).first(3)), "0xf903eb");
}

TEST(Rlp, IntegersLoseLeadingZerosAndBytesDoNot) {
    const Bytes padded{0, 0, 5};
    EXPECT_EQ(to_0x(RlpList().uint(ByteView(padded)).finish()), "0xc105");
    EXPECT_EQ(to_0x(RlpList().bytes(padded).finish()), "0xc483000005");
}

crypto::SecretKey dev_key() {
    return crypto::SecretKey::from_bytes(
               from_hex("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
                   .value())
        .value();
}

// Printed by: cast mktx --private-key <first development key> --chain 31337 --nonce 7 --gas-limit
// 100000
//   --gas-price 30000000000 --priority-gas-price 1000000000 --value 12345 0x7099..79C8 0xdeadbeef
//   (cast 1.7.1)
TEST(Transaction, BytesAreThoseOfCast) {
    Transaction tx;
    tx.chain_id = 31337;
    tx.nonce = 7;
    tx.max_priority_fee = 1'000'000'000;
    tx.max_fee = 30'000'000'000;
    tx.gas_limit = 100'000;
    tx.to = fixed_from_hex<Address>("0x70997970C51812dc3A010C7d01b50e0d17dc79C8").value();
    tx.value = 12345;
    tx.data = {0xde, 0xad, 0xbe, 0xef};
    EXPECT_EQ(
        to_0x(sign_transaction(tx, dev_key()).raw),
        "0x02f874827a6907843b9aca008506fc23ac00830186a09470997970c51812dc3a010c7d01b50e0d17dc79"
        "c882303984deadbeefc080a02f7a93a8504bdcef4aeeab9d0e6588ea90b013910c33dc557f9daf4f2a4753"
        "2fa06189bdf066aa975c176aff3f03b145708b95c9fe7e6c749a7df24c371dc1344d");
}

TEST(Transaction, AnyFieldChangesTheHash) {
    Transaction tx;
    tx.chain_id = 1;
    const Hash256 base = sign_transaction(tx, dev_key()).hash;
    tx.nonce = 1;
    EXPECT_NE(sign_transaction(tx, dev_key()).hash, base);
    EXPECT_EQ(sign_transaction(tx, dev_key()).hash, sign_transaction(tx, dev_key()).hash);
}

// cast compute-address --nonce N 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
TEST(Transaction, CreatedAddressesAreThoseOfCast) {
    const Address sender =
        fixed_from_hex<Address>("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266").value();
    EXPECT_EQ(to_0x(created_address(sender, 5)), "0x5fc8d32690cc91d4c39d9d3abcbd16989f875707");
    EXPECT_EQ(to_0x(created_address(sender, 0)), "0x5fbdb2315678afecb367f032d93f642f64180aa3");
}

}  // namespace
}  // namespace covenant::chain
