// `check`: everything that `run` needs and a newcomer may lack, each with the command that mends
// it.
#pragma once

#include "chain/participant/participant.hpp"
#include "common/node/output.hpp"

#include <optional>
#include <string>
#include <vector>

namespace covenant::participant {

struct Finding {
    std::string name;             // "network", "key", "stake", ...
    std::string found;            // what is there, or why it is not
    std::string mend;             // a command or a step; "" when nothing is to be done
    std::optional<Errc> missing;  // of the failure; nothing when all is well
};

// In the order in which they are mended. What depends on something that is missing is left out.
// Opens all that `run` opens once nothing else is missing.
std::vector<Finding> check_readiness(const ParticipantOptions& options, protocol::Role role,
                                     Clock& clock);

// One line a finding, "mend:" lines below those that fail, and the same as JSON. kOk, or the exit
// code of the first failure.
node::ExitCode report_readiness(node::Output& output, const std::vector<Finding>& findings);

}  // namespace covenant::participant
