#include "common/crypto/web3_keystore.hpp"

#include "common/base/hex.hpp"
#include "common/crypto/keccak256.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/sodium_init.hpp"

#include <array>
#include <limits>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <sodium.h>

namespace covenant::crypto {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxText = std::size_t{64} << 10;
constexpr std::size_t kDerivedKey = 32;
constexpr std::size_t kMaxDerivedKey = 64;
constexpr std::size_t kIv = 16;
constexpr std::size_t kMaxSalt = 256;

// Nesting is bounded before the parser recurses into anything; a key file has three levels.
std::optional<json> parse(std::string_view text) {
    constexpr int kMaxDepth = 8;
    if (text.size() > kMaxText) return std::nullopt;
    bool too_deep = false;
    const auto watch = [&](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > kMaxDepth;
        return !too_deep;
    };
    json document = json::parse(text, watch, /*allow_exceptions=*/false);
    if (too_deep || !document.is_object()) return std::nullopt;
    return document;
}

const json* member(const json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() ? &*found : nullptr;
}

std::optional<std::string> text_of(const json& object, const char* key) {
    const json* value = member(object, key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return value->get<std::string>();
}

std::optional<std::uint64_t> number_of(const json& object, const char* key) {
    const json* value = member(object, key);
    if (value == nullptr || !value->is_number_unsigned()) return std::nullopt;
    return value->get<std::uint64_t>();
}

Result<Bytes> hex_of(const json& object, const char* key, std::size_t max_bytes) {
    const auto text = text_of(object, key);
    if (!text) {
        return fail(Errc::kMalformed, std::string("'") + key + "' is missing or not a string");
    }
    auto bytes = from_hex(*text, max_bytes);
    if (!bytes) return fail(std::move(bytes).error().within(std::string("'") + key + "'"));
    return bytes;
}

// Some writers print a number without its leading zeros, even half a byte of them.
Result<Bytes> padded_hex_of(const json& object, const char* key, std::size_t size) {
    auto text = text_of(object, key);
    if (!text || text->empty()) {
        return fail(Errc::kMalformed, std::string("'") + key + "' is missing or not a string");
    }
    if (text->starts_with("0x") || text->starts_with("0X")) text->erase(0, 2);
    if (text->size() < 2 * size) text->insert(0, 2 * size - text->size(), '0');
    auto bytes = from_hex(*text, size);
    if (!bytes) return fail(std::move(bytes).error().within(std::string("'") + key + "'"));
    return bytes;
}

Result<SecretBytes> scrypt(const SecretBytes& password, ByteView salt, std::uint64_t n,
                           std::uint32_t r, std::uint32_t p, std::size_t size) {
    ensure_sodium();
    SecretBytes out(size);
    if (crypto_pwhash_scryptsalsa208sha256_ll(password.expose().data(), password.size(),
                                              salt.data(), salt.size(), n, r, p,
                                              out.expose_mutable().data(), out.size()) != 0) {
        return fail(Errc::kUnavailable, "scrypt (n " + std::to_string(n) + ", r " +
                                            std::to_string(r) + ", p " + std::to_string(p) +
                                            ") got no memory; close other programs and try again");
    }
    return out;
}

Result<SecretBytes> pbkdf2(const SecretBytes& password, ByteView salt, std::uint64_t iterations,
                           std::size_t size) {
    SecretBytes out(size);
    const std::string_view secret = as_text(password.expose());
    if (PKCS5_PBKDF2_HMAC(secret.empty() ? "" : secret.data(), static_cast<int>(secret.size()),
                          salt.data(), static_cast<int>(salt.size()), static_cast<int>(iterations),
                          EVP_sha256(), static_cast<int>(out.size()),
                          out.expose_mutable().data()) != 1) {
        return fail(Errc::kUnavailable, "PBKDF2 failed inside OpenSSL");
    }
    return out;
}

bool scrypt_in_range(std::uint64_t n, std::uint64_t r, std::uint64_t p, const KdfLimits& limits) {
    constexpr std::uint64_t kSmall = std::uint64_t{1} << 20;  // keeps the products below 2^64
    if (n < 2 || n > (std::uint64_t{1} << 30) || (n & (n - 1)) != 0) return false;
    if (r == 0 || r > 64 || p == 0 || p > kSmall / 64) return false;
    return 128 * n * r <= limits.memory_bytes && 128 * r * p <= limits.memory_bytes &&
           n * r * p <= limits.work;
}

Result<SecretBytes> derive(const json& crypto, const SecretBytes& password,
                           const KdfLimits& limits) {
    const auto kdf = text_of(crypto, "kdf");
    const json* params = member(crypto, "kdfparams");
    if (!kdf || params == nullptr || !params->is_object()) {
        return fail(Errc::kMalformed, "'kdf' or 'kdfparams' is missing");
    }
    COVENANT_TRY(const Bytes salt, hex_of(*params, "salt", kMaxSalt));
    const auto size = number_of(*params, "dklen");
    if (!size || *size < kDerivedKey || *size > kMaxDerivedKey) {
        return fail(Errc::kMalformed, "'dklen' is missing or not between 32 and 64");
    }
    const auto key_size = static_cast<std::size_t>(*size);
    if (*kdf == "scrypt") {
        const auto n = number_of(*params, "n");
        const auto r = number_of(*params, "r");
        const auto p = number_of(*params, "p");
        if (!n || !r || !p || !scrypt_in_range(*n, *r, *p, limits)) {
            return fail(
                Errc::kMalformed,
                "scrypt's n, r or p is missing or out of range (n a power of two, at most " +
                    std::to_string(limits.memory_bytes >> 20) + " MiB of memory)");
        }
        return scrypt(password, salt, *n, static_cast<std::uint32_t>(*r),
                      static_cast<std::uint32_t>(*p), key_size);
    }
    if (*kdf == "pbkdf2") {
        const auto iterations = number_of(*params, "c");
        if (text_of(*params, "prf") != "hmac-sha256") {
            return fail(Errc::kMalformed, "pbkdf2's 'prf' is not hmac-sha256");
        }
        if (!iterations || *iterations == 0 || *iterations > limits.work ||
            *iterations > std::uint64_t{std::numeric_limits<int>::max()}) {
            return fail(Errc::kMalformed, "pbkdf2's 'c' is missing or not between 1 and " +
                                              std::to_string(limits.work));
        }
        return pbkdf2(password, salt, *iterations, key_size);
    }
    return fail(Errc::kMalformed,
                "unknown kdf '" + kdf->substr(0, 32) + "' (scrypt and pbkdf2 are known)");
}

Status aes_128_ctr(ByteView key, ByteView iv, ByteView in, MutableByteView out) {
    const std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)> context(EVP_CIPHER_CTX_new(),
                                                                             EVP_CIPHER_CTX_free);
    int written = 0;
    if (context == nullptr ||
        EVP_EncryptInit_ex2(context.get(), EVP_aes_128_ctr(), key.data(), iv.data(), nullptr) !=
            1 ||
        EVP_EncryptUpdate(context.get(), out.data(), &written, in.data(),
                          static_cast<int>(in.size())) != 1) {
        return fail(Errc::kUnavailable, "AES-128-CTR failed inside OpenSSL");
    }
    return {};
}

Hash256 mac_of(const SecretBytes& derived, ByteView ciphertext) {
    const ByteView second_half = derived.expose().subspan(16, 16);
    Bytes message(second_half.begin(), second_half.end());
    append(message, ciphertext);
    const Hash256 mac = keccak256(message);
    wipe(message);
    return mac;
}

// Version 4 of RFC 4122.
std::string random_uuid() {
    Bytes bytes = random_bytes(16);
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0F) | 0x40);
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3F) | 0x80);
    std::string text = to_hex(bytes);
    for (const std::size_t at : {20U, 16U, 12U, 8U}) {
        text.insert(at, "-");
    }
    return text;
}

