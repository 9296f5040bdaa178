// Text of strangers made harmless for a terminal and for a log line. A model's name, a server's
// answer or a file's key may hold control characters, which retitle or clear a terminal and forge
// lines of ours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace covenant::node {

enum class Lines : bool { kOne, kMany };

// Valid UTF-8 without a control character, whatever `text` holds. Shown by their numbers: control
// characters (C0, DEL, C1) and bytes that are no UTF-8 as \x1b; line and paragraph separators and
// the characters that turn the direction of writing as \u202e. A newline and a tab are shown as \n
// and \t under kOne and stay under kMany. A backslash of the text stays as it is.
std::string printable(std::string_view text, Lines lines = Lines::kOne);

// How many bytes at the end of `text` begin a UTF-8 character that is not whole yet; 0 to 3. The
// rest of the character may be in the next piece.
std::size_t unfinished_utf8(std::string_view text);

}  // namespace covenant::node
