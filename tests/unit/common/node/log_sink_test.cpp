#include "common/node/log_sink.hpp"

#include "common/codec/json.hpp"
#include "tests/support/temp_folder.hpp"

#include <fstream>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace covenant::node {
namespace {

constexpr std::int64_t kTime = 1'769'860'800'123;  // 2026-01-31T12:00:00.123Z

std::string logged(const LogOptions& options, const std::function<void()>& body) {
    std::ostringstream stream;
    {
        const auto sink = LogSink::install(options, stream, kTime).value();
        body();
    }
    return stream.str();
}

TEST(LogFormat, TextLine) {
    const std::vector<log::Field> fields{
        {"round", 119}, {"loss", 3.412}, {"ok", true}, {"by", "bob"}};
    EXPECT_EQ(format_text_line(kTime, log::Level::kInfo, "round", "committed", fields, false),
              "2026-01-31T12:00:00.123Z INFO  round       committed  round=119 loss=3.412 ok=true "
              "by=bob");
}

TEST(LogFormat, TextQuotesWhatWouldConfuse) {
    const std::vector<log::Field> fields{{"a", "two words"},
                                         {"b", "q\"uote"},
                                         {"c", ""},
                                         {"d", "x=y"},
                                         {"e", std::string("line\nbreak\x1b[31m")}};
    const std::string line =
        format_text_line(0, log::Level::kWarn, "t", "bad\nmessage", fields, false);
    EXPECT_EQ(
        line,
        R"(1970-01-01T00:00:00.000Z WARN  t           bad\nmessage  a="two words" b="q\"uote" c="" d="x=y" )"
        R"(e="line\nbreak\x1b[31m")");
}

TEST(LogFormat, TextLineShowsNoControlCharacterOfAStranger) {
    const std::vector<log::Field> fields{{"name",
                                          "a\xc2\x9b"
                                          "2J"},
                                         {"raw", "\xff"}};
    const std::string line =
        format_text_line(0, log::Level::kWarn, "t", "\x1b]0;x\a", fields, false);
    EXPECT_EQ(
        line,
        R"(1970-01-01T00:00:00.000Z WARN  t           \x1b]0;x\x07  name="a\x9b2J" raw="\xff")");
}

TEST(LogFormat, JsonLineParsesWhateverTheText) {
    const std::vector<log::Field> fields{{"round", std::uint64_t{119}},
                                         {"text", "a \"b\"\n\x01"},
                                         {"msg", "shadow"},
                                         {"neg", -4},
                                         {"nan", std::numeric_limits<double>::quiet_NaN()}};
    const std::string line =
        format_json_line(kTime, log::Level::kError, "round", "it \"failed\"", fields);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto json = codec::Json::parse(line).value();
    EXPECT_EQ(json.string("ts").value(), "2026-01-31T12:00:00.123Z");
    EXPECT_EQ(json.string("level").value(), "error");
    EXPECT_EQ(json.string("target").value(), "round");
    EXPECT_EQ(json.string("msg").value(), "it \"failed\"");
    EXPECT_EQ(json.string("msg_").value(), "shadow");
    EXPECT_EQ(json.u64("round").value(), 119U);
    EXPECT_EQ(json.i64("neg").value(), -4);
    EXPECT_EQ(json.string("text").value(), "a \"b\"\n\x01");
    EXPECT_TRUE(json.at("nan")->is_null());
}

TEST(LogLevels, DefaultAndExceptions) {
    const LogLevels levels = LogLevels::parse("warn,chain=debug,store=error").value();
    EXPECT_FALSE(levels.enabled(log::Level::kInfo, "round"));
    EXPECT_TRUE(levels.enabled(log::Level::kWarn, "round"));
    EXPECT_TRUE(levels.enabled(log::Level::kDebug, "chain"));
    EXPECT_FALSE(levels.enabled(log::Level::kTrace, "chain"));
    EXPECT_FALSE(levels.enabled(log::Level::kWarn, "store"));
    EXPECT_FALSE(LogLevels::parse("off")->enabled(log::Level::kError, "x"));
    EXPECT_TRUE(LogLevels::parse("off,x=info")->enabled(log::Level::kInfo, "x"));
    const auto bad = LogLevels::parse("inof");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, Errc::kInvalidArgument);
    EXPECT_NE(bad.error().context.find("did you mean 'info'?"), std::string::npos);
    EXPECT_FALSE(LogLevels::parse("=info"));
    EXPECT_FALSE(LogLevels::parse("chain="));
}

TEST(LogSink, WritesTheFacadesLines) {
    LogOptions options;
    const std::string text = logged(options, [] {
        log::debug("round", "hidden");
        log::info("round", "committed", {{"round", 1}});
        log::info("round", "committed", {{"round", 1}});
    });
    EXPECT_EQ(text,
              "2026-01-31T12:00:00.123Z INFO  round       committed  round=1\n"
              "2026-01-31T12:00:00.123Z INFO  round       committed  round=1\n");
}

