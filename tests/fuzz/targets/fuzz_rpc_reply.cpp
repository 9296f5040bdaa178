// A node's reply: any bytes give answers or an error, never more answers than asked for.
#include "chain/rpc/client.hpp"
#include "chain/rpc/types.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::chain;
    if (size == 0) return 0;
    const std::size_t count = 1 + data[0] % 4;
    const auto replies = parse_rpc_reply(as_text({data + 1, size - 1}), 1, count);
    if (!replies) return 0;
    if (replies->size() != count) std::abort();
    for (const RpcReply& reply : *replies) {
        if (reply.error) continue;
        if (const auto block = parse_block(reply.result); block && *block) {
            if (const auto header = encode_header(**block); header && header->size() > 64 * 1024) {
                std::abort();
            }
        }
        (void)parse_receipt(reply.result);
        if (const auto items = reply.result.as_items()) {
            for (const codec::Json& item : *items) {
                if (const auto log = parse_log(item); log && log->topics.size() > 4) std::abort();
            }
        }
        (void)parse_quantity128(reply.result);
    }
    return 0;
}
