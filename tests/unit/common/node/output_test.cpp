#include "common/node/output.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace covenant::node {
namespace {

struct Streams {
    std::ostringstream out;
    std::ostringstream err;
};

TEST(Output, TheEnvelopeHasItsFiveKeysOnce) {
    Streams s;
    OutputOptions options;
    options.json = true;
    Output output(options, s.out, s.err);
    output.text("for people");
    output.data(codec::Json::object().set("a", 1));
    output.warn("careful");
    EXPECT_EQ(output.finish(ExitCode::kOk), ExitCode::kOk);
    output.finish(ExitCode::kOk);
    EXPECT_EQ(
        s.out.str(),
        "{\"schema\":1,\"ok\":true,\"data\":{\"a\":1},\"warnings\":[\"careful\"],\"errors\":[]}\n");
    EXPECT_EQ(s.err.str(), "");
}

TEST(Output, AnErrorIsThreeLinesForPeople) {
    Streams s;
    Output output(OutputOptions{}, s.out, s.err);
    output.error(Error{Errc::kUnavailable, "connect 127.0.0.1:1: refused", true}, "fetch round 3");
    output.error(Error{Errc::kNotFound, "no key 'a'", false}, "open key", "covenant wallet list");
    EXPECT_EQ(s.err.str(),
              "error: fetch round 3\n  why:  connect 127.0.0.1:1: refused\n  next: check that the "
              "remote runs and is "
              "reachable, then try again\nerror: open key\n  why:  no key 'a'\n  next: covenant "
              "wallet list\n");
    EXPECT_EQ(s.out.str(), "");
}

TEST(Output, StreamsAreJsonLinesWithoutEnvelope) {
    Streams s;
    OutputOptions options;
    options.json = true;
    Output output(options, s.out, s.err);
    output.stream(codec::Json::object().set("round", 1));
    output.stream(codec::Json::object().set("round", 2));
    output.finish(ExitCode::kOk);
    EXPECT_EQ(s.out.str(), "{\"round\":1}\n{\"round\":2}\n");
}

TEST(Output, ColourFollowsModeTerminalAndNoColor) {
    const auto painted = [](ColorMode mode, bool terminal, bool no_color, bool json) {
        Streams s;
        OutputOptions options;
        options.color = mode;
        options.out_is_terminal = terminal;
        options.no_color = no_color;
        options.json = json;
        return Output(options, s.out, s.err).paint(Style::kRed, "x") != "x";
    };
    EXPECT_TRUE(painted(ColorMode::kAuto, true, false, false));
    EXPECT_FALSE(painted(ColorMode::kAuto, false, false, false));
    EXPECT_FALSE(painted(ColorMode::kAuto, true, true, false));
    EXPECT_TRUE(painted(ColorMode::kAlways, false, true, false));
    EXPECT_FALSE(painted(ColorMode::kNever, true, false, false));
    EXPECT_FALSE(painted(ColorMode::kAlways, true, false, true));
    EXPECT_EQ(parse_color_mode("sometimes").error().code, Errc::kInvalidArgument);
    EXPECT_EQ(parse_color_mode("never").value(), ColorMode::kNever);
}

TEST(Output, QuietSilencesTalkNotErrors) {
    Streams s;
    OutputOptions options;
    options.quiet = true;
    Output output(options, s.out, s.err);
    output.note("working");
    EXPECT_EQ(s.err.str(), "");
    output.error(Error{Errc::kIo, "full", false}, "write");
    EXPECT_NE(s.err.str(), "");
}

TEST(Table, AlignsByColumnsNotBytes) {
    Table table({"name", "loss"});
    table.align_right({1});
    table.add({"a…b", "4.5"});
    table.add({"longer", "12.25"});
    table.add({"x"});
    EXPECT_EQ(table.render(0), "name     loss\na…b       4.5\nlonger  12.25\nx\n");
    EXPECT_EQ(table.rows(), 3U);
}

TEST(Table, CutsTheWidestTextColumnToTheWidth) {
    Table table({"uid", "address", "n"});
    table.align_right({0, 2});
    table.add({"1", std::string(40, 'a'), "123456"});
    const std::string text = table.render(30);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::size_t columns = 0;
        for (const char c : line)
            columns += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
        EXPECT_LE(columns, 30U) << line;
    }
    EXPECT_NE(text.find("aaa…"), std::string::npos);
    EXPECT_NE(text.find("123456"), std::string::npos);
}

TEST(Progress, WritesALineEachTenthWithoutATerminal) {
    Streams s;
    Output output(OutputOptions{}, s.out, s.err);
    VirtualClock clock(0);
    {
        Progress progress(output, clock, "fetch", 1000, "B");
        for (std::uint64_t done = 0; done <= 1000; ++done) {
            clock.advance(Millis(1));
            progress.update(done);
        }
    }
    const std::string text = s.err.str();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10) << text;
    EXPECT_NE(text.find("fetch  100 B of 1.0 kB  10 %"), std::string::npos) << text;
    EXPECT_NE(text.find("left"), std::string::npos);
    EXPECT_EQ(text.find('\r'), std::string::npos);
}

TEST(Progress, RedrawsOneLineOnATerminalAtMostTenTimesASecond) {
    Streams s;
    OutputOptions options;
    options.err_is_terminal = true;
    Output output(options, s.out, s.err);
    VirtualClock clock(0);
    {
        Progress progress(output, clock, "train", 0, "tokens");
        for (std::uint64_t i = 1; i <= 1000; ++i) {
            clock.advance(Millis(1));
            progress.update(i);
        }
    }
    const std::string text = s.err.str();
    EXPECT_LE(std::count(text.begin(), text.end(), '\r'), 12);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    EXPECT_NE(text.find("tokens/s"), std::string::npos);
}

TEST(Progress, IsSilentUnderQuietAndJson) {
    for (const bool json : {false, true}) {
        Streams s;
        OutputOptions options;
        options.json = json;
        options.quiet = !json;
        Output output(options, s.out, s.err);
        const VirtualClock clock(0);
        Progress progress(output, clock, "x", 2, "B");
        progress.update(2);
        progress.finish();
        EXPECT_EQ(s.err.str() + s.out.str(), "");
    }
}

TEST(Human, UnitsReadWell) {
    EXPECT_EQ(human_bytes(17), "17 B");
    EXPECT_EQ(human_bytes(1900), "1.9 kB");
    EXPECT_EQ(human_bytes(999'999), "1.0 MB");
    EXPECT_EQ(human_bytes(312'000'000), "312 MB");
    EXPECT_EQ(human_bytes(~std::uint64_t{0}), "18 EB");
    EXPECT_EQ(human_duration(Millis(12'999)), "12 s");
    EXPECT_EQ(human_duration(Millis(247'000)), "4m07s");
    EXPECT_EQ(human_duration(Millis(7'380'000)), "2h03m");
    EXPECT_EQ(human_duration(Millis(-5)), "0 s");
}

}  // namespace
}  // namespace covenant::node
