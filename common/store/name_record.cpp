#include "common/store/name_record.hpp"

#include "common/base/hex.hpp"

namespace covenant::store {

std::string encode_name_record(const Hash256& object) {
    return to_hex(object.view()) + "\n";
}

Result<Hash256> decode_name_record(ByteView bytes) {
    const std::string_view text = as_text(bytes);
    if (text.size() == kNameRecordBytes) {
        const auto object = fixed_from_hex<Hash256>(text.substr(0, kNameRecordBytes - 1));
        if (object && encode_name_record(*object) == text) return *object;
    }
    return fail(Errc::kCorrupt, "name record of " + std::to_string(bytes.size()) +
                                    " bytes is not 64 hex digits and a newline");
}

}  // namespace covenant::store
