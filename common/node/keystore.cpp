#include "common/node/keystore.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/base/system_failure.hpp"
#include "common/codec/json.hpp"
#include "common/crypto/sha256.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/option_table.hpp"
#include "common/node/password_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>
#include <sys/stat.h>

namespace covenant::node {

Status check_key_name(std::string_view name) {
    constexpr std::size_t kMaxName = 64;
    const bool good =
        !name.empty() && name.size() <= kMaxName &&
        std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        });
    if (good) return {};
    return fail(Errc::kInvalidArgument,
                fmt::format("key name '{}': use 1 to {} of a-z, 0-9, '-' and '_'",
                            name.substr(0, kMaxName), kMaxName));
}

namespace {

constexpr std::size_t kMaxBoxBytes = 4096;
constexpr std::size_t kCheckBytes = 8;

std::string label_of(KeyKind kind, const Address& address) {
    return fmt::format("covenant-key/{}/{}", to_string(kind), to_0x(address));
}

Bytes check_of(const KeyFile& file) {
    const std::string text = fmt::format("{}\n{}\n{}\n{}", to_string(file.kind), file.name,
                                         to_0x(file.address), to_hex(file.box));
    const Hash256 hash = crypto::sha256_tagged("key-file", as_bytes(text));
    return {hash.bytes.begin(), hash.bytes.begin() + kCheckBytes};
}

// Secrets that others may read are refused, not silently repaired: whoever read them may have
// copied them.
Status check_mode(const std::filesystem::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        return fail(errno == ENOENT ? Errc::kNotFound : Errc::kIo,
                    fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
    }
    const unsigned mode = info.st_mode & 0777U;
    if ((mode & 077U) == 0) return {};
    return fail(Errc::kPermission,
                fmt::format("{} has mode {:04o}, so others may read it: chmod 600 {}",
                            path.string(), mode, path.string()));
}

}  // namespace

std::string_view to_string(KeyKind kind) {
    return kind == KeyKind::kHotkey ? "hotkey" : "coldkey";
}

Result<KeyKind> parse_key_kind(std::string_view text) {
    if (text == "hotkey") return KeyKind::kHotkey;
    if (text == "coldkey") return KeyKind::kColdkey;
    return fail(Errc::kMalformed, "a key is a 'hotkey' or a 'coldkey'");
}

Result<KeyFile> parse_key_file(std::string_view text) {
    codec::Json::Limits limits;
    limits.max_bytes = Keystore::kMaxFileBytes;
    limits.max_depth = 4;
    limits.max_values = 32;
    COVENANT_TRY(const codec::Json json, codec::Json::parse(text, limits));
    if (json.has("crypto") || json.has("Crypto")) {
        return fail(Errc::kMalformed,
                    "a Web3 key file, no key of ours: covenant wallet import takes it in");
    }
    COVENANT_TRY(const std::string format, json.string("format"));
    if (format != "covenant-key") return fail(Errc::kMalformed, "not a covenant key file");
    COVENANT_CHECK(
        json.only_keys({"format", "version", "kind", "name", "address", "box", "check"}));
    COVENANT_TRY(const std::uint64_t version, json.u64("version"));
    if (version != 1)
        return fail(Errc::kMalformed, fmt::format("key file version {} is unknown", version));
    KeyFile file;
    COVENANT_TRY(const std::string kind, json.string("kind"));
    COVENANT_TRY(file.kind, parse_key_kind(kind));
    COVENANT_TRY(file.name, json.string("name"));
    if (!check_key_name(file.name))
        return fail(Errc::kMalformed, "the key file's name is not a key name");
    COVENANT_TRY(file.address, json.fixed<Address>("address"));
    COVENANT_TRY(file.box, json.bytes("box", kMaxBoxBytes));
    if (!json.has("check")) return file;
    COVENANT_TRY(const Bytes check, json.bytes("check", kCheckBytes));
    if (check != check_of(file)) {
        return fail(Errc::kCorrupt,
                    "it was changed: its fields are not what its check says; restore it from your "
                    "copy");
    }
    return file;
}

std::string to_text(const KeyFile& file) {
    codec::Json json = codec::Json::object();
    json.set("format", "covenant-key");
    json.set("version", 1);
    json.set("kind", to_string(file.kind));
    json.set("name", file.name);
    json.set("address", to_0x(file.address));
    json.set("box", to_hex(file.box));
    json.set("check", to_hex(check_of(file)));
    return json.dump(codec::Json::Style::kPretty) + "\n";
}

std::filesystem::path Keystore::path_of(std::string_view name) const {
    return directory_ / (std::string(name) + ".json");
}

Result<Address> Keystore::create(std::string_view name, KeyKind kind,
                                 const crypto::SecretBytes& password,
                                 const crypto::Argon2Params& params) {
    return store(name, kind, crypto::SecretKey::generate(), password, params);
}

Result<Address> Keystore::store(std::string_view name, KeyKind kind, const crypto::SecretKey& key,
                                const crypto::SecretBytes& password,
                                const crypto::Argon2Params& params) {
    COVENANT_CHECK(check_key_name(name));
    if (password.empty())
        return fail(Errc::kInvalidArgument, "the password of a key must not be empty");
    const std::filesystem::path path = path_of(name);
    std::error_code failed;
    if (std::filesystem::exists(path, failed)) {
        return fail(Errc::kAlreadyExists,
                    fmt::format("{} exists; a key is never overwritten: choose another name",
                                path.string()));
    }
    COVENANT_CHECK(create_folders_durably(directory_, Access::kPrivate));
    KeyFile file;
    file.name = std::string(name);
    file.kind = kind;
    file.address = key.address();
    COVENANT_TRY(file.box, crypto::password_seal(key.expose(), password,
                                                 label_of(kind, file.address), params));
    COVENANT_CHECK(write_file_durably(path, as_bytes(to_text(file)), {.access = Access::kPrivate}));
    return file.address;
}

