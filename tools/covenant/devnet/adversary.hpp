// The program whose miners lie. It knows the kinds of lies; this one does not.
#pragma once

#include "tools/covenant/devnet/bring_up.hpp"

#include <stop_token>
#include <string>

namespace covenant::devnet {

// What a participant runs. kPrecondition, with what builds it: there is no covenant-adversary, as
// in an installation, and the participant cheats.
Result<std::string> program_of(const Participant& one, const Programs& programs);

// The options with the cheat's kind filled in: "" and "@NAME" get the first that covenant-adversary
// lists; "none" needs no such program, and neither does a `kept` devnet without a cheat that is
// asked for none. kInvalidArgument: it knows no such kind, or participants() refuses; kPrecondition
// as above.
Result<Options> checked(Options options, const std::optional<Record>& kept,
                        const Programs& programs, const std::stop_token& stop);

}  // namespace covenant::devnet
