#include "common/crypto/web3_keystore.hpp"

#include "common/base/hex.hpp"

#include <gtest/gtest.h>

namespace covenant::crypto {
namespace {

SecretBytes secret(std::string_view text) {
    return SecretBytes::copy_of(as_bytes(text));
}

constexpr ScryptParams kQuick{2, 8, 1};

// The two test vectors of the Web3 Secret Storage Definition.
constexpr std::string_view kPbkdf2Vector = R"({
    "crypto" : {
        "cipher" : "aes-128-ctr",
        "cipherparams" : { "iv" : "6087dab2f9fdbbfaddc31a909735c1e6" },
        "ciphertext" : "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf" : "pbkdf2",
        "kdfparams" : { "c" : 262144, "dklen" : 32, "prf" : "hmac-sha256",
            "salt" : "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd" },
        "mac" : "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"
    },
    "id" : "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version" : 3
})";
constexpr std::string_view kScryptVector = R"({
    "crypto" : {
        "cipher" : "aes-128-ctr",
        "cipherparams" : { "iv" : "83dbcc02d8ccb40e466191a123791e0e" },
        "ciphertext" : "d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
        "kdf" : "scrypt",
        "kdfparams" : { "dklen" : 32, "n" : 262144, "p" : 8, "r" : 1,
            "salt" : "ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19" },
        "mac" : "2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"
    },
    "id" : "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version" : 3
})";
constexpr std::string_view kVectorKey =
    "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

TEST(Web3Keystore, OpensThePbkdf2Vector) {
    const auto key = web3_import(kPbkdf2Vector, secret("testpassword"));
    ASSERT_TRUE(key) << key.error().context;
    EXPECT_EQ(to_hex(key->expose()), kVectorKey);
    EXPECT_EQ(to_0x(key->address()), "0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b");
}

// Writers that print the initial vector as a number leave out its leading zero byte.
constexpr std::string_view kShortVector = R"({
 "address": "b2a9222f508e39d31a8f54587df3cf822f5cd50d",
 "crypto": {
  "cipher": "aes-128-ctr",
  "ciphertext": "06b481809e9c4a2efc6b1a5cc7c0567a1c81e402d999d736f7e3a1154f5a9c84",
  "cipherparams": {
   "iv": "111111111111111111111111111111"
  },
  "kdf": "scrypt",
  "kdfparams": {
   "dklen": 32,
   "n": 4096,
   "p": 1,
   "r": 8,
   "salt": "e6a4aa106955c607b6c39a6271741e2483b346880b7358033b2c6226cf118d3c"
  },
  "mac": "9a980e16c88adf6a98b101f704595e0cfc57d98a5c27c1eecb866ef0b7fcdc1d"
 },
 "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
 "version": 3
})";
// cast wallet import takes an empty password.
constexpr std::string_view kEmptyPassword = R"({
 "address": "db6f03aae6bf71421392314178c563184c35721d",
 "crypto": {
  "cipher": "aes-128-ctr",
  "ciphertext": "86ba18b31d05ee41934bbbd728a29c7dd722d2453dd9f95f2ddec02dec3d56f5",
  "cipherparams": {
   "iv": "59fb7372402d367b351a50fe59fd818c"
  },
  "kdf": "scrypt",
  "kdfparams": {
   "dklen": 32,
   "n": 4096,
   "p": 1,
   "r": 8,
   "salt": "372b5eee5bb42630612e291347da122e886c807c70d1d2b590fd535f08ecedbd"
  },
  "mac": "7b2f1d259117d8b6252744a9ad4160a163bd3ac288c974a646d9a2b13f4fbb8f"
 },
 "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
 "version": 3
})";

TEST(Web3Keystore, OpensWhatOtherWalletsWrite) {
    const auto padded = web3_import(kShortVector, secret("correct horse"));
    ASSERT_TRUE(padded) << padded.error().context;
    EXPECT_EQ(to_0x(padded->address()), "0xb2a9222f508e39d31a8f54587df3cf822f5cd50d");
    const auto odd =
        web3_import(replaced(std::string(kShortVector), "111111111111111111111111111111",
                             "0x0111111111111111111111111111111"),
                    secret("correct horse"));
    ASSERT_TRUE(odd) << odd.error().context;
    EXPECT_EQ(odd->address(), padded->address());
    const auto open = web3_import(kEmptyPassword, SecretBytes());
    ASSERT_TRUE(open) << open.error().context;
    EXPECT_EQ(to_0x(open->address()), "0xdb6f03aae6bf71421392314178c563184c35721d");
    EXPECT_EQ(web3_import(kEmptyPassword, secret("x")).error().code, Errc::kPermission);
}

TEST(Web3Keystore, OpensTheScryptVector) {
    const auto key = web3_import(kScryptVector, secret("testpassword"));
    ASSERT_TRUE(key) << key.error().context;
    EXPECT_EQ(to_hex(key->expose()), kVectorKey);
}

class ExportedKeystore : public testing::Test {
  protected:
    SecretKey key_ = SecretKey::generate();
    std::string text_ = web3_export(key_, secret("pw"), kQuick).value_or("");
};

TEST_F(ExportedKeystore, RoundTrips) {
    const auto back = web3_import(text_, secret("pw"));
    ASSERT_TRUE(back) << back.error().context;
    EXPECT_EQ(back->address(), key_.address());
    EXPECT_EQ(*web3_address(text_), key_.address());
    EXPECT_NE(*web3_export(key_, secret("pw"), kQuick), text_);  // fresh salt, iv and id
    EXPECT_EQ(text_.find(to_hex(key_.expose())), std::string::npos);
}

