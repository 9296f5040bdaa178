// What a miner and a validator have in common: they look at the chain, list their duties, and do
// the most urgent one that can be done now.
#pragma once

#include "chain/ledger.hpp"
#include "chain/participant/background.hpp"
#include "chain/participant/duty.hpp"
#include "chain/participant/node.hpp"
#include "chain/participant/submitter.hpp"
#include "common/protocol/round_view.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace covenant::participant {

// One look at the chain. Duties share it, and so may a job beside the loop.
struct Moment {
    std::shared_ptr<const protocol::RunState> state;
    protocol::ChainTime now;
};

// One round at that moment.
struct RoundMoment {
    std::shared_ptr<const protocol::RunState> state;
    protocol::ChainTime now;
    protocol::RoundView view;
};

class Role {
  public:
    // Both outlive the role.
    Role(const Node& node, Background& background);
    virtual ~Role() = default;
    Role(const Role&) = delete;
    Role& operator=(const Role&) = delete;

    // One look (after ledger.sync()) and at most one duty that does something. kInterrupted when
    // work was asked to stop; kCorrupt, kIo, kPermission when the node's own files fail it (see
    // Setbacks).
    Result<TickReport> tick(const chain::Head& head);
    // Rounds after this one are left to others; no round comes after the run's own last one.
    void set_last_round(std::optional<protocol::Round> round) { asked_last_round_ = round; }
    // Nothing is left to do up to the last round.
    [[nodiscard]] virtual bool finished(const chain::Head& head) const = 0;

  protected:
    // Of the rounds that are in flight, oldest first. Called again at every look: what a duty has
    // done or waits for lies in the journal, on the chain and in the role's own round state.
    virtual Result<std::vector<Duty>> duties(const Moment& moment,
                                             std::optional<protocol::Round> current) = 0;
    // The first look of every round: the role forgets rounds that are over.
    virtual void begin_round(protocol::Round round) = 0;
    // Its states that must stay, beside the chain's parameters. Called beside the loop.
    using StatesInUse = std::function<Result<std::set<Hash256>>()>;
    [[nodiscard]] virtual StatesInUse states_in_use(protocol::Round round) const = 0;

    // The rounds from current - back to current that can be played, oldest first: without a beacon
    // there is nothing to do.
    static std::vector<std::shared_ptr<const RoundMoment>> rounds_in_flight(const Moment& moment,
                                                                            protocol::Round current,
                                                                            std::uint64_t back);
    [[nodiscard]] bool left_out(protocol::Round round) const { return round > last_round(); }
    [[nodiscard]] protocol::Round last_round() const;

    const Node& node_;
    Background& background_;
    Submitter submitter_;

  private:
    Status tidy(const Moment& moment, protocol::Round round);

    Errand<bool> tidying_;
    Setbacks setbacks_;
    std::optional<protocol::Round> asked_last_round_;
    std::optional<protocol::Round> begun_;
};

}  // namespace covenant::participant
