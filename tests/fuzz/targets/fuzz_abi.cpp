// ABI decoding and revert texts: bounded by the caller's limits whatever the offsets and lengths
// say.
#include "chain/abi/codec.hpp"
#include "chain/abi/revert.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::chain;
    if (size == 0) return 0;
    const ByteView input{data + 1, size - 1};
    AbiReader reader(input);
    for (unsigned step = data[0]; step > 0 && reader.ok(); step >>= 2) {
        switch (step & 3U) {
            case 0:
                reader.uint64();
                break;
            case 1:
                if (reader.bytes(1'000).size() > 1'000) std::abort();
                break;
            case 2:
                if (reader.uint16_array(256).size() > 256) std::abort();
                break;
            default: {
                AbiReader::Array array = reader.array(4, 512);
                if (array.count > 512) std::abort();
                for (std::size_t i = 0; i < array.count * 4; ++i) {
                    array.items.word();
                }
                if (!array.items.ok()) std::abort();  // the count was checked against what is there
            }
        }
    }
    if (describe_revert(input).size() > 2'000) std::abort();
    return 0;
}
