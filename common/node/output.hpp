// What a command prints. Data goes to standard output, talk to standard error. Under --json
// standard output carries exactly one envelope:
//   {"schema":1,"ok":true,"data":...,"warnings":["..."],"errors":[{"code","message","hint"}]}
// An envelope that is not ok has an error.
//
// Texts may hold what strangers wrote: they are shown as printable() makes them, and no call can
// print an escape sequence but the colours of a Style.
//
// A standard output that cannot be written fails the command: finish() says so and gives kFailed.
// A reader that has gone (EPIPE) is no failure: the rest is not printed.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/codec/json.hpp"
#include "common/node/exit_code.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::node {

enum class ColorMode : std::uint8_t { kAuto, kAlways, kNever };
Result<ColorMode> parse_color_mode(std::string_view text);

enum class Style : std::uint8_t { kPlain, kBold, kDim, kGreen, kYellow, kRed };

// Columns of text; UTF-8 aware. Numbers align right.
class Table {
  public:
    explicit Table(std::vector<std::string> header);
    // kRight[i]: column i aligns right.
    Table& align_right(std::initializer_list<std::size_t> columns);
    // Shorter rows are padded with "", longer ones are a bug.
    void add(std::vector<std::string> row);
    [[nodiscard]] std::size_t rows() const { return rows_.size(); }
    // Lines of at most `width` columns (0 = unlimited): the widest left-aligned column is cut with
    // an ellipsis.
    [[nodiscard]] std::string render(std::size_t width) const;

  private:
    std::vector<std::string> header_;
    std::vector<bool> right_;
    std::vector<std::vector<std::string>> rows_;
};

struct OutputOptions {
    bool json = false;
    bool quiet = false;  // no notes, no progress
    ColorMode color = ColorMode::kAuto;
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    bool no_color = false;  // NO_COLOR is set to something
    bool dumb = false;      // the terminal takes no escape sequences: no colours, no live line
    std::size_t width = 0;  // of the terminal; 0 = unlimited
};

// What the process's terminal and environment say.
OutputOptions terminal_options(bool json, bool quiet, ColorMode color);

// A part of a line in one style.
struct Piece {
    std::string_view text;
    Style style = Style::kPlain;
};

class Output {
  public:
    Output(OutputOptions options, std::ostream& out, std::ostream& err);
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    [[nodiscard]] bool json() const { return options_.json; }
    [[nodiscard]] const OutputOptions& options() const { return options_; }

    // The envelope's data (--json); else nothing. The last call counts.
    void data(codec::Json value);
    // One line for people, on standard output; nothing under --json. A newline in it is shown as
    // \n.
    void text(std::string_view line);
    // The same in pieces, coloured where standard output takes colour.
    void text(std::initializer_list<Piece> line);
    // Several lines of our own making, each ended by a newline.
    void lines(std::string_view text);
    // Text that comes piece by piece, without an end of line. What is no terminal gets it as it
    // is. A character may be split between two pieces.
    void put(std::string_view piece);
    void table(const Table& table);
    // One line of talk on standard error; nothing under --quiet.
    void note(std::string_view line);
    // Envelope's warnings, or "warning: ..." on standard error.
    void warn(std::string_view message);
    // Three lines on standard error: what failed, why, what to do next; or an entry of the
    // envelope's errors.
    void error(const Error& error, std::string_view what, std::string_view hint = {});
    // An entry of the envelope's errors only: for a handler that has told people what it found.
    void finding(const Error& error, std::string_view hint = {});
    // One line of JSON (JSON Lines), at once: for commands that stream. finish() then writes no
    // envelope unless the command failed.
    void stream(const codec::Json& value);
    // False when standard output takes no more: what is still to come can be left out.
    [[nodiscard]] bool writable() const { return out_error_ == 0; }
    // Writes the envelope, once. ok = code is kOk. Returns `code`, or kFailed for a kOk whose
    // output could not be written.
    ExitCode finish(ExitCode code);

  private:
    friend class Progress;
    void emit(std::string_view bytes);       // to standard output
    void emit_error(std::string_view text);  // to standard error
    void emit_envelope(ExitCode code);
    void print_error(std::string_view what, std::string_view why, std::string_view next);
    [[nodiscard]] std::string paint(Style style, std::string_view text) const;
    [[nodiscard]] std::string paint_err(Style style, std::string_view text) const;

    OutputOptions options_;
    std::ostream* out_;
    std::ostream* err_;
    std::optional<codec::Json> data_;
    std::vector<std::string> warnings_;
    std::vector<codec::Json> errors_;
    std::string unfinished_;  // the beginning of a character, put() to a terminal
    int out_error_ = 0;       // errno of the first write to standard output that failed
    bool streamed_ = false;
    bool finished_ = false;
};

// What to do next, when the error's kind alone says it; "" otherwise. Only what is retryable is to
// be tried again.
std::string_view default_hint(const Error& error);

// A long operation on standard error. On a terminal one live line with rate and time left,
// rewritten at most ten times a second; elsewhere a line each 10 %. Nothing under --quiet or
// --json.
class Progress {
  public:
    // total 0: unknown, shows count and rate only.
    Progress(Output& output, const Clock& clock, std::string_view label, std::uint64_t total,
             std::string unit);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void update(std::uint64_t done);
    void finish();

  private:
    // True where one line is rewritten.
    [[nodiscard]] bool live() const;
    [[nodiscard]] std::string line(std::uint64_t done, std::int64_t now_ms) const;
    Output& output_;
    const Clock& clock_;
    std::string label_;
    std::string unit_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
    std::int64_t start_ms_;
    std::int64_t drawn_ms_ = -1;
    std::uint64_t next_tenth_ = 1;
    bool finished_ = false;
};

// "1.9 MB", "312 kB", "17 B": decimal units.
std::string human_bytes(std::uint64_t bytes);
// "2h03m", "4m07s", "12 s".
std::string human_duration(Millis duration);

}  // namespace covenant::node
