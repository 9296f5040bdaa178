// Logs of our contracts' addresses with any topics and data: an event decodes, encodes and decodes
// to the same.
#include "chain/abi/contracts.hpp"
#include "chain/indexer/event_json.hpp"
#include "common/protocol/event.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::chain;
    if (size < 2) return 0;
    ContractAddresses contracts;
    Log log;  // byte 0: number of topics; then the topics, then the data. All contracts are at the
              // zero address.
    const std::size_t topics = data[0] % 5U;
    ByteView rest{data + 1, size - 1};
    for (std::size_t i = 0; i < topics && rest.size() >= Hash256::kSize; ++i) {
        log.topics.push_back(Hash256::from(rest.first(Hash256::kSize)));
        rest = rest.subspan(Hash256::kSize);
    }
    log.data.assign(rest.begin(), rest.end());
    const auto body = decode_log(contracts, log);
    if (!body || !*body) return 0;
    const auto again = decode_log(contracts, encode_log(contracts, **body));
    if (!again || !*again) std::abort();
    if (event_body_json(**again).dump() != event_body_json(**body).dump()) std::abort();
    return 0;
}
