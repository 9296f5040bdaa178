// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011). A value depends only on the
// key and the counter, so every consumer can be replayed from any point. Not for secrets.
#pragma once

#include <array>
#include <cstdint>

namespace covenant {

class CounterRng {
  public:
    explicit CounterRng(std::uint64_t key, std::uint64_t stream = 0)
        : key_{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)},
          stream_(stream) {}

    // The four words of block `index`.
    [[nodiscard]] std::array<std::uint32_t, 4> block(std::uint64_t index) const;
    // The next 32 or 64 bits in counter order.
    std::uint32_t next_u32();
    std::uint64_t next_u64();
    // Uniform in [0, bound), bound > 0, without modulo bias.
    std::uint64_t below(std::uint64_t bound);

  private:
    std::array<std::uint32_t, 2> key_;
    std::uint64_t stream_;
    std::uint64_t index_ = 0;
    unsigned lane_ = 4;
    std::array<std::uint32_t, 4> words_{};
};

}  // namespace covenant
