// A miner: trains what the beacon assigned, commits it, publishes the key and what an audit draws.
// Every duty is idempotent and journalled, so a process killed anywhere resumes where it was and
// never commits twice.
#pragma once

#include "miner/desk.hpp"

#include <map>

namespace covenant::miner {

class Miner final : public participant::Role {
  public:
    Miner(const participant::Node& node, participant::Background& background,
          MinerOptions options = {})
        : Role(node, background), desk_{node, background, submitter_, options} {}

    // True when the last round is over for this miner: past its openings.
    [[nodiscard]] bool finished(const chain::Head& head) const override;

  private:
    Result<std::vector<participant::Duty>> duties(const participant::Moment& moment,
                                                  std::optional<protocol::Round> current) override;
    void begin_round(protocol::Round round) override;
    [[nodiscard]] StatesInUse states_in_use(protocol::Round round) const override;

    Desk desk_;
    std::map<protocol::Round, RoundWork> work_;
};

}  // namespace covenant::miner
