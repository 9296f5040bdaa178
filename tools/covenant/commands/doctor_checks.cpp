#include "tools/covenant/commands/doctor_checks.hpp"

#include "common/base/file.hpp"
#include "common/node/keystore.hpp"
#include "common/node/output.hpp"
#include "tools/covenant/commands/session.hpp"
#include "tools/covenant/devnet/anvil.hpp"
#include "tools/covenant/devnet/bring_up.hpp"

#include <algorithm>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace covenant::commands {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLibtorchBytes = std::uint64_t{200} << 20;  // of a process that trains
constexpr std::int64_t kClockWarnSeconds = 30;

Check ok(std::string name, std::string found) {
    return {CheckLevel::kOk, std::move(name), std::move(found), ""};
}
Check warn(std::string name, std::string found, std::string fix) {
    return {CheckLevel::kWarn, std::move(name), std::move(found), std::move(fix)};
}
Check failed(std::string name, std::string found, std::string fix) {
    return {CheckLevel::kFail, std::move(name), std::move(found), std::move(fix)};
}

// The value of KEY=value or KEY="value" in a text of such lines.
std::string field_of(std::string_view text, std::string_view key) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string_view line = text.substr(at, end - at);
        at = end + 1;
        if (!line.starts_with(key)) {
            continue;
        }
        line.remove_prefix(key.size());
        const std::size_t first = line.find_first_not_of(" \"");
        const std::size_t last = line.find_last_not_of(" \"");
        return first == std::string_view::npos ? std::string()
                                               : std::string(line.substr(first, last - first + 1));
    }
    return "";
}

bool is_program(const fs::path& path) {
    return ::access(path.c_str(), X_OK) == 0;
}

bool on_path(std::string_view program) {
    const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): before threads
    std::string_view rest = path == nullptr ? "" : path;
    while (!rest.empty()) {
        const std::size_t colon = std::min(rest.find(':'), rest.size());
        if (is_program(fs::path(rest.substr(0, colon)) / program)) {
            return true;
        }
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return false;
}

fs::path existing_parent(fs::path path) {
    while (!path.empty() && !fs::exists(path) && path.has_relative_path()) {
        path = path.parent_path();
    }
    return path;
}

}  // namespace

std::string_view to_string(CheckLevel level) {
    switch (level) {
        case CheckLevel::kOk:
            return "ok";
        case CheckLevel::kWarn:
            return "warn";
        case CheckLevel::kFail:
            return "fail";
    }
    return "fail";
}

Check check_system(std::string_view os_release) {
    const std::string name = field_of(os_release, "PRETTY_NAME=");
    if (field_of(os_release, "ID=") == "debian" && field_of(os_release, "VERSION_ID=") == "12") {
        return ok("system", name);
    }
    return warn("system", name.empty() ? "unknown" : name,
                "built and tested on Debian 12; elsewhere the package names differ");
}

Check check_cores(unsigned cores) {
    const std::string found = std::to_string(cores) + " cores";
    return cores >= 2 ? ok("cores", found)
                      : warn("cores", found, "a devnet of six nodes wants 2 or more");
}

Check check_memory(std::string_view meminfo, std::uint64_t needed_bytes) {
    const std::string kilobytes = field_of(meminfo, "MemAvailable:");
    const auto available = from_decimal(std::string_view(kilobytes).substr(0, kilobytes.find(' ')));
    if (!available) {
        return warn("memory", "unknown", "look at /proc/meminfo");
    }
    const auto bytes = static_cast<std::uint64_t>(*available) * 1024;
    const std::uint64_t needed = needed_bytes + kLibtorchBytes;
    const std::string found =
        fmt::format("{} available, a node needs about {}{}", node::human_bytes(bytes),
                    node::human_bytes(needed), needed_bytes == 0 ? " and the model" : "");
    return bytes >= needed ? ok("memory", found)
                           : failed("memory", found, "stop other programs, or add memory");
}

Check check_disk(const fs::path& folder, std::uint64_t needed_bytes) {
    std::error_code error;
    const fs::path parent = existing_parent(folder);
    const fs::space_info space = fs::space(parent, error);
    if (error) {
        return failed("disk", parent.string() + ": " + error.message(),
                      "name a folder of yours with --datadir DIR");
    }
    const std::string found =
        fmt::format("{} free at {}", node::human_bytes(space.available), parent.string());
    return space.available >= needed_bytes
               ? ok("disk", found)
               : failed("disk", found + ", at least " + node::human_bytes(needed_bytes) + " needed",
                        "free some space, or name another folder with --datadir DIR");
}

std::vector<Check> check_programs(const fs::path& folder) {
    std::vector<Check> out;
    for (const char* name :
         {"covenant-miner", "covenant-validator", "covenant-engine", "covenant-explorer"}) {
        const fs::path path = folder / name;
        out.push_back(is_program(path) ? ok(name, path.string())
                                       : failed(name, "not at " + path.string(), "tools/devnet"));
    }
    // Built and never installed: only a cheating devnet and `covenant simulate` need them.
    for (const char* name : {"covenant-adversary", "covenant-simulate"}) {
        const fs::path path = folder / name;
        out.push_back(is_program(path) ? ok(name, path.string())
                                       : warn(name, "not at " + path.string(), "tools/devnet"));
    }
    const auto programs = devnet::find_programs();
    const auto anvil = programs ? devnet::find_anvil(programs->repository)
                                : Result<std::string>(fail(programs.error()));
    out.push_back(anvil && is_program(*anvil)
                      ? ok("anvil", *anvil)
                      : warn("anvil", "not found: there is no devnet without it",
                             "contracts/build, or set COVENANT_ANVIL"));
    out.push_back(on_path("bible") ? ok("bible", "on PATH")
                                   : warn("bible", "not on PATH: the devnet's text",
                                          "apt install bible-kjv bible-kjv-text"));
    return out;
}