Result<json> parse_keystore(std::string_view text) {
    auto document = parse(text);
    if (!document) return fail(Errc::kMalformed, "key file: not a JSON object of at most 64 KiB");
    if (number_of(*document, "version") != 3) {
        return fail(Errc::kMalformed, "key file: 'version' is not 3");
    }
    return std::move(*document);
}

Result<SecretKey> import_from(const json& document, const SecretBytes& password,
                              const KdfLimits& limits) {
    // The first writers of the format spelled it with a capital.
    const json* crypto = member(document, "crypto");
    if (crypto == nullptr) crypto = member(document, "Crypto");
    if (crypto == nullptr || !crypto->is_object()) {
        return fail(Errc::kMalformed, "'crypto' is missing");
    }
    if (text_of(*crypto, "cipher") != "aes-128-ctr") {
        return fail(Errc::kMalformed, "'cipher' is not aes-128-ctr");
    }
    const json* cipher_params = member(*crypto, "cipherparams");
    if (cipher_params == nullptr) return fail(Errc::kMalformed, "'cipherparams' is missing");
    COVENANT_TRY(const Bytes iv, padded_hex_of(*cipher_params, "iv", kIv));
    COVENANT_TRY(const Bytes ciphertext, hex_of(*crypto, "ciphertext", kDerivedKey));
    COVENANT_TRY(const Bytes mac, hex_of(*crypto, "mac", Hash256::kSize));
    if (ciphertext.empty() || mac.size() != Hash256::kSize) {
        return fail(Errc::kMalformed, "'ciphertext' is empty or 'mac' has not 32 bytes");
    }
    COVENANT_TRY(const SecretBytes derived, derive(*crypto, password, limits));
    if (!equal_constant_time(mac_of(derived, ciphertext).view(), mac)) {
        return fail(Errc::kPermission, "wrong password, or the file was changed");
    }
    // A ciphertext of fewer bytes is that of a key without its leading zeros.
    SecretBytes scalar(kDerivedKey);
    COVENANT_CHECK(aes_128_ctr(derived.expose().first(16), iv, ciphertext,
                               scalar.expose_mutable().last(ciphertext.size())));
    auto key = SecretKey::from_bytes(scalar.expose());
    if (!key) return fail(Errc::kCorrupt, "it holds no valid secp256k1 key");
    if (const auto named = text_of(document, "address"); named && !named->empty()) {
        COVENANT_TRY(const Address address, fixed_from_hex<Address>(*named));
        if (address != key->address()) {
            return fail(Errc::kCorrupt, "it names the address " + to_0x(address) +
                                            " but holds the key of " + to_0x(key->address()));
        }
    }
    return key;
}

}  // namespace

