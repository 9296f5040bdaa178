#include "common/protocol/assignment.hpp"

#include "common/base/assert.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"
#include "common/protocol/draw.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace covenant::protocol {
namespace {

constexpr std::uint8_t kFeistelRounds = 4;

Hash256 epoch_key(const RunId& run, std::uint64_t epoch) {
    codec::Writer out;
    out.fixed(run).u64(epoch);
    return crypto::sha256_tagged("perm-epoch", out.view());
}

Hash256 round_key(const AssignmentInput& input) {
    codec::Writer out;
    out.fixed(input.run).id(input.round).fixed(input.rho);
    return crypto::sha256_tagged("perm-round", out.view());
}

// The windows at the given slots of the round's block, in the order given.
std::vector<WindowIndex> windows_at(const RunSpec& spec, const AssignmentInput& input,
                                    std::span<const std::uint64_t> slots) {
    COVENANT_ASSERT(input.rank < input.active_miners, "a rank counts among the active miners");
    const std::uint64_t windows = spec.data.window_count;
    const FeistelPermutation owner(round_key(input),
                                   input.active_miners * spec.windows_per_round());
    std::uint64_t epoch = input.base / windows;
    FeistelPermutation walk(epoch_key(input.run, epoch), windows);
    std::vector<WindowIndex> out;
    out.reserve(slots.size());
    for (const std::uint64_t slot : slots) {
        const std::uint64_t position = input.base + owner(slot);
        if (position / windows != epoch) {
            epoch = position / windows;
            walk = FeistelPermutation(epoch_key(input.run, epoch), windows);
        }
        out.push_back(WindowIndex(walk(position % windows)));
    }
    return out;
}

}  // namespace

FeistelPermutation::FeistelPermutation(const Hash256& key, std::uint64_t size)
    : key_(key), size_(size) {
    COVENANT_ASSERT(size >= 1 && size <= std::uint64_t{1} << 62, "the domain fits two halves");
    const auto bits = static_cast<unsigned>(std::bit_width(size - 1));
    half_bits_ = std::max(1U, (bits + 1) / 2);
}

std::uint64_t FeistelPermutation::operator()(std::uint64_t index) const {
    COVENANT_ASSERT(index < size_, "a permutation maps its own domain");
    do {
        index = encrypt(index);
    } while (index >= size_);
    return index;
}

std::uint64_t FeistelPermutation::encrypt(std::uint64_t value) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t left = value >> half_bits_;
    std::uint64_t right = value & mask;
    std::array<std::uint8_t, Hash256::kSize + 9> message{};
    std::copy(key_.bytes.begin(), key_.bytes.end(), message.begin());
    for (std::uint8_t round = 0; round < kFeistelRounds; ++round) {
        message[Hash256::kSize] = round;
        store_le(right, message.data() + Hash256::kSize + 1);
        const Hash256 digest = crypto::sha256_tagged("feistel", message);
        const std::uint64_t mixed = left ^ (load_le<std::uint64_t>(digest.bytes.data()) & mask);
        left = right;
        right = mixed;
    }
    return (left << half_bits_) | right;
}

std::vector<WindowIndex> assigned_windows(const RunSpec& spec, const AssignmentInput& input,
                                          std::uint32_t first_step, std::uint32_t steps) {
    COVENANT_ASSERT(std::uint64_t{first_step} + steps <= spec.inner.steps_per_round,
                    "the steps lie inside the round");
    const std::uint64_t per_step = spec.inner.windows_per_step;
    const std::uint64_t first = input.rank * spec.windows_per_round() + first_step * per_step;
    std::vector<std::uint64_t> slots(steps * per_step);
    for (std::size_t i = 0; i < slots.size(); ++i)
        slots[i] = first + i;
    return windows_at(spec, input, slots);
}

std::uint64_t segment_cursor(const RunSpec& spec, std::uint32_t rank, Segment segment) {
    return rank * spec.windows_per_round() + std::uint64_t{segment.value} *
                                                 spec.inner.steps_per_segment *
                                                 spec.inner.windows_per_step;
}

std::vector<WindowIndex> heldout_windows(const RunSpec& spec, std::string_view tag,
                                         const Hash256& seed, std::uint32_t count) {
    COVENANT_ASSERT(count <= spec.data.heldout_count, "the held-out split has that many windows");
    codec::Writer out;
    out.text(tag).fixed(seed);
    const FeistelPermutation order(crypto::sha256_tagged("heldout", out.view()),
                                   spec.data.heldout_count);
    std::vector<WindowIndex> windows;
    windows.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i)
        windows.push_back(WindowIndex(order(i)));
    return windows;
}

std::vector<WindowIndex> sample_assigned(const RunSpec& spec, const AssignmentInput& input,
                                         const Hash256& seed, std::uint32_t count) {
    const std::uint64_t own = spec.windows_per_round();
    COVENANT_ASSERT(count <= own, "a miner has that many windows in a round");
    codec::Writer out;
    out.fixed(seed).fixed(input.run).id(input.round).u32(input.rank);
    DrawStream draw("own-sample", crypto::sha256_tagged("own-sample-key", out.view()));
    std::vector<std::uint64_t> slots = draw.subset(own, count);
    for (std::uint64_t& slot : slots)
        slot += input.rank * own;
    return windows_at(spec, input, slots);
}

}  // namespace covenant::protocol
