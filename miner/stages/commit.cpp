#include "chain/ledger.hpp"
#include "common/base/hex.hpp"
#include "common/base/log.hpp"
#include "common/store/state_store.hpp"
#include "miner/stages/duties.hpp"
#include "miner/stages/execute.hpp"
#include "miner/stages/plan.hpp"
#include "miner/stages/promise.hpp"

namespace covenant::miner {

using participant::Step;

namespace {

// What the training job takes with it.
struct Training {
    const participant::Node& node;
    RoundMoment at;
    const execution::Conduct& conduct;
    std::stop_source give_up;
    std::shared_ptr<std::atomic<std::uint32_t>> steps_done;
};

Result<Trained> train(const Training& job) {
    const participant::Seat& seat = job.node.seat();
    participant::Training training = job.node.training();
    const std::stop_callback link(training.stop,
                                  [&job] { std::stop_source(job.give_up).request_stop(); });
    training.stop = job.give_up.get_token();
    Trained out;
    COVENANT_TRY(auto plan, plan_round(seat, job.node.artifacts(), training, *job.at->state,
                                       job.at->view, out.sits_out));
    if (!plan) {
        out.sits_out = "not taking part: " + out.sits_out;
        return out;
    }
    auto result = execute_plan(seat, job.node.artifacts(), training, std::move(*plan), job.conduct,
                               [&job](std::uint32_t step, float) { job.steps_done->store(step); });
    if (!result) {
        if (result.error().code != Errc::kRejected) {
            return fail(std::move(result).error());
        }
        out.sits_out = "training is invalid by rule: " + result.error().context;
        return out;
    }
    COVENANT_TRY(out.package,
                 encrypt_round(seat, job.node.artifacts().store, job.at->view, *result));
    out.mean_loss = result->mean_loss;
    return out;
}

void start_training(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    work.give_up = std::stop_source();
    work.steps_done = std::make_shared<std::atomic<std::uint32_t>>(0);
    work.training_since = at->now;
    const Training job{desk.node, at, desk.options.conduct, work.give_up, work.steps_done};
    work.training.start(desk.background, "train round " + std::to_string(at->view.round.value),
                        participant::Lane::kEngine, at->view.times.t1,
                        [job] { return train(job); });
}

// Nothing while the commitment is on its way.
Result<std::optional<std::string>> next_key(const Desk& desk, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    return desk.submitter.next_key(
        "commit/" + std::to_string(view.round.value) + "/" + to_hex(view.rho.view()), at->now);
}

Step send(const Desk& desk, const RoundMoment& at, const std::string& key,
          const protocol::SignedCommitment& commitment, std::string note) {
    COVENANT_CHECK(desk.submitter.submit(
        key, protocol::PostCommitment{commitment},
        {.what = "commitment", .round = at->view.round, .deadline = at->view.times.t1}));
    return participant::did(std::move(note));
}

// Signed once, sealed, and only then shown to anybody.
Step finish(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    auto trained = work.training.take();
    if (!trained) {
        // Theta_r cannot be fetched yet; or it was ended, for this round or with the node.
        const Errc code = trained.error().code;
        return code == Errc::kUnavailable || code == Errc::kInterrupted
                   ? participant::waits()
                   : Step(fail(std::move(trained).error()));
    }
    if (!trained->package) {
        work.sits_out = true;
        log::warn("round", trained->sits_out, {{"round", at->view.round.value}});
        return participant::waits();
    }
    COVENANT_TRY(const Package package,
                 seal_package(desk.node.seat(), desk.node.journal(), desk.node.ledger().domain(),
                              at->view, std::move(*trained->package)));
    const protocol::Commitment& commitment = package.commitment.commitment;
    log::info("round", "commitment signed, sending",
              {{"round", at->view.round.value},
               {"loss", trained->mean_loss},
               {"segments", commitment.segments},
               {"artifact", to_short_hex(commitment.ciphertext_hash.view())},
               {"bytes", commitment.size}});
    COVENANT_TRY(const auto key, next_key(desk, at));
    return key ? send(desk, at, *key, package.commitment, to_0x(commitment.root))
               : participant::waits();
}

// Sealed at an earlier look, perhaps by a process that died since. What the commitment promises may
// have been damaged meanwhile, and an audit would convict an honest miner of it.
Step resume(const Desk& desk, RoundWork& work, const RoundMoment& at,
            const protocol::SignedCommitment& sealed) {
    COVENANT_TRY(const auto key, next_key(desk, at));
    if (!key) {
        return participant::waits();
    }
    if (!work.promise.started()) {
        work.promise.start(
            desk.background,
            "check of the commitment of round " + std::to_string(at->view.round.value),
            participant::Lane::kTransfer, at->view.times.t1,
            [&node = desk.node, commitment = sealed.commitment] {
                return check_promise(node.seat(), node.artifacts(), node.training(), commitment);
            });
    }
    if (!work.promise.done()) {
        return participant::waits();
    }
    if (Status whole = work.promise.take(); !whole) {
        if (!store::is_lost(whole.error().code)) {
            return whole.error().retryable ? participant::waits()
                                           : Step(fail(std::move(whole).error()));
        }
        work.sits_out = true;
        log::warn("round",
                  "not taking part: the commitment that was signed is not sent, because what it "
                  "promises is gone: " +
                      whole.error().context,
                  {{"round", at->view.round.value}});
        return participant::waits();
    }
    return send(desk, at, *key, sealed, "resumed");
}

Step commit(const Desk& desk, RoundWork& work, const RoundMoment& at) {
    if (work.training.done()) {
        return finish(desk, work, at);
    }
    if (work.training.running()) {
        return participant::waits();
    }
    COVENANT_TRY(const auto sealed, sealed_package(desk.node.journal(), at->view));
    if (sealed) {
        return resume(desk, work, at, sealed->commitment);
    }
    if (at->now.value + desk.options.safety_margin_seconds >= at->view.times.t1.value) {
        return participant::waits();  // too late to start
    }
    start_training(desk, work, at);
    return work.training.done() ? finish(desk, work, at) : participant::waits();
}

}  // namespace

std::optional<participant::Duty> commit_duty(Desk& desk, RoundWork& work, const RoundMoment& at) {
    const protocol::RoundView& view = at->view;
    if (work.left_out || work.sits_out ||
        protocol::recorded_commitment(*at->state, view.round, desk.node.seat().uid) != nullptr) {
        return std::nullopt;
    }
    return participant::Duty{"commit", view.round, view.times.t0, view.times.t1,
                             [&desk, &work, at] { return commit(desk, work, at); }};
}

}  // namespace covenant::miner
