#include "tools/covenant/devnet/lateness.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

namespace covenant::devnet {

namespace {

constexpr double kGrowth = 1.5;
constexpr std::string_view kWarning = "WARN";

}  // namespace

std::vector<std::string> late_miners(const Record& record, const protocol::RunState& state,
                                     protocol::Round round) {
    std::vector<std::string> late;
    for (const Participant& one : record.participants) {
        if (one.role == protocol::Role::kMiner && !one.cheats() &&
            protocol::recorded_commitment(state, round, record.uids.at(one.name)) == nullptr) {
            late.push_back(one.name);
        }
    }
    return late;
}

Audits audits(const Record& record, const protocol::RunState& state, protocol::Round round) {
    const auto found = state.rounds.find(round);
    if (found == state.rounds.end() || !state.beacons.contains(protocol::beacon_slot_of(round))) {
        return {};  // without commitments or a draw nobody owes one
    }
    Audits out;
    const auto validators = std::count_if(
        record.participants.begin(), record.participants.end(),
        [](const Participant& one) { return one.role == protocol::Role::kValidator; });
    out.owed = found->second.commitments.size() * static_cast<std::size_t>(validators);
    for (const auto& [validator, scores] : found->second.reveals) {
        out.done += scores.findings.size();
    }
    return out;
}

double longer(double factor, std::uint64_t block_seconds) {
    return std::min(factor * static_cast<double>(block_seconds) * kGrowth, kMaxDeadlineFactor);
}

std::uint64_t block_seconds(const Record& record) {
    return static_cast<std::uint64_t>(std::ceil(record.next_factor / record.deadline_factor));
}

std::string last_warning(const std::filesystem::path& log, protocol::Round round) {
    std::ifstream lines(log);
    const std::string field = "round=" + std::to_string(round.value);
    std::string found;
    for (std::string line; std::getline(lines, line);) {
        const auto level = line.find(kWarning);
        const auto at = line.find(field);
        const auto end = at + field.size();
        if (level != std::string::npos && at != std::string::npos &&
            (end == line.size() || line[end] == ' ')) {
            found = line.substr(level + kWarning.size());
            found.erase(0, found.find_first_not_of(' '));
        }
    }
    return found;
}

}  // namespace covenant::devnet
