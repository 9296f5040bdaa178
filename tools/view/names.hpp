// Who is who in a data folder: a devnet gives its hotkeys names, and people may say them.
#pragma once

#include "chain/indexer/queries.hpp"
#include "chain/network_file.hpp"
#include "common/base/result.hpp"
#include "common/protocol/run_state.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace covenant::view {

// What devnet.json says; empty for a folder that holds none.
struct Folder {
    std::map<std::string, protocol::Uid> names;
    std::optional<protocol::RunId> run;
    std::optional<std::uint64_t> rounds;  // that the devnet was asked for, in all
    std::string damage;                   // why devnet.json was not read, see folder_if_whole
};
// kMalformed names the field. A missing file is an empty Folder.
Result<Folder> read_folder(const std::filesystem::path& folder);
// For whom the names are decoration: a devnet.json that cannot be read gives an empty Folder whose
// `damage` says why.
Folder folder_if_whole(const std::filesystem::path& folder);

// The run that a folder is about: of network.json (null: there is none), else of devnet.json, else
// the newest of the index. Zero: there is no run yet.
Result<protocol::RunId> choose_run(const Folder& folder, const chain::NetworkFile* network,
                                   chain::IndexReader& reader);

// The devnet's name of a uid, or "".
std::string name_of(const Folder& folder, protocol::Uid uid);

// A hotkey as people write it: a devnet name, a uid, or an address. kNotFound tells what there is;
// kInvalidArgument: none of the three.
Result<protocol::Uid> find_hotkey(const protocol::RunState& state, const Folder& folder,
                                  std::string_view text);

// "alice", or "0x1234…abcd" where there is no name.
std::string label(const protocol::RunState& state, const Folder& folder, protocol::Uid uid);

// Decimal digits only. kInvalidArgument, naming the value, for anything else or above `most`.
Result<std::uint64_t> parse_number(std::string_view text, std::string_view what,
                                   std::uint64_t most);

}  // namespace covenant::view