// Of what is no key of ours: a damaged key comes before what never was one.
Check check_others(const node::KeyFolder& folder) {
    const auto damaged = [](const auto& other) { return other.why.code == Errc::kCorrupt; };
    auto worst = std::find_if(folder.others.begin(), folder.others.end(), damaged);
    const bool lost = folder.keys.empty() || worst != folder.others.end();
    if (worst == folder.others.end()) {
        worst = folder.others.begin();
    }
    std::string what = worst->file.string() + " is no key: " + worst->why.context;
    for (auto other = folder.others.begin(); other != folder.others.end(); ++other) {
        if (other != worst) {
            what += "; nor is " + other->file.filename().string();
        }
    }
    return lost ? failed("keys", std::move(what), "restore it from your copy")
                : warn("keys", std::move(what), "move it out of the folder of keys");
}

Check check_keys(const fs::path& folder) {
    const fs::path keys = folder / "keys";
    std::error_code ignored;
    if (!fs::is_directory(keys, ignored)) {
        return warn("keys", "none in " + keys.string(), "covenant wallet new-hotkey");
    }
    const node::Keystore store(keys);
    const auto there = store.scan();
    if (!there) {
        return failed("keys", there.error().context, "restore them from your copy");
    }
    std::size_t hotkeys = 0;
    std::size_t coldkeys = 0;
    for (const node::KeyFile& key : there->keys) {
        const fs::path path = store.path_of(key.name);
        const auto mode = fs::status(path, ignored).permissions();
        if ((mode & (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none) {
            return failed("keys", path.string() + " may be read by others",
                          "chmod 600 " + path.string());
        }
        (key.kind == node::KeyKind::kHotkey ? hotkeys : coldkeys) += 1;
    }
    if (!there->others.empty()) {
        return check_others(*there);
    }
    const std::string found = fmt::format("{} hotkeys, {} coldkeys", hotkeys, coldkeys);
    return coldkeys > 0 && hotkeys > 0
               ? warn("keys", found + " in one folder",
                      "keep the coldkey on another machine: a miner refuses to start beside it")
               : ok("keys", found);
}

Check check_lock(const fs::path& folder) {
    const fs::path path = folder / "LOCK";
    const auto file = RegularFile::open(path);
    if (!file) {
        return file.error().code == Errc::kNotFound
                   ? ok("data folder", folder.string() + " is in nobody's use")
                   : warn("data folder", file.error().context, "name another with --datadir DIR");
    }
    const bool held = ::flock(file->descriptor(), LOCK_EX | LOCK_NB) != 0;
    return held ? warn("data folder", folder.string() + " is in use by a running process",
                       "nothing, if that is the node or devnet that you started")
                : ok("data folder", folder.string() + " is in nobody's use");
}

Check check_store(const fs::path& folder) {
    const fs::path store = folder / "store";
    std::error_code ignored;
    if (!fs::exists(store, ignored)) {
        return ok("store", "none yet in " + folder.string());
    }
    return ::access(store.c_str(), W_OK | X_OK) == 0
               ? ok("store", store.string() + " is writable")
               : failed("store", store.string() + " is not writable",
                        "chown -R $USER " + store.string());
}

Check check_clock(std::uint64_t head_time, std::int64_t unix_ms) {
    const std::int64_t behind = unix_ms / 1000 - static_cast<std::int64_t>(head_time);
    if (behind < -kClockWarnSeconds) {
        return warn("clock", fmt::format("this machine is {} s behind the chain's head", -behind),
                    "timedatectl set-ntp true");
    }
    if (behind > kClockWarnSeconds) {
        return warn("clock",
                    fmt::format("the chain's newest block is {} s old: it stands still, or this "
                                "clock is ahead",
                                behind),
                    "timedatectl status, and look at the node");
    }
    return ok("clock", fmt::format("the chain's newest block is {} s old",
                                   std::max<std::int64_t>(behind, 0)));
}

std::vector<Check> check_chain(const node::GlobalOptions& global, Clock& clock) {
    const auto path = network_path(global);
    if (!path) {
        return {warn("chain", "no network given", "--network FILE, or --datadir of a devnet")};
    }
    const auto network = chain::load_network(path->string());
    if (!network) {
        return {failed("chain", network.error().context, "fetch the network's file again")};
    }
    const auto rpc = make_rpc(network->rpc_url, clock);
    if (!rpc) {
        return {failed("chain", rpc.error().context, "mend rpc_url in " + path->string())};
    }
    if (const Status good = chain::check_network(*network, **rpc); !good) {
        const bool silent = good.error().retryable;
        return {failed("chain", good.error().context,
                       silent ? "start the node (a kept devnet: covenant devnet --datadir DIR)"
                              : "point rpc_url in " + path->string() + " at the right chain")};
    }
    std::vector<Check> out{
        ok("chain", fmt::format("chain {} at {}: genesis and contracts are the network's",
                                network->chain_id, (*rpc)->endpoint()))};
    if (const auto head = chain::latest_block(**rpc)) {
        out.push_back(check_clock(head->timestamp, clock.unix_ms()));
    }
    return out;
}

codec::Json to_json(const std::vector<Check>& checks) {
    codec::Json rows = codec::Json::array();
    for (const Check& check : checks) {
        codec::Json row = codec::Json::object();
        row.set("level", to_string(check.level))
            .set("name", check.name)
            .set("found", check.found)
            .set("fix", check.fix.empty() ? codec::Json() : codec::Json(check.fix));
        rows.push(std::move(row));
    }
    return rows;
}

}  // namespace covenant::commands
