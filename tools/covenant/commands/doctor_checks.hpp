// What `covenant doctor` looks at: each finding with the command that mends it.
#pragma once

#include "common/base/clock.hpp"
#include "common/codec/json.hpp"
#include "common/node/command.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::commands {

enum class CheckLevel : std::uint8_t { kOk, kWarn, kFail };
std::string_view to_string(CheckLevel level);

struct Check {
    CheckLevel level = CheckLevel::kOk;
    std::string name;
    std::string found;
    std::string fix;  // a command or a step; "" when nothing is to be done
};

// The machine.
Check check_system(std::string_view os_release);  // text of /etc/os-release
Check check_cores(unsigned cores);
// Available memory of /proc/meminfo's text against what a run needs (0: not known).
Check check_memory(std::string_view meminfo, std::uint64_t needed_bytes);
Check check_disk(const std::filesystem::path& folder, std::uint64_t needed_bytes);
// Programs that stand beside this one, anvil, and the text of the devnet.
std::vector<Check> check_programs(const std::filesystem::path& folder);

// The data folder.
Check check_keys(const std::filesystem::path& folder);
Check check_lock(const std::filesystem::path& folder);
Check check_store(const std::filesystem::path& folder);

// The chain: reachable, the right one, and whether its clock is ours. head_time in seconds.
Check check_clock(std::uint64_t head_time, std::int64_t unix_ms);
std::vector<Check> check_chain(const node::GlobalOptions& global, Clock& clock);

codec::Json to_json(const std::vector<Check>& checks);

}  // namespace covenant::commands
