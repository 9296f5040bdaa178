#include "common/engine/float_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <new>

#include <sys/mman.h>

namespace covenant::engine {
namespace {

constexpr std::size_t kCacheLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLarge = 2 * kHugePage;

}  // namespace

void FreeFloats::operator()(float* data) const noexcept {
    std::free(data);
}

std::unique_ptr<float[], FreeFloats> allocate_floats(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / (2 * sizeof(float)))
        throw std::bad_alloc();
    const std::size_t lines =
        std::max<std::size_t>(1, (count * sizeof(float) + kCacheLine - 1) / kCacheLine);
    const std::size_t bytes = lines * kCacheLine;
    const bool large = bytes >= kLarge;
    void* const data = std::aligned_alloc(large ? kHugePage : kCacheLine, bytes);
    if (data == nullptr) throw std::bad_alloc();
    // An advice: where the system has no huge pages, small ones do.
    if (large) (void)::madvise(data, bytes, MADV_HUGEPAGE);
    return std::unique_ptr<float[], FreeFloats>(static_cast<float*>(data));
}

}  // namespace covenant::engine
