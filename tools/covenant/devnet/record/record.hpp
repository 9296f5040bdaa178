// What a devnet folder says of itself: who takes part, which run, how far.
#pragma once

#include "common/codec/json.hpp"
#include "tools/covenant/devnet/record/plan.hpp"

#include <map>
#include <string>
#include <vector>

namespace covenant::devnet {

// Deadlines grow by a half each time they are missed, but not for ever.
inline constexpr double kMaxDeadlineFactor = 32.0;

// devnet.json: what a second start and `covenant replay` need to know.
struct Record {
    std::uint64_t seed = 0;
    std::uint64_t rounds = 0;  // wanted in all
    std::string cheat;
    double step_ms = 0.0;          // one inner step of the trial, among everybody's
    double deadline_factor = 1.0;  // that the run on chain was planned with
    double next_factor = 1.0;      // that the folder's next start needs: more after misses
    double initial_loss = 0.0;     // held-out, of Theta_0
    protocol::RunId run;
    std::map<std::string, protocol::Uid> uids;  // by name, miners and validators
    std::vector<Participant> participants;
    bool keep = false;
};
codec::Json to_json(const Record& record);
Result<Record> parse_record(const codec::Json& json);
Result<Record> load_record(const Layout& layout);
Status save_record(const Layout& layout, const Record& record);

// The spec that the chain's run event carries.
Result<protocol::RunSpec> read_spec(const Layout& layout);

}  // namespace covenant::devnet
