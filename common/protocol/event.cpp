#include "common/protocol/event.hpp"

namespace covenant::protocol {
namespace {

struct Name {
    std::string_view operator()(const HotkeyRegistered&) const { return "hotkey_registered"; }
    std::string_view operator()(const StakeChanged&) const { return "stake_changed"; }
    std::string_view operator()(const RunCreated&) const { return "run_created"; }
    std::string_view operator()(const ArtifactCommitted&) const { return "artifact_committed"; }
    std::string_view operator()(const BeaconProven&) const { return "beacon_proven"; }
    std::string_view operator()(const InclusionVoted&) const { return "inclusion_voted"; }
    std::string_view operator()(const ParametersVoted&) const { return "parameters_voted"; }
    std::string_view operator()(const ParametersAccepted&) const { return "parameters_accepted"; }
    std::string_view operator()(const ScoresCommitted&) const { return "scores_committed"; }
    std::string_view operator()(const ScoresRevealed&) const { return "scores_revealed"; }
    std::string_view operator()(const MinerFailed&) const { return "miner_failed"; }
    std::string_view operator()(const Credited&) const { return "credited"; }
    std::string_view operator()(const RoundSettled&) const { return "round_settled"; }
    std::string_view operator()(const Claimed&) const { return "claimed"; }
};

}  // namespace

std::string_view event_name(const EventBody& body) {
    return std::visit(Name{}, body);
}

}  // namespace covenant::protocol
