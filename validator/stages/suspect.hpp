// Whom to look at more closely: statistics send an audit somewhere, they take nobody's pay (R6.11).
#pragma once

#include "validator/stages/screen.hpp"

namespace covenant::validator {

// Accepted artifacts that are nearly another's, that help half as much as the median, or that help
// less on their own data than on the held-out split while the median helps more. A function of the
// round's artifacts and its beacon alone, so that honest validators name the same.
protocol::UidSet suspects(const protocol::RoundView& view, std::span<const Screened> screened,
                          const Collected& collected);

}  // namespace covenant::validator