TEST(LogSink, CountsTheSameTroubleInsteadOfRepeatingIt) {
    LogOptions options;
    const std::string text = logged(options, [] {
        for (int i = 0; i < 100; ++i)
            log::warn("rpc", "no answer", {{"url", "a"}});
        log::warn("rpc", "no answer", {{"url", "b"}});
        log::warn("rpc", "no answer", {{"url", "b"}});
        log::info("rpc", "back");
        for (int i = 0; i < 3; ++i)
            log::error("disk", "full");
    });
    std::vector<std::string> tails;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        tails.push_back(line.substr(25));
    const std::vector<std::string> expected{
        "WARN  rpc         no answer  url=a",
        "WARN  rpc         no answer  repeated=99",
        "WARN  rpc         no answer  url=b",
        "WARN  rpc         no answer  repeated=1",
        "INFO  rpc         back",
        "ERROR disk        full",
        "ERROR disk        full  repeated=2",
    };
    EXPECT_EQ(tails, expected);
}

TEST(LogSink, JsonLinesParse) {
    LogOptions options;
    options.format = LogFormat::kJson;
    const std::string text = logged(options, [] {
        log::info("round", "quote \" and {} and %s", {{"k", "v\n"}});
        log::warn("x", "y");
    });
    std::istringstream lines(text);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count)
        EXPECT_TRUE(codec::Json::parse(line)) << line;
    EXPECT_EQ(count, 2);
}

TEST(LogSink, RotatesItsFile) {
    const testing::TempFolder folder;
    LogOptions options;
    options.file = folder / "node.log";
    options.max_file_bytes = 4096;
    options.max_files = 2;
    {
        const auto sink = LogSink::install(options).value();
        for (int i = 0; i < 400; ++i)
            log::info("t", "a line of some length", {{"i", i}});
    }
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        ++files;
        EXPECT_LE(entry.file_size(), 4096U);
    }
    EXPECT_EQ(files, 3);
}

TEST(LogSink, AMovedFileIsOpenedAnew) {
    const testing::TempFolder folder;
    LogOptions options;
    options.file = folder / "node.log";
    const auto sink = LogSink::install(options).value();
    const std::function<void()> reopen = sink->reopener();
    log::info("t", "before");
    std::filesystem::rename(options.file, folder / "node.log.old");
    log::info("t", "still before");
    reopen();
    log::info("t", "after");
    const auto text = [](const std::filesystem::path& path) {
        std::ostringstream out;
        out << std::ifstream(path).rdbuf();
        return out.str();
    };
    EXPECT_NE(text(folder / "node.log.old").find("still before"), std::string::npos);
    EXPECT_EQ(text(folder / "node.log.old").find("after"), std::string::npos);
    EXPECT_NE(text(options.file).find("after"), std::string::npos);

    // Where it cannot be opened, the lines go where they went.
    std::filesystem::rename(options.file, folder / "moved");
    std::filesystem::create_directory(options.file);
    reopen();
    log::info("t", "last");
    EXPECT_NE(text(folder / "moved").find("WARN  log         the log file stays as it was"),
              std::string::npos);
    EXPECT_NE(text(folder / "moved").find("last"), std::string::npos);
}

TEST(LogSink, WithoutAFileThereIsNothingToReopen) {
    const auto sink = LogSink::install({}).value();
    EXPECT_FALSE(sink->reopener());
}

// A log tells what its operator does; and a FIFO that nobody reads must not hold the start.
TEST(LogSink, TheFileIsPrivateWhateverTheUmaskAndARegularOne) {
    const testing::TempFolder folder;
    LogOptions options;
    options.file = folder / "made" / "node.log";
    const mode_t before = ::umask(0);
    { const auto sink = LogSink::install(options); }
    ::umask(before);
    struct stat info {};
    ASSERT_EQ(::stat(options.file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);

    options.file = folder / "fifo";
    ASSERT_EQ(::mkfifo(options.file.c_str(), 0600), 0);
    const auto refused = LogSink::install(options);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().context.find("not a regular file"), std::string::npos);
}

TEST(LogSink, AnUnwritableFileIsAnError) {
    LogOptions options;
    options.file = "/proc/nowhere/node.log";
    const auto sink = LogSink::install(options);
    ASSERT_FALSE(sink);
    EXPECT_EQ(sink.error().code, Errc::kIo);
    options.file.clear();
    options.levels = "loud";
    EXPECT_EQ(LogSink::install(options).error().code, Errc::kInvalidArgument);
}

TEST(LogSink, NothingIsWrittenAfterItsEnd) {
    const std::string text = logged({}, [] {});
    log::info("t", "nobody hears");
    EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace covenant::node
