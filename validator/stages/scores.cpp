#include "chain/ledger.hpp"
#include "common/node/journal.hpp"
#include "validator/round_work.hpp"
#include "validator/stages/duties.hpp"
#include "validator/stages/score.hpp"

#include <fmt/format.h>

namespace covenant::validator {

using participant::Step;

namespace {

// Sealed before; or made now that everything is known. Nothing while something is not.
Result<std::optional<Ballot>> ballot_of(const Desk& desk, const RoundWork& work,
                                        const RoundMoment& at) {
    COVENANT_TRY(auto sealed, sealed_ballot(desk.node.journal(), at->view.round));
    if (sealed || !work.screened || !audits_done(desk, work, at)) {
        return sealed;
    }
    std::vector<AuditResult> audits;
    for (const auto& [uid, result] : work.audits) {
        audits.push_back(result);
    }
    COVENANT_TRY(Ballot ballot,
                 score(desk.node.seat(), desk.node.journal(), at->view, *work.screened, audits));
    return std::optional<Ballot>(std::move(ballot));
}

Step commit(const Desk& desk, const RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    COVENANT_TRY(const auto key,
                 desk.submitter.next_key("scores/" + std::to_string(view.round.value), at->now));
    if (!key) {
        return participant::waits();
    }
    COVENANT_TRY(const auto ballot, ballot_of(desk, work, at));
    if (!ballot) {
        return participant::waits();
    }
    COVENANT_CHECK(desk.submitter.submit(
        *key,
        protocol::CommitScores{
            desk.node.seat().run, view.round,
            ballot_hash(desk.node.seat(), desk.node.ledger(), view.round, *ballot)},
        {.what = "scores",
         .round = view.round,
         .deadline = view.times.score_commit,
         .detail = fmt::format("{} findings", ballot->findings.size())}));
    return participant::did();
}

// Only what was committed can be revealed.
Step reveal(const Desk& desk, const RoundMoment& at, const Hash256& committed) {
    const protocol::RoundView& view = at->view;
    COVENANT_TRY(const auto key,
                 desk.submitter.next_key("reveal/" + std::to_string(view.round.value), at->now));
    COVENANT_TRY(auto ballot, sealed_ballot(desk.node.journal(), view.round));
    if (!key || !ballot ||
        ballot_hash(desk.node.seat(), desk.node.ledger(), view.round, *ballot) != committed) {
        return participant::waits();
    }
    COVENANT_CHECK(desk.submitter.submit(
        *key,
        protocol::RevealScores{desk.node.seat().run, view.round, ballot->weights, ballot->findings,
                               ballot->salt},
        {.what = "reveals its scores", .round = view.round, .deadline = view.times.score_reveal}));
    return participant::did();
}

}  // namespace

OptionalDuty commit_scores_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (!view.sigma || view.settled || !anybody_opened(view) || !has_a_say(desk, view)) {
        return std::nullopt;
    }
    return participant::Duty{"commit-scores", view.round, view.times.t2, view.times.score_commit,
                             [&desk, &work, at] { return commit(desk, work, at); }};
}

OptionalDuty reveal_scores_duty(Desk& desk, RoundWork& /*work*/, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    const protocol::Uid me = desk.node.seat().uid;
    const auto committed = view.score_commitments.find(me);
    if (view.settled || committed == view.score_commitments.end() || view.reveals.contains(me)) {
        return std::nullopt;
    }
    return participant::Duty{
        "reveal-scores", view.round, view.times.score_commit, view.times.score_reveal,
        [&desk, at, hash = committed->second] { return reveal(desk, at, hash); }};
}

}  // namespace covenant::validator
