#include "tools/view/names.hpp"

#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/codec/json.hpp"
#include "common/crypto/secp256k1.hpp"

#include <charconv>

namespace covenant::view {
namespace {

using protocol::Uid;

constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{1} << 20;

Result<Folder> parse(const codec::Json& json) {
    Folder folder;
    COVENANT_TRY(folder.run, json.fixed<Hash256>("run"));
    COVENANT_TRY(folder.rounds, json.u64("rounds"));
    COVENANT_TRY(const auto people, json.items("participants"));
    for (const codec::Json& person : people) {
        COVENANT_TRY(std::string name, person.string("name"));
        COVENANT_TRY(const std::uint64_t uid, person.u64("uid"));
        if (uid >= protocol::kMaxUids) {
            return fail(Errc::kMalformed, person.path() + ".uid: " + std::to_string(uid) +
                                              " is no uid, they are below " +
                                              std::to_string(protocol::kMaxUids));
        }
        folder.names[std::move(name)] = Uid(static_cast<std::uint16_t>(uid));
    }
    return folder;
}

std::string known_names(const protocol::RunState& state, const Folder& folder) {
    std::string out;
    for (const auto& [name, uid] : folder.names) {
        out += (out.empty() ? "" : ", ") + name;
    }
    if (!folder.damage.empty()) {
        return "; no devnet name is known: " + folder.damage;
    }
    if (!out.empty()) {
        return "; this devnet has " + out;
    }
    return "; " + std::to_string(state.roster.neurons.size()) +
           " hotkeys are registered, `covenant metagraph` lists them";
}

}  // namespace

Result<Folder> read_folder(const std::filesystem::path& folder) {
    const auto path = folder / "devnet.json";
    auto bytes = read_file(path, kMaxRecordBytes);
    if (!bytes && bytes.error().code == Errc::kNotFound) {
        return Folder{};
    }
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    auto json = codec::Json::parse(as_text(*bytes));
    if (!json) {
        return fail(std::move(json).error().within(path.string()));
    }
    auto parsed = parse(*json);
    if (!parsed) {
        return fail(std::move(parsed).error().within(path.string()));
    }
    return parsed;
}

Folder folder_if_whole(const std::filesystem::path& folder) {
    auto whole = read_folder(folder);
    if (whole) {
        return std::move(*whole);
    }
    Folder damaged;
    damaged.damage = std::move(whole).error().context;
    return damaged;
}

Result<protocol::RunId> choose_run(const Folder& folder, const chain::NetworkFile* network,
                                   chain::IndexReader& reader) {
    if (network != nullptr && !network->run.is_zero()) {
        return network->run;
    }
    if (folder.run) {
        return *folder.run;
    }
    COVENANT_TRY(const auto runs, reader.runs());
    return runs.empty() ? protocol::RunId{} : runs.back();
}

std::string name_of(const Folder& folder, Uid uid) {
    for (const auto& [name, at] : folder.names) {
        if (at == uid) {
            return name;
        }
    }
    return "";
}

Result<std::uint64_t> parse_number(std::string_view text, std::string_view what,
                                   std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value > most) {
        return fail(Errc::kInvalidArgument, std::string(what) + " '" + std::string(text) +
                                                "' is no number from 0 to " + std::to_string(most));
    }
    return value;
}

Result<Uid> find_hotkey(const protocol::RunState& state, const Folder& folder,
                        std::string_view text) {
    if (const auto named = folder.names.find(std::string(text)); named != folder.names.end()) {
        return named->second;
    }
    if (text.starts_with("0x") || text.size() == 2 * Address::kSize) {
        COVENANT_TRY(const Address address, crypto::parse_address(text));
        if (const protocol::Neuron* neuron = state.roster.find(address)) {
            return neuron->uid;
        }
        return fail(Errc::kNotFound, "no hotkey " + to_0x(address) + known_names(state, folder));
    }
    if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
        COVENANT_TRY(const std::uint64_t number, parse_number(text, "uid", protocol::kMaxUids - 1));
        const Uid uid(static_cast<std::uint16_t>(number));
        if (state.roster.find(uid) != nullptr) {
            return uid;
        }
        return fail(Errc::kNotFound,
                    "no hotkey with uid " + std::string(text) + known_names(state, folder));
    }
    return fail(Errc::kInvalidArgument, "'" + std::string(text) +
                                            "' is no address, uid or devnet name" +
                                            known_names(state, folder));
}

std::string label(const protocol::RunState& state, const Folder& folder, Uid uid) {
    std::string name = name_of(folder, uid);
    if (!name.empty()) {
        return name;
    }
    const protocol::Neuron* neuron = state.roster.find(uid);
    return neuron == nullptr ? "uid " + std::to_string(uid.value)
                             : to_short_hex(neuron->hotkey.view());
}

}  // namespace covenant::view