TEST_F(ExportedKeystore, WrongPasswordIsPermission) {
    for (const char* wrong : {"", "PW", "pw "}) {
        const auto key = web3_import(text_, secret(wrong));
        ASSERT_FALSE(key);
        EXPECT_EQ(key.error().code, Errc::kPermission);
    }
}

TEST_F(ExportedKeystore, AnotherAddressIsCorrupt) {
    const std::string wrong = replaced(text_, to_hex(key_.address().view()), std::string(40, '1'));
    EXPECT_EQ(web3_import(wrong, secret("pw")).error().code, Errc::kCorrupt);
    const std::string unnamed = replaced(text_, to_hex(key_.address().view()), "");
    EXPECT_TRUE(web3_import(unnamed, secret("pw")));
    EXPECT_EQ(web3_address(unnamed).error().code, Errc::kNotFound);
    EXPECT_EQ(web3_address(replaced(text_, to_hex(key_.address().view()), "zz")).error().code,
              Errc::kMalformed);
}

TEST_F(ExportedKeystore, ReadsTheOldSpellingOfCrypto) {
    EXPECT_TRUE(web3_import(replaced(text_, "\"crypto\"", "\"Crypto\""), secret("pw")));
}

TEST_F(ExportedKeystore, MalformedFilesAreRefused) {
    const std::vector<std::string> bad{
        "",
        "[]",
        "{",
        "null",
        text_ + "x",
        text_.substr(0, text_.size() / 2),
        replaced(text_, "\"version\": 3", "\"version\": 1"),
        replaced(text_, "\"version\": 3", "\"version\": \"3\""),
        replaced(text_, "aes-128-ctr", "aes-128-cbc"),
        replaced(text_, "\"scrypt\"", "\"bcrypt\""),
        replaced(text_, "\"scrypt\"", "\"pbkdf2\""),
        replaced(text_, "\"mac\": \"", "\"mac\": \"00"),
        replaced(text_, "\"iv\": \"", "\"iv\": \"00"),
        replaced(text_, "\"ciphertext\": \"", "\"ciphertext\": \"00"),
        replaced(text_, "\"salt\": \"", "\"salt\": \"zz"),
        replaced(text_, "\"salt\"", "\"pepper\""),
        replaced(text_, "\"dklen\": 32", "\"dklen\": 16"),
        replaced(text_, "\"dklen\": 32", "\"dklen\": 1000000000"),
        replaced(text_, "\"kdfparams\"", "\"kdfparam\""),
        replaced(text_, "\"crypto\"", "\"krypto\""),
        replaced(text_, "\"cipherparams\"", "\"cipherparam\""),
        std::string(100000, '['),
        R"({"version":3,"crypto":{"cipher":"aes-128-ctr","cipherparams":7}})",
        R"({"version":3,"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]})"};
    for (std::size_t i = 0; i < bad.size(); ++i) {
        const auto key = web3_import(bad[i], secret("pw"));
        ASSERT_FALSE(key) << i;
        EXPECT_EQ(key.error().code, Errc::kMalformed) << i << ": " << key.error().context;
    }
}

// A file must not make the machine that opens it work for hours or fill its memory.
TEST_F(ExportedKeystore, HostileParametersAreRefusedBeforeAnyWork) {
    for (const char* n : {"0", "1", "3", "-2", "1.5", "\"2\"", "1073741824", "4611686018427387904",
                          "18446744073709551615", "99999999999999999999999"}) {
        const std::string text = replaced(text_, "\"n\": 2", std::string("\"n\": ") + n);
        EXPECT_EQ(web3_import(text, secret("pw")).error().code, Errc::kMalformed) << n;
    }
    for (const char* r : {"0", "65", "1000000000", "18446744073709551615"}) {
        const std::string text = replaced(text_, "\"r\": 8", std::string("\"r\": ") + r);
        EXPECT_EQ(web3_import(text, secret("pw")).error().code, Errc::kMalformed) << r;
    }
    for (const char* p : {"0", "1000000000", "18446744073709551615"}) {
        const std::string text = replaced(text_, "\"p\": 1", std::string("\"p\": ") + p);
        EXPECT_EQ(web3_import(text, secret("pw")).error().code, Errc::kMalformed) << p;
    }
    for (const char* c : {"0", "4294967296", "2000000000", "-1"}) {
        const std::string text = replaced(std::string(kPbkdf2Vector), "262144", c);
        EXPECT_EQ(web3_import(text, secret("pw")).error().code, Errc::kMalformed) << c;
    }
    EXPECT_EQ(
        web3_import(replaced(std::string(kPbkdf2Vector), "hmac-sha256", "hmac-sha1"), secret("pw"))
            .error()
            .code,
        Errc::kMalformed);
    KdfLimits tight;
    tight.memory_bytes = 1024;
    EXPECT_EQ(web3_import(text_, secret("pw"), tight).error().code, Errc::kMalformed);
}

TEST_F(ExportedKeystore, ExportChecksItsParameters) {
    for (const ScryptParams& params :
         {ScryptParams{3, 8, 1}, ScryptParams{2, 0, 1}, ScryptParams{2, 8, 0},
          ScryptParams{std::uint64_t{1} << 29, 64, 1}}) {
        EXPECT_EQ(web3_export(key_, secret("pw"), params).error().code, Errc::kInvalidArgument);
    }
}

}  // namespace
}  // namespace covenant::crypto
