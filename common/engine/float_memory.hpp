// Memory of parameters, moments and activations.
#pragma once

#include <cstddef>
#include <memory>

namespace covenant::engine {

struct FreeFloats {
    void operator()(float* data) const noexcept;
};

// 64-byte aligned, of any content. Throws bad_alloc. Large arrays ask the system for huge pages: on
// small ones a walk over hundreds of megabytes waits for an address translation every 4 KiB.
std::unique_ptr<float[], FreeFloats> allocate_floats(std::size_t count);

}  // namespace covenant::engine
