#include "validator/validator.hpp"

#include "validator/stages/duties.hpp"

#include <array>

namespace covenant::validator {

using participant::Duty;
using participant::Moment;
using protocol::Round;

namespace {

// The list: a duty is a file in stages/ and a line here.
constexpr std::array<DutyMaker, 11> kDuties{
    collect_duty, vote_inclusion_duty, vote_parameters_duty, publish_checkpoint_duty,
    audit_duty,   commit_scores_duty,  reveal_scores_duty,   settle_duty,
    jail_duty,    return_duty,         account_duty,
};

constexpr std::uint64_t kSettleSeconds = 60;  // after the reveals, for all validators' turns

}  // namespace

void Validator::begin_round(Round round) {
    std::erase_if(work_, [&](const auto& entry) {
        return entry.first.value + kRoundsInFlight < round.value;
    });
}

participant::Role::StatesInUse Validator::states_in_use(Round /*round*/) const {
    return [] { return std::set<Hash256>{}; };  // the chain's parameters are all it keeps
}

Result<std::vector<Duty>> Validator::duties(const Moment& moment, std::optional<Round> current) {
    std::vector<Duty> out;
    if (!current || !left_out(*current)) {
        if (auto beacon = prove_beacon_duty(desk_, moment, current)) {
            out.push_back(std::move(*beacon));
        }
    }
    if (!current) {
        return out;
    }
    for (const RoundMoment& at : rounds_in_flight(moment, *current, kRoundsInFlight)) {
        if (left_out(at->view.round)) {
            continue;
        }
        std::shared_ptr<RoundWork>& work = work_[at->view.round];
        if (!work) {
            work = make_round_work();
        }
        for (const DutyMaker make : kDuties) {
            if (auto duty = make(desk_, *work, at)) {
                out.push_back(std::move(*duty));
            }
        }
    }
    return out;
}

bool Validator::finished(const chain::Head& head) const {
    const protocol::RoundRecord* record = node_.ledger().state()->record(last_round());
    // A round in which nobody committed is never settled.
    const auto over = protocol::round_times(node_.seat().spec.timing, last_round()).score_reveal;
    return (record != nullptr && record->settled) || head.time.value >= over.value + kSettleSeconds;
}

}  // namespace covenant::validator
