// Json::parse on any bytes: no crash, and what parses prints to text that parses to the same value.
#include "common/base/assert.hpp"
#include "common/codec/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using covenant::codec::Json;
    const auto parsed = Json::parse(covenant::as_text({data, size}));
    if (!parsed) {
        COVENANT_ASSERT(parsed.error().code == covenant::Errc::kMalformed, "bad text is malformed");
        return 0;
    }
    for (const Json::Style style : {Json::Style::kCompact, Json::Style::kPretty}) {
        Json::Limits roomy;
        roomy.max_bytes = std::size_t{64} << 20;  // indents and escapes make the text longer
        const auto again = Json::parse(parsed->dump(style), roomy);
        COVENANT_ASSERT(again && *again == *parsed, "printing keeps the value");
    }
    (void)parsed->u64("a");
    (void)parsed->bytes("b", 64);
    (void)parsed->at_index(0);
    return 0;
}
