// A validator. Several rounds are in flight at once: while round r is collected and voted on, the
// audits of r - 1 are scored and the scores of r - 2 settled. Every duty is idempotent and
// journalled, as the miner's.
#pragma once

#include "validator/desk.hpp"

#include <map>

namespace covenant::validator {

class Validator final : public participant::Role {
  public:
    Validator(const participant::Node& node, participant::Background& background,
              ValidatorOptions options = {})
        : Role(node, background), desk_{node, background, submitter_, options} {}

    // True when the last round is settled on chain, or had nothing to settle.
    [[nodiscard]] bool finished(const chain::Head& head) const override;

  private:
    Result<std::vector<participant::Duty>> duties(const participant::Moment& moment,
                                                  std::optional<protocol::Round> current) override;
    void begin_round(protocol::Round round) override;
    [[nodiscard]] StatesInUse states_in_use(protocol::Round round) const override;

    Desk desk_;
    std::map<protocol::Round, std::shared_ptr<RoundWork>> work_;
};

}  // namespace covenant::validator
