#include "tools/covenant/devnet/lateness.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

#include <fmt/format.h>

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
            protocol::shown_key(state, round, record.uids.at(one.name)) == nullptr) {
            late.push_back(one.name);
        }
    }
    return late;
}

std::vector<std::string> late_voters(const Record& record, const protocol::RunState& state,
                                     protocol::Round round) {
    const protocol::RoundRecord* found = state.record(round);
    if (found == nullptr || found->accepted || found->commitments.empty() ||
        !state.beacons.contains(protocol::beacon_slot_of(round))) {
        return {};
    }
    std::vector<std::string> no_inclusion;
    std::vector<std::string> no_parameters;
    for (const Participant& one : record.participants) {
        if (one.role != protocol::Role::kValidator) {
            continue;
        }
        const protocol::Uid uid = record.uids.at(one.name);
        if (!found->inclusion_votes.contains(uid)) {
            no_inclusion.push_back(one.name);
        } else if (!found->parameters_votes.contains(uid)) {
            no_parameters.push_back(one.name);
        }
    }
    return no_inclusion.empty() ? no_parameters : no_inclusion;
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

namespace {

std::vector<std::string> validators_of(const Record& record) {
    std::vector<std::string> out;
    for (const Participant& one : record.participants) {
        if (one.role == protocol::Role::kValidator) {
            out.push_back(one.name);
        }
    }
    return out;
}

}  // namespace

std::string with_reasons(std::string text, const std::vector<std::string>& nodes,
                         const Layout& layout, protocol::Round round) {
    for (const std::string& node : nodes) {
        const std::string why = last_warning(layout.logs() / (node + ".log"), round);
        if (!why.empty()) {
            text.append("; ").append(node).append(": ").append(why);
        }
    }
    return text;
}

std::vector<std::string> late_duties(const Record& record, const Layout& layout,
                                     const protocol::RunState& state, protocol::Round round) {
    std::vector<std::string> texts;
    if (const protocol::RoundRecord* found = state.record(round);
        found != nullptr && !found->commitments.empty() &&
        !state.beacons.contains(protocol::beacon_slot_of(round))) {
        texts.push_back(with_reasons(
            fmt::format("round {} has no beacon: no validator proved it in time", round.value),
            validators_of(record), layout, round));
    }
    if (const auto late = late_voters(record, state, round); !late.empty()) {
        texts.push_back(with_reasons(fmt::format("round {} has no result: no vote in time of {}",
                                                 round.value, fmt::join(late, ", ")),
                                     late, layout, round));
    }
    if (const Audits count = audits(record, state, round); count.done < count.owed) {
        texts.push_back(fmt::format("round {}: {} of {} audits were done in time", round.value,
                                    count.done, count.owed));
    }
    return texts;
}

}  // namespace covenant::devnet
