#include "miner/miner.hpp"

#include "chain/participant/housekeeping.hpp"
#include "common/store/trace_record.hpp"
#include "miner/stages/duties.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace covenant::miner {

using participant::Duty;
using participant::Moment;
using protocol::Round;

namespace {

// The list: a duty is a file in stages/ and a line here.
constexpr std::array<DutyMaker, 4> kDuties{
    show_key_duty,
    commit_duty,
    publish_openings_duty,
    account_duty,
};

// States that the last rounds' traces name: an opening or the next round can still ask for them.
Result<std::set<Hash256>> traced_states(const participant::Node& node, Round round) {
    std::set<Hash256> keep;
    for (std::uint64_t back = 0; back <= std::min(round.value, participant::kKeepRounds); ++back) {
        const Round at(round.value - back);
        if (auto record = store::get_trace_record(node.artifacts().index, at, node.seat().uid)) {
            keep.merge(store::state_roots(*record));
        } else if (record.error().code != Errc::kNotFound) {
            return fail(std::move(record).error());
        }
    }
    return keep;
}

}  // namespace

void Miner::begin_round(Round round) {
    std::erase_if(work_, [&](const auto& entry) {
        return entry.first.value + protocol::kContinuityGap < round.value;
    });
}

participant::Role::StatesInUse Miner::states_in_use(Round round) const {
    return [&node = node_, round] { return traced_states(node, round); };
}

Result<std::vector<Duty>> Miner::duties(const Moment& moment, std::optional<Round> current) {
    std::vector<Duty> out;
    if (!current) {
        return out;
    }
    for (const RoundMoment& at : rounds_in_flight(moment, *current, protocol::kContinuityGap)) {
        RoundWork& work = work_[at->view.round];
        if (work.rho != at->view.rho) {  // another branch of the chain, or a new round
            work.give_up.request_stop();
            work = {};
            work.rho = at->view.rho;
            work.seen_at = at->now;
        }
        work.left_out = left_out(at->view.round);
        for (const DutyMaker make : kDuties) {
            if (auto duty = make(desk_, work, at)) {
                out.push_back(std::move(*duty));
            }
        }
    }
    return out;
}

bool Miner::finished(const chain::Head& head) const {
    return head.time >= protocol::round_times(node_.seat().spec.timing, last_round()).score_commit;
}

}  // namespace covenant::miner
