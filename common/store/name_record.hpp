// The content of a name's file: 64 lower-case hex digits of the object's address, one newline.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <string>

namespace covenant::store {

inline constexpr std::size_t kNameRecordBytes = 65;

std::string encode_name_record(const Hash256& object);
// Any input is safe. kCorrupt: anything but the one encoding of an address.
Result<Hash256> decode_name_record(ByteView bytes);

}  // namespace covenant::store
