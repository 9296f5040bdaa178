// covenant-validator: screens, re-executes, scores, agrees on parameters, settles.
#include "chain/participant/daemon.hpp"
#include "validator/validator.hpp"

namespace {

using namespace covenant;

Status run(participant::Participant& participant, const participant::ParticipantOptions& options,
           std::uint64_t vote_margin) {
    validator::Validator validator(participant.node(), participant.background(),
                                   {.vote_margin_seconds = vote_margin});
    if (options.last_round >= 0) {
        validator.set_last_round(protocol::Round(static_cast<std::uint64_t>(options.last_round)));
    }
    return participant.run(validator);
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t vote_margin = 2;
    participant::Daemon daemon;
    daemon.name = "covenant-validator";
    daemon.doc =
        "screens artifacts, re-executes drawn segments bit for bit, scores miners and votes on "
        "chain";
    daemon.role = protocol::Role::kValidator;
    daemon.describe = [&vote_margin](node::OptionTable& table) {
        table
            .add("vote-margin", vote_margin,
                 "seconds before a deadline at which a vote leaves at the latest")
            .section("validator")
            .group("Validating")
            .value_name("SECONDS")
            .range(1, 3600);
    };
    daemon.run = [&vote_margin](participant::Participant& participant,
                                const participant::ParticipantOptions& options) {
        return run(participant, options, vote_margin);
    };
    return participant::daemon_main(argc, argv, daemon);
}
