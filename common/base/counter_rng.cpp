#include "common/base/counter_rng.hpp"

namespace covenant {

std::array<std::uint32_t, 4> CounterRng::block(std::uint64_t index) const {
    constexpr std::uint32_t kM0 = 0xD2511F53, kM1 = 0xCD9E8D57, kW0 = 0x9E3779B9, kW1 = 0xBB67AE85;
    std::array<std::uint32_t, 4> c{
        static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
        static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)};
    std::array<std::uint32_t, 2> k = key_;
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t p0 = std::uint64_t{kM0} * c[0];
        const std::uint64_t p1 = std::uint64_t{kM1} * c[2];
        c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
             static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
        k[0] += kW0;
        k[1] += kW1;
    }
    return c;
}

std::uint32_t CounterRng::next_u32() {
    if (lane_ == 4) {
        words_ = block(index_++);
        lane_ = 0;
    }
    return words_[lane_++];
}

std::uint64_t CounterRng::next_u64() {
    const std::uint64_t low = next_u32();
    return low | (std::uint64_t{next_u32()} << 32);
}

std::uint64_t CounterRng::below(std::uint64_t bound) {
    const std::uint64_t reject = (0 - bound) % bound;  // 2^64 mod bound
    for (;;) {
        const std::uint64_t value = next_u64();
        if (value >= reject) return value % bound;
    }
}

}  // namespace covenant
