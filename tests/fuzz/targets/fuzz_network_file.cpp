// network.json from anywhere: refused as malformed, and what is read can be written back.
#include "chain/network_file.hpp"
#include "common/base/assert.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::chain;
    const auto json = codec::Json::parse(as_text(ByteView(data, size)));
    if (!json) return 0;
    const auto network = parse_network(*json);
    if (!network) {
        COVENANT_ASSERT(network.error().code == Errc::kMalformed,
                        "a stranger's file is malformed, nothing else");
        COVENANT_ASSERT(!network.error().context.empty(), "and the field is named");
        return 0;
    }
    const auto again = parse_network(to_json(*network));
    COVENANT_ASSERT(again && *again == *network, "a network file survives writing and reading");
    return 0;
}
