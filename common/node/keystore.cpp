#include "common/node/keystore.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/codec/json.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/option_table.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>
#include <sys/stat.h>

namespace covenant::node {
namespace {

constexpr std::size_t kMaxBoxBytes = 4096;
constexpr std::size_t kMaxName = 64;

Status check_name(std::string_view name) {
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

std::string label_of(KeyKind kind, const Address& address) {
    return fmt::format("covenant-key/{}/{}", to_string(kind), to_0x(address));
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
    COVENANT_CHECK(json.only_keys({"format", "version", "kind", "name", "address", "box"}));
    COVENANT_TRY(const std::string format, json.string("format"));
    if (format != "covenant-key") return fail(Errc::kMalformed, "not a covenant key file");
    COVENANT_TRY(const std::uint64_t version, json.u64("version"));
    if (version != 1)
        return fail(Errc::kMalformed, fmt::format("key file version {} is unknown", version));
    KeyFile file;
    COVENANT_TRY(const std::string kind, json.string("kind"));
    COVENANT_TRY(file.kind, parse_key_kind(kind));
    COVENANT_TRY(file.name, json.string("name"));
    if (!check_name(file.name))
        return fail(Errc::kMalformed, "the key file's name is not a key name");
    COVENANT_TRY(file.address, json.fixed<Address>("address"));
    COVENANT_TRY(file.box, json.bytes("box", kMaxBoxBytes));
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
    COVENANT_CHECK(check_name(name));
    if (password.empty())
        return fail(Errc::kInvalidArgument, "the password of a key must not be empty");
    const std::filesystem::path path = path_of(name);
    std::error_code failed;
    if (std::filesystem::exists(path, failed)) {
        return fail(Errc::kAlreadyExists,
                    fmt::format("{} exists; a key is never overwritten: choose another name",
                                path.string()));
    }
    if (!std::filesystem::exists(directory_, failed)) {
        std::filesystem::create_directories(directory_, failed);
        if (failed) {
            return fail(Errc::kIo,
                        fmt::format("create {}: {}", directory_.string(), failed.message()));
        }
        ::chmod(directory_.c_str(), 0700);
    }
    KeyFile file;
    file.name = std::string(name);
    file.kind = kind;
    file.address = key.address();
    COVENANT_TRY(file.box, crypto::password_seal(key.expose(), password,
                                                 label_of(kind, file.address), params));
    COVENANT_CHECK(write_file_durably(path, as_bytes(to_text(file)), {.access = Access::kPrivate}));
    return file.address;
}

Result<KeyFile> Keystore::describe(std::string_view name) const {
    COVENANT_CHECK(check_name(name));
    const std::filesystem::path path = path_of(name);
    auto text = read_text_file(path, kMaxFileBytes);
    if (!text) {
        if (text.error().code != Errc::kNotFound) return fail(std::move(text).error());
        std::vector<std::string> names;
        if (const auto keys = list()) {
            for (const KeyFile& key : *keys)
                names.push_back(key.name);
        }
        return fail(
            Errc::kNotFound,
            fmt::format("no key '{}' in {} ({}){}", name, directory_.string(),
                        names.empty() ? "there are none"
                                      : fmt::format("there are: {}", fmt::join(names, ", ")),
                        did_you_mean(name, names)));
    }
    auto file = parse_key_file(*text);
    if (!file) return fail(std::move(file).error().within(path.string() + ": no whole key file"));
    if (file->name != name) {
        return fail(Errc::kMalformed,
                    fmt::format("{} says that it is key '{}'", path.string(), file->name));
    }
    return file;
}

Result<crypto::SecretKey> Keystore::open(std::string_view name,
                                         const crypto::SecretBytes& password) const {
    COVENANT_TRY(const KeyFile file, describe(name));
    const std::filesystem::path path = path_of(name);
    COVENANT_CHECK(check_mode(path));
    auto plain = crypto::password_open(file.box, password, label_of(file.kind, file.address));
    if (!plain) {
        if (plain.error().code == Errc::kPermission) {
            return fail(Errc::kPermission,
                        fmt::format("wrong password for key '{}' ({}), or the file was changed",
                                    name, path.string()));
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

Result<std::vector<KeyFile>> Keystore::list() const {
    std::vector<std::string> names;
    std::error_code failed;
    if (!std::filesystem::exists(directory_, failed)) return std::vector<KeyFile>();
    for (std::filesystem::directory_iterator it(directory_, failed), end; !failed && it != end;
         it.increment(failed)) {
        const std::filesystem::path& path = it->path();
        const std::string stem = path.stem().string();
        if (path.extension() != ".json" || !check_name(stem)) continue;
        if (names.size() >= kMaxKeys) {
            return fail(Errc::kCorrupt,
                        fmt::format("{} holds more than {} keys", directory_.string(), kMaxKeys));
        }
        names.push_back(stem);
    }
    if (failed)
        return fail(Errc::kIo, fmt::format("list {}: {}", directory_.string(), failed.message()));
    std::sort(names.begin(), names.end());
    std::vector<KeyFile> out;
    for (const std::string& name : names) {
        COVENANT_TRY(KeyFile file, describe(name));
        out.push_back(std::move(file));
    }
    return out;
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
