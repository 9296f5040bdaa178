#include "tools/covenant/devnet/adversary.hpp"

#include "common/codec/json.hpp"
#include "tools/covenant/devnet/process.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

namespace covenant::devnet {
namespace {

Result<std::string> adversary_path(const Programs& programs) {
    std::string path = programs.path("covenant-adversary");
    if (::access(path.c_str(), X_OK) != 0) {
        return fail(Errc::kPrecondition,
                    "no program " + path +
                        ": it is the miner that cheats, and is built, never installed; "
                        "tools/devnet builds it");
    }
    return path;
}

Result<std::vector<std::string>> kinds(const Programs& programs, const std::stop_token& stop) {
    auto found = adversary_path(programs);
    if (!found) {
        found.error().context += ", and --cheat none goes without it";
        return fail(std::move(found).error());
    }
    const std::string program = std::move(*found);
    // Asked before the devnet has a folder for a log.
    COVENANT_TRY(const std::string text, run_and_read({program, "kinds", "--json"}, {}, stop));
    COVENANT_TRY(const codec::Json json, codec::Json::parse(text));
    COVENANT_TRY(const auto rows, json.items("data"));
    std::vector<std::string> names;
    for (const codec::Json& row : rows) {
        COVENANT_TRY(std::string name, row.string("name"));
        names.push_back(std::move(name));
    }
    if (names.empty()) {
        return fail(Errc::kMalformed, program + " lists no kinds");
    }
    return names;
}

}  // namespace

Result<std::string> program_of(const Participant& one, const Programs& programs) {
    if (one.cheats()) {
        return adversary_path(programs);
    }
    return programs.path(one.role == protocol::Role::kMiner ? "covenant-miner"
                                                            : "covenant-validator");
}

Result<Options> checked(Options options, const std::optional<Record>& kept,
                        const Programs& programs, const std::stop_token& stop) {
    if (kept) {
        for (const Participant& one : kept->participants) {
            COVENANT_TRY(const std::string program, program_of(one, programs));
            static_cast<void>(program);
        }
        if (options.cheat.empty()) {
            return options;  // it goes on with those that it has
        }
    }
    const std::string kind = options.cheat.substr(0, options.cheat.find('@'));
    if (kind != kNoCheat) {
        COVENANT_TRY(const auto known, kinds(programs, stop));
        if (kind.empty()) {
            options.cheat.insert(0, known.front());
        } else if (std::find(known.begin(), known.end(), kind) == known.end()) {
            return fail(Errc::kInvalidArgument, fmt::format("--cheat: no cheat '{}'; known are {}",
                                                            kind, fmt::join(known, ", ")));
        }
    }
    COVENANT_TRY(const auto people, participants(options));
    static_cast<void>(people);
    return options;
}

}  // namespace covenant::devnet