Result<KeyFile> Keystore::read(std::string_view name) const {
    const std::filesystem::path path = path_of(name);
    auto text = read_text_file(path, kMaxFileBytes);
    if (!text) {
        std::error_code ignored;
        if (text.error().code == Errc::kNotFound &&
            std::filesystem::is_symlink(std::filesystem::symlink_status(path, ignored))) {
            return fail(Errc::kIo, path.string() + " is a symbolic link to nothing");
        }
        return fail(std::move(text).error());
    }
    auto file = parse_key_file(*text);
    if (!file) {
        const bool damaged = file.error().code == Errc::kCorrupt;
        return fail(
            std::move(file).error().within(path.string() + (damaged ? "" : ": no whole key file")));
    }
    if (file->name != name) {
        return fail(Errc::kMalformed,
                    fmt::format("{} says that it is key '{}': a key's file keeps its name",
                                path.string(), file->name));
    }
    return file;
}

Result<KeyFile> Keystore::describe(std::string_view name) const {
    COVENANT_CHECK(check_key_name(name));
    auto file = read(name);
    if (file || file.error().code != Errc::kNotFound) return file;
    std::vector<std::string> names;
    if (const auto keys = list()) {
        for (const KeyFile& key : *keys)
            names.push_back(key.name);
    }
    return fail(Errc::kNotFound,
                fmt::format("no key '{}' in {} ({}){}", name, directory_.string(),
                            names.empty() ? "there are none"
                                          : fmt::format("there are: {}", fmt::join(names, ", ")),
                            did_you_mean(name, names)));
}

Result<crypto::SecretKey> Keystore::open(std::string_view name,
                                         const crypto::SecretBytes& password) const {
    COVENANT_TRY(const KeyFile file, describe(name));
    const std::filesystem::path path = path_of(name);
    COVENANT_CHECK(check_mode(path));
    auto plain = crypto::password_open(file.box, password, label_of(file.kind, file.address));
    if (!plain) {
        if (plain.error().code == Errc::kPermission) {
            const std::string_view unseen = unseen_in(password.expose());
            return fail(
                Errc::kPermission,
                fmt::format("wrong password for key '{}' ({}), or the file was changed{}{}", name,
                            path.string(), unseen.empty() ? "" : "; the password given ", unseen));
        }
        return fail(std::move(plain).error().within(path.string()));
    }
    auto key = crypto::SecretKey::from_bytes(plain->expose());
    if (!key || key->address() != file.address) {
        return fail(Errc::kCorrupt, fmt::format("{} does not hold the key of {}", path.string(),
                                                to_0x(file.address)));
    }
    return key;
}

Result<KeyFolder> Keystore::scan() const {
    std::vector<std::string> names;
    std::error_code failed;
    std::filesystem::directory_iterator it(directory_, failed);
    if (failed == std::errc::no_such_file_or_directory) return KeyFolder();
    for (const std::filesystem::directory_iterator end; !failed && it != end;
         it.increment(failed)) {
        const std::filesystem::path& path = it->path();
        const std::string stem = path.stem().string();
        if (path.extension() != ".json" || !check_key_name(stem)) continue;
        if (names.size() >= kMaxKeys) {
            return fail(Errc::kCorrupt,
                        fmt::format("{} holds more than {} keys", directory_.string(), kMaxKeys));
        }
        names.push_back(stem);
    }
    if (failed) return system_failure("list", directory_, failed.value());
    std::sort(names.begin(), names.end());
    KeyFolder out;
    for (const std::string& name : names) {
        auto file = read(name);
        if (file) {
            out.keys.push_back(std::move(*file));
        } else if (file.error().code != Errc::kNotFound) {  // else it went since it was listed
            out.others.push_back({path_of(name), std::move(file).error()});
        }
    }
    return out;
}

Result<std::vector<KeyFile>> Keystore::list() const {
    COVENANT_TRY(KeyFolder folder, scan());
    return std::move(folder.keys);
}

Result<Address> Keystore::import_web3(std::string_view name, KeyKind kind, std::string_view json,
                                      const crypto::SecretBytes& web3_password,
                                      const crypto::SecretBytes& password,
                                      const crypto::Argon2Params& params) {
    auto key = crypto::web3_import(json, web3_password);
    if (!key) return fail(std::move(key).error().within("Web3 key file"));
    return store(name, kind, *key, password, params);
}

Result<std::string> Keystore::export_web3(std::string_view name,
                                          const crypto::SecretBytes& password,
                                          const crypto::SecretBytes& web3_password,
                                          const crypto::ScryptParams& params) const {
    if (web3_password.empty()) {
        return fail(Errc::kInvalidArgument, "the password of an exported key must not be empty");
    }
    COVENANT_TRY(const crypto::SecretKey key, open(name, password));
    return crypto::web3_export(key, web3_password, params);
}

}  // namespace covenant::node
