// Intents as outboxes see them.
#pragma once

#include "common/protocol/intent.hpp"

namespace covenant::chain {

// SHA-256 over the kind and the canonical bytes of its fields: the same intent has the same
// fingerprint.
Hash256 intent_fingerprint(const protocol::Intent& intent);

}  // namespace covenant::chain
