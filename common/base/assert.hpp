// COVENANT_ASSERT(condition, "why it must hold"): a bug of ours, never input. On in every build.
#pragma once

namespace covenant {
[[noreturn]] void assertion_failed(const char* condition, const char* why, const char* file,
                                   int line);
}  // namespace covenant

#define COVENANT_ASSERT(condition, why)                                        \
    do {                                                                       \
        if (!(condition)) [[unlikely]] {                                       \
            ::covenant::assertion_failed(#condition, why, __FILE__, __LINE__); \
        }                                                                      \
    } while (false)
