// Encrypted signing keys: one file a key, `<datadir>/keys/<name>.json`, mode 0600, directory 0700.
//
//   {"format":"covenant-key","version":1,"kind":"hotkey","name":"default",
//    "address":"0x…","box":"<hex of crypto::password_box, label covenant-key/hotkey/0x<address>>",
//    "check":"<hex of the first 8 bytes of a hash of the four fields before it>"}
//
// The label binds kind and address: a box moved into another file does not open. The check tells a
// damaged address without the password; a file without one, of an earlier build, is good. Files are
// written whole or not at all, never overwritten, and refused when someone else could read them.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/password_box.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/crypto/secret.hpp"
#include "common/crypto/web3_keystore.hpp"

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::node {

enum class KeyKind : std::uint8_t { kHotkey, kColdkey };
std::string_view to_string(KeyKind kind);
Result<KeyKind> parse_key_kind(std::string_view text);

// kInvalidArgument: the name is not 1 to 64 of a-z, 0-9, '-' and '_'.
Status check_key_name(std::string_view name);

// What a key file says without its password.
struct KeyFile {
    std::string name;
    KeyKind kind = KeyKind::kHotkey;
    Address address;
    Bytes box;
};

// kMalformed: not such a file; every field is bounded. kCorrupt: a field is not what the file's
// check says. Pure: for files from anywhere.
Result<KeyFile> parse_key_file(std::string_view text);
std::string to_text(const KeyFile& file);

// What stands in a keystore's folder.
struct KeyFolder {
    // A *.json that is no key of this store: a Web3 file, a copy under another name, a folder.
    struct Other {
        std::filesystem::path file;
        Error why;
    };
    std::vector<KeyFile> keys;  // by name
    std::vector<Other> others;  // by name
};

class Keystore {
  public:
    static constexpr std::size_t kMaxFileBytes = std::size_t{64} << 10;
    static constexpr std::size_t kMaxKeys = 4096;

    // The folder; created with the first key.
    explicit Keystore(std::filesystem::path directory) : directory_(std::move(directory)) {}

    // A new random key. kAlreadyExists: the name is taken. kInvalidArgument: the name is not 1 to
    // 64 of [a-z0-9_-], or the password is empty.
    Result<Address> create(std::string_view name, KeyKind kind, const crypto::SecretBytes& password,
                           const crypto::Argon2Params& params = {});
    // Stores a key that exists: an import, a development key. Errors as create.
    Result<Address> store(std::string_view name, KeyKind kind, const crypto::SecretKey& key,
                          const crypto::SecretBytes& password,
                          const crypto::Argon2Params& params = {});
    // kNotFound, with the names that exist. kPermission: wrong password, or a file others may read.
    // kMalformed: half-written or no key file. kCorrupt: the key is not the address's.
    [[nodiscard]] Result<crypto::SecretKey> open(std::string_view name,
                                                 const crypto::SecretBytes& password) const;
    // Name, kind and address of one or all keys, by name; no password. One file that is no key
    // hides no other.
    [[nodiscard]] Result<KeyFile> describe(std::string_view name) const;
    [[nodiscard]] Result<KeyFolder> scan() const;
    [[nodiscard]] Result<std::vector<KeyFile>> list() const;  // the keys of scan

    // Web3 Secret Storage v3, the files of geth and cast.
    Result<Address> import_web3(std::string_view name, KeyKind kind, std::string_view json,
                                const crypto::SecretBytes& web3_password,
                                const crypto::SecretBytes& password,
                                const crypto::Argon2Params& params = {});
    [[nodiscard]] Result<std::string> export_web3(std::string_view name,
                                                  const crypto::SecretBytes& password,
                                                  const crypto::SecretBytes& web3_password,
                                                  const crypto::ScryptParams& params = {}) const;

    [[nodiscard]] std::filesystem::path path_of(std::string_view name) const;
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  private:
    // kNotFound: no file of that name. Else as describe.
    [[nodiscard]] Result<KeyFile> read(std::string_view name) const;
    std::filesystem::path directory_;
};

// Where a password comes from.
struct PasswordSource {
    std::filesystem::path file;  // --password-file: its first line; "" = ask on the terminal
    bool confirm = false;        // ask twice, for a new key
    bool json = false;           // --json never asks
    std::stop_token stop{};      // ends the asking, where a SignalGuard takes the signals
    bool allow_empty = false;    // of a file that somebody else made
    std::string_view option = "password-file";  // that names `file`; lives as long as this
};

// kInterrupted: asked to stop. kPrecondition without a file or a terminal: says the option.
// kPermission: others may read the file. kInvalidArgument: empty, longer than 1024 bytes, or two
// different answers.
Result<crypto::SecretBytes> read_password(const PasswordSource& source, std::string_view what);

}  // namespace covenant::node
