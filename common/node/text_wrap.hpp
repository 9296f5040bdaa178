// Text broken into lines. Internal to common/node.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace covenant::node {

// Columns of a terminal that help fits into.
inline constexpr std::size_t kHelpWidth = 80;

// `first` and the words of `text`, in lines of at most kHelpWidth columns where words allow; lines
// after the first begin with `indent` spaces. Words are separated by single spaces; '\n' begins a
// new line. Ends with '\n'. ASCII.
std::string wrap(std::string first, std::string_view text, std::size_t indent);

}  // namespace covenant::node
