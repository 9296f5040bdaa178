#include "chain/participant/role.hpp"

#include "chain/participant/housekeeping.hpp"

#include <algorithm>

namespace covenant::participant {

using protocol::Round;

Role::Role(const Node& node, Background& background)
    : node_(node), background_(background), submitter_(node.ledger(), node.clock()) {}

Round Role::last_round() const {
    const Round last(node_.seat().spec.timing.last_round);
    return asked_last_round_ ? std::min(*asked_last_round_, last) : last;
}

Result<TickReport> Role::tick(const chain::Head& head) {
    const Moment moment{node_.ledger().state(), head.time};
    if (!moment.state->spec) {
        return TickReport{{}, {}, "the run is not on this chain yet"};
    }
    background_.deliver();
    COVENANT_CHECK(submitter_.follow(moment.now));
    const auto current = protocol::round_at(node_.seat().spec.timing, moment.now);
    if (current && begun_ != current) {
        begin_round(*current);
        setbacks_.forget(Round(current->value - std::min(current->value, protocol::kRecentRounds)));
        COVENANT_CHECK(tidy(moment, *current));
        begun_ = current;
    }
    COVENANT_TRY(const std::vector<Duty> agenda, duties(moment, current));
    COVENANT_TRY(TickReport report, run_due(agenda, moment.now, setbacks_));
    if (!report.busy()) {
        report.round = current.value_or(Round{});
        report.note = current ? "" : "the run has not started";
    }
    return report;
}

// What is old goes, before the round's own work asks for the engine.
Status Role::tidy(const Moment& moment, Round round) {
    COVENANT_CHECK(prune_journal(node_.journal(), round));
    if (tidying_.done()) {
        COVENANT_TRY(const bool before, tidying_.take());
        static_cast<void>(before);
    }
    tidying_.start(background_, "drop old states", Lane::kEngine, moment.now,
                   [&states = node_.training().states, in_use = states_in_use(round),
                    state = moment.state, round]() -> Result<bool> {
                       COVENANT_TRY(std::set<Hash256> keep, in_use());
                       COVENANT_CHECK(prune_states(states, *state, round, std::move(keep)));
                       return true;
                   });
    return {};
}

std::vector<std::shared_ptr<const RoundMoment>> Role::rounds_in_flight(const Moment& moment,
                                                                       Round current,
                                                                       std::uint64_t back) {
    std::vector<std::shared_ptr<const RoundMoment>> out;
    for (std::uint64_t i = std::min(current.value, back) + 1; i-- > 0;) {
        auto view = protocol::round_view(*moment.state, Round(current.value - i));
        if (view && !view->rho.is_zero()) {
            out.push_back(std::make_shared<const RoundMoment>(
                RoundMoment{moment.state, moment.now, std::move(*view)}));
        }
    }
    return out;
}

}  // namespace covenant::participant
