// Names and name records of the artifact store: whatever is accepted is safe as a path, resolves,
// and is listed under each of its own beginnings.
#include "common/base/assert.hpp"
#include "common/crypto/sha256.hpp"
#include "common/store/memory_store.hpp"
#include "common/store/name_record.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    const ByteView input(data, size);
    const std::string_view text = as_text(input);
    if (const auto object = store::decode_name_record(input)) {
        COVENANT_ASSERT(store::encode_name_record(*object) == text, "a record has one encoding");
    }
    store::MemoryStore names;
    const Hash256 object = crypto::sha256(input);
    const bool accepted = store::check_name(text).has_value();
    COVENANT_ASSERT(names.publish(text, object).has_value() == accepted,
                    "what is a name is decided in one place");
    if (!accepted) return 0;
    const std::filesystem::path path{std::string(text)};
    COVENANT_ASSERT(path.is_relative() && path.lexically_normal() == path,
                    "a name never leaves its folder");
    COVENANT_ASSERT(names.resolve(text) == object, "a published name resolves");
    for (std::size_t length = 0; length <= text.size(); ++length) {
        const std::string_view prefix = text.substr(0, length);
        COVENANT_ASSERT(store::check_name_prefix(prefix).has_value(),
                        "each beginning of a name is a prefix");
        const auto listed = names.list(prefix);
        COVENANT_ASSERT(listed && listed->size() == 1, "a name is listed under its beginnings");
    }
    return 0;
}
