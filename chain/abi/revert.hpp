// Why a contract said no: custom errors, require strings and panics as text.
#pragma once

#include "common/base/bytes.hpp"

#include <span>
#include <string>
#include <string_view>

namespace covenant::chain {

// "RoundManager_WrongPhase(12, 13)", "Panic(0x11: arithmetic overflow)", the text of Error(string),
// "reverted without a reason" for no data, "unknown error 0x1234abcd" for a selector that is not in
// the list. Never fails: the bytes are a stranger's and the text is bounded.
std::string describe_revert(ByteView data);

// Signatures of every custom error that our contracts can raise.
std::span<const std::string_view> known_errors();

}  // namespace covenant::chain
