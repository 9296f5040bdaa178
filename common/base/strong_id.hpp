// Distinct integer types: a round is not a uid, and a function never takes two bare integers of one
// kind.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace covenant {

template <typename Tag, typename Rep>
struct StrongId {
    using rep = Rep;
    Rep value{};

    constexpr StrongId() = default;
    constexpr explicit StrongId(Rep v) : value(v) {}
    auto operator<=>(const StrongId&) const = default;
    [[nodiscard]] constexpr StrongId next() const { return StrongId(static_cast<Rep>(value + 1)); }
};

}  // namespace covenant

template <typename Tag, typename Rep>
struct std::hash<covenant::StrongId<Tag, Rep>> {
    std::size_t operator()(covenant::StrongId<Tag, Rep> id) const noexcept {
        return std::hash<Rep>{}(id.value);
    }
};
