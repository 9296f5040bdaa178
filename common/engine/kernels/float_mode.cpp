#include "common/engine/kernels/kernels.hpp"

#include <xmmintrin.h>

namespace covenant::kernels {
namespace {

// Flush to zero, denormals are zero, all exceptions masked, round to nearest even.
constexpr unsigned kCanonical = 0x8000U | 0x0040U | 0x1F80U;

}  // namespace

CanonicalFloatMode::CanonicalFloatMode() : saved_(_mm_getcsr()) {
    _mm_setcsr(kCanonical);
}
CanonicalFloatMode::~CanonicalFloatMode() {
    _mm_setcsr(saved_);
}

}  // namespace covenant::kernels
