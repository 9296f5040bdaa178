// Stage 1, collect: fetch, decrypt and decode what the round's miners committed. Cheap to repeat:
// only what is missing is fetched again.
#pragma once

#include "validator/context.hpp"

namespace covenant::validator {

// Fills `collected`; true when no committed artifact is missing any more.
Result<bool> collect(ValidatorContext& context, const protocol::RoundView& view,
                     Collected& collected);

// What was committed by `uid` in an earlier round: from this node's index, or fetched again.
// kNotFound when neither the index nor the store has it in good order.
Result<store::TraceRecord> committed_trace(ValidatorContext& context,
                                           const protocol::RunState& state, protocol::Round round,
                                           protocol::Uid uid);

}  // namespace covenant::validator
