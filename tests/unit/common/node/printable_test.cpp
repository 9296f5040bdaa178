#include "common/node/printable.hpp"

#include <gtest/gtest.h>

namespace covenant::node {
namespace {

TEST(Printable, OrdinaryTextOfAnyLanguageStays) {
    for (const char* text : {"", "round 3: 4.5 MB", "a\\x1b", "größe …", "日本語", "🌍"}) {
        EXPECT_EQ(printable(text), text);
        EXPECT_EQ(printable(text, Lines::kMany), text);
    }
}

TEST(Printable, ControlCharactersAreShownByTheirNumbers) {
    EXPECT_EQ(printable("\x1b]0;pwn\a\x1b[2J"), "\\x1b]0;pwn\\x07\\x1b[2J");
    EXPECT_EQ(printable("over\rwritten\b\x7f"), "over\\x0dwritten\\x08\\x7f");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "\\x9b31m")
        << "the one-character form of ESC [";
    EXPECT_EQ(printable("\xe2\x80\xae"
                        "txt.exe\xe2\x80\xa8"),
              "\\u202etxt.exe\\u2028");
}

TEST(Printable, AForgedLineStaysInItsLine) {
    EXPECT_EQ(printable("x\n  next: rm -rf\t~"), "x\\n  next: rm -rf\\t~");
    EXPECT_EQ(printable("x\n\ty\x1b", Lines::kMany), "x\n\ty\\x1b");
}

TEST(Printable, BytesThatAreNoUtf8AreShownByTheirNumbers) {
    EXPECT_EQ(printable("\x9b\xff"), "\\x9b\\xff");
    EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80") << "overlong";
    EXPECT_EQ(printable("\xe0\x80\x9b"), "\\xe0\\x80\\x9b") << "overlong";
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a surrogate pair";
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "above U+10FFFF";
    EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82") << "cut short";
    EXPECT_EQ(printable("\xe2(\xa1"), "\\xe2(\\xa1");
}

TEST(UnfinishedUtf8, CountsTheBytesOfACharacterThatIsNotWhole) {
    EXPECT_EQ(unfinished_utf8(""), 0U);
    EXPECT_EQ(unfinished_utf8("abc"), 0U);
    EXPECT_EQ(unfinished_utf8("a\xf0"), 1U);
    EXPECT_EQ(unfinished_utf8("a\xf0\x9f"), 2U);
    EXPECT_EQ(unfinished_utf8("a\xf0\x9f\x8c"), 3U);
    EXPECT_EQ(unfinished_utf8("a\xf0\x9f\x8c\x8d"), 0U);
    EXPECT_EQ(unfinished_utf8("\x80\x80\x80\x80"), 0U);
    EXPECT_EQ(unfinished_utf8("\xe2\x82"), 2U);
    EXPECT_EQ(unfinished_utf8("\xe2\x82\xac"), 0U);
}

}  // namespace
}  // namespace covenant::node