Result<std::string> web3_export(const SecretKey& key, const SecretBytes& password,
                                const ScryptParams& params) {
    if (!scrypt_in_range(params.n, params.r, params.p, KdfLimits{})) {
        return fail(Errc::kInvalidArgument,
                    "scrypt parameters out of range: n " + std::to_string(params.n) + ", r " +
                        std::to_string(params.r) + ", p " + std::to_string(params.p));
    }
    const Bytes salt = random_bytes(32);
    const Bytes iv = random_bytes(kIv);
    COVENANT_TRY(const SecretBytes derived,
                 scrypt(password, salt, params.n, params.r, params.p, kDerivedKey));
    Bytes ciphertext(kDerivedKey);
    COVENANT_CHECK(aes_128_ctr(derived.expose().first(16), iv, key.expose(), ciphertext));
    nlohmann::ordered_json document;
    document["address"] = to_hex(key.address().view());
    document["crypto"]["cipher"] = "aes-128-ctr";
    document["crypto"]["ciphertext"] = to_hex(ciphertext);
    document["crypto"]["cipherparams"]["iv"] = to_hex(iv);
    document["crypto"]["kdf"] = "scrypt";
    nlohmann::ordered_json& kdf = document["crypto"]["kdfparams"];
    kdf["dklen"] = kDerivedKey;
    kdf["n"] = params.n;
    kdf["p"] = params.p;
    kdf["r"] = params.r;
    kdf["salt"] = to_hex(salt);
    document["crypto"]["mac"] = to_hex(mac_of(derived, ciphertext).view());
    document["id"] = random_uuid();
    document["version"] = 3;
    return document.dump(2) + "\n";
}

Result<SecretKey> web3_import(std::string_view text, const SecretBytes& password,
                              const KdfLimits& limits) {
    COVENANT_TRY(const json document, parse_keystore(text));
    auto key = import_from(document, password, limits);
    if (!key) return fail(std::move(key).error().within("key file"));
    return key;
}

Result<Address> web3_address(std::string_view text) {
    COVENANT_TRY(const json document, parse_keystore(text));
    const auto named = text_of(document, "address");
    if (!named || named->empty()) return fail(Errc::kNotFound, "key file names no address");
    auto address = fixed_from_hex<Address>(*named);
    if (!address) return fail(std::move(address).error().within("key file: 'address'"));
    return *address;
}

}  // namespace covenant::crypto
