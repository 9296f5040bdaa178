#include "common/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace covenant {

void assertion_failed(const char* condition, const char* why, const char* file, int line) {
    std::fprintf(stderr, "bug: %s does not hold: %s (%s:%d)\n", condition, why, file, line);
    std::abort();
}

}  // namespace covenant
