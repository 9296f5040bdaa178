#include "common/node/output.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include <ext/stdio_filebuf.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

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

TEST(Output, WhatIsNotRetryableIsNotToBeTriedAgain) {
    for (const Errc code : {Errc::kUnavailable, Errc::kTimeout}) {
        EXPECT_NE(default_hint(Error{code, "", true}).find("try again"), std::string_view::npos);
        EXPECT_EQ(default_hint(Error{code, "", false}),
                  "check that the remote runs and is reachable");
    }
}

TEST(Output, AFileOfTheWrongKindIsNotAQuestionOfSpaceAlone) {
    Streams s;
    Output output(OutputOptions{}, s.out, s.err);
    output.error(Error{Errc::kIo, "open x: it is a FIFO, not a regular file", false}, "verify");
    EXPECT_EQ(s.err.str(),
              "error: verify\n  why:  open x: it is a FIFO, not a regular file\n  next: check what "
              "the path names, its permissions and free space\n");
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
        Output(options, s.out, s.err).text({Piece{"x", Style::kRed}});
        return s.out.str().find('\x1b') != std::string::npos;
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

TEST(Output, ATerminalWithoutEscapeSequencesGetsNoColour) {
    for (const bool dumb : {false, true}) {
        Streams s;
        OutputOptions options;
        options.out_is_terminal = options.err_is_terminal = true;
        options.dumb = dumb;
        Output output(options, s.out, s.err);
        output.text({Piece{"x", Style::kRed}});
        output.warn("y");
        EXPECT_EQ(s.out.str().find('\x1b') == std::string::npos, dumb);
        EXPECT_EQ(s.err.str().find('\x1b') == std::string::npos, dumb);
    }
}

TEST(Output, WhatTheTerminalIsComesFromItsName) {
    const auto dumb_with = [](const char* term) {
        const pid_t child = ::fork();  // the environment is the process's
        if (child == 0) {
            // NOLINTBEGIN(concurrency-mt-unsafe): the child has one thread
            if (term == nullptr) {
                ::unsetenv("TERM");
            } else {
                ::setenv("TERM", term, 1);
            }
            // NOLINTEND(concurrency-mt-unsafe)
            ::_exit(terminal_options(false, false, ColorMode::kAuto).dumb ? 1 : 0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WEXITSTATUS(status) == 1;
    };
    EXPECT_FALSE(dumb_with("xterm-256color"));
    EXPECT_TRUE(dumb_with("dumb"));
    EXPECT_TRUE(dumb_with(""));
    EXPECT_TRUE(dumb_with(nullptr));
}

TEST(Output, StrangersTextReachesNoTerminalRaw) {
    const std::string evil = "\x1b]0;pwn\a\x1b[2J\nforged";
    const std::string shown = "\\x1b]0;pwn\\x07\\x1b[2J\\nforged";
    Streams s;
    OutputOptions options;
    options.color = ColorMode::kAlways;
    Output output(options, s.out, s.err);
    output.text(evil);
    Table table({"name"});
    table.add({evil});
    output.table(table);
    output.text({Piece{"ok", Style::kGreen}, Piece{evil}});
    EXPECT_EQ(s.out.str(), shown + "\nname\n" + shown + "\n\x1b[32mok\x1b[0m" + shown + "\n");
    output.note(evil);
    output.warn(evil);
    output.error(Error{Errc::kIo, evil, false}, evil, evil);
    EXPECT_EQ(s.err.str(), shown + "\n\x1b[33mwarning:\x1b[0m " + shown +
                               "\n\x1b[31merror:\x1b[0m " + shown + "\n  why:  " + shown +
                               "\n  next: " + shown + "\n");
}

TEST(Output, LinesOfOursStayLines) {
    Streams s;
    Output output(OutputOptions{}, s.out, s.err);
    output.lines("a\n\tb\x1b");
    output.lines("c\n");
    EXPECT_EQ(s.out.str(), "a\n\tb\\x1b\nc\n");
}

TEST(Output, PiecesArriveWholeAndHarmlessOnATerminalAndAsTheyAreElsewhere) {
    const std::string smile = "\xf0\x9f\x98\x80";
    for (const bool terminal : {false, true}) {
        Streams s;
        OutputOptions options;
        options.out_is_terminal = terminal;
        Output output(options, s.out, s.err);
        for (const std::string_view piece :
             {std::string_view(smile).substr(0, 1), std::string_view(smile).substr(1, 2),
              std::string_view(smile).substr(3), std::string_view("\x1b[2J\n\xf0\x9f")}) {
            output.put(piece);
        }
        output.finish(ExitCode::kOk);
        EXPECT_EQ(s.out.str(),
                  terminal ? smile + "\\x1b[2J\n\\xf0\\x9f" : smile + "\x1b[2J\n\xf0\x9f");
    }
}

// Every way to print, one at a time.
const std::vector<std::pair<bool, std::function<void(Output&)>>> kPrinters{
    {false, [](Output& output) { output.text("x"); }},
    {false, [](Output& output) { output.lines("x"); }},
    {false, [](Output& output) { output.put("x"); }},
    {false,
     [](Output& output) {
         Table table({"x"});
         output.table(table);
     }},
    {false, [](Output& output) { output.stream(codec::Json::object()); }},
    {true, [](Output& output) { output.data(codec::Json::object()); }},
};

TEST(Output, AFullDiskBehindStandardOutputIsAFailure) {
    for (const auto& [json, print] : kPrinters) {
        std::ofstream full("/dev/full");
        std::ostringstream err;
        OutputOptions options;
        options.json = json;
        Output output(options, full, err);
        EXPECT_TRUE(output.writable());
        print(output);
        EXPECT_EQ(output.writable(), json) << "an envelope is written last";
        EXPECT_EQ(output.finish(ExitCode::kOk), ExitCode::kFailed);
        EXPECT_NE(err.str().find("write standard output: No space left on device"),
                  std::string::npos)
            << err.str();
        EXPECT_EQ(err.str().find("again"), std::string::npos)
            << "it may have sent a transaction: " << err.str();
    }
    std::ofstream full("/dev/full");
    std::ostringstream err;
    Output output(OutputOptions{}, full, err);
    output.text("DIFFERENT");
    EXPECT_EQ(output.finish(ExitCode::kVerificationFailed), ExitCode::kVerificationFailed)
        << "what the command found stays its exit code";
}

TEST(Output, WhatPrintsNothingNeedsNoStandardOutput) {
    std::ofstream full("/dev/full");
    std::ostringstream err;
    Output output(OutputOptions{}, full, err);
    EXPECT_EQ(output.finish(ExitCode::kOk), ExitCode::kOk);
    EXPECT_EQ(err.str(), "");
}

TEST(Output, AReaderThatHasGoneEndsTheOutputQuietly) {
    std::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ::close(ends[0]);
    __gnu_cxx::stdio_filebuf<char> buffer(ends[1], std::ios::out);
    std::ostream out(&buffer);
    std::ostringstream err;
    Output output(OutputOptions{}, out, err);
    output.text("x");
    EXPECT_FALSE(output.writable());
    EXPECT_EQ(output.finish(ExitCode::kOk), ExitCode::kOk);
    EXPECT_EQ(err.str(), "");
}

TEST(Output, AnEnvelopeThatIsNotOkHasAnError) {
    for (const ExitCode code :
         {ExitCode::kFailed, ExitCode::kUsage, ExitCode::kPrecondition, ExitCode::kUnavailable,
          ExitCode::kVerificationFailed, ExitCode::kRefused, ExitCode::kInterrupted,
          ExitCode::kTerminated, ExitCode::kHungUp}) {
        Streams s;
        OutputOptions options;
        options.json = true;
        Output(options, s.out, s.err).finish(code);
        const codec::Json envelope = codec::Json::parse(s.out.str()).value();
        EXPECT_FALSE(envelope.boolean("ok").value());
        ASSERT_EQ(envelope.items("errors")->size(), 1U) << static_cast<int>(code);
        EXPECT_NE(envelope.items("errors")->at(0).string("message").value(), "");
    }
}

TEST(Output, AFindingIsForTheEnvelopeOnly) {
    for (const bool json : {false, true}) {
        Streams s;
        OutputOptions options;
        options.json = json;
        Output output(options, s.out, s.err);
        output.finding(Error{Errc::kMismatch, "segment 2 differs", false}, "look");
        output.finish(ExitCode::kVerificationFailed);
        EXPECT_EQ(s.err.str(), "");
        if (!json) {
            EXPECT_EQ(s.out.str(), "");
            continue;
        }
        const codec::Json envelope = codec::Json::parse(s.out.str()).value();
        const codec::Json error = envelope.items("errors")->at(0);
        EXPECT_EQ(error.string("code").value(), "mismatch");
        EXPECT_EQ(error.string("message").value(), "segment 2 differs");
        EXPECT_EQ(error.string("hint").value(), "look");
    }
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

TEST(Progress, WritesLinesOnATerminalWithoutEscapeSequences) {
    Streams s;
    OutputOptions options;
    options.err_is_terminal = true;
    options.dumb = true;
    Output output(options, s.out, s.err);
    const VirtualClock clock(0);
    {
        Progress progress(output, clock, "reading \x1b[2J", 10, "B");
        progress.update(10);
    }
    EXPECT_EQ(s.err.str(), "reading \\x1b[2J  10 B of 10 B  100 %\n");
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
