// Memory of parameters, moments and activations.
#pragma once

#include <cstddef>
#include <memory>

namespace covenant::engine {

struct FreeFloats {
    void operator()(float* data) const noexcept;
};

// 64-byte aligned, of any content. Large arrays ask the system for huge pages: what walks over
// hundreds of megabytes otherwise waits for the address of every fourth KiB. Throws bad_alloc.
std::unique_ptr<float[], FreeFloats> allocate_floats(std::size_t count);

}  // namespace covenant::engine
