#include "common/node/output.hpp"

#include "common/base/assert.hpp"
#include "common/node/printable.hpp"
#include "common/node/terminal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace covenant::node {
namespace {

// Columns of UTF-8 text: one for each code point; good for what we print.
std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

// The first `columns` columns, the last of them an ellipsis when something is cut.
std::string cut(std::string_view text, std::size_t columns) {
    if (columns_of(text) <= columns) return std::string(text);
    std::size_t seen = 0;
    std::size_t end = 0;
    while (end < text.size()) {
        if ((static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U && ++seen >= columns) break;
        ++end;
    }
    return std::string(text.substr(0, end)) + "…";
}

std::string painted(Style style, std::string_view text) {
    switch (style) {
        case Style::kPlain:
            return std::string(text);
        case Style::kBold:
            return fmt::format("\x1b[1m{}\x1b[0m", text);
        case Style::kDim:
            return fmt::format("\x1b[2m{}\x1b[0m", text);
        case Style::kGreen:
            return fmt::format("\x1b[32m{}\x1b[0m", text);
        case Style::kYellow:
            return fmt::format("\x1b[33m{}\x1b[0m", text);
        case Style::kRed:
            return fmt::format("\x1b[31m{}\x1b[0m", text);
    }
    return std::string(text);
}

bool wants_color(const OutputOptions& options, bool terminal) {
    if (options.color == ColorMode::kAlways) return true;
    return options.color == ColorMode::kAuto && terminal && !options.no_color && !options.dumb;
}

codec::Json error_entry(const Error& error, std::string_view message, std::string_view hint) {
    codec::Json entry = codec::Json::object();
    entry.set("code", covenant::to_string(error.code));
    entry.set("message", message);
    entry.set("hint", hint.empty() ? default_hint(error) : hint);
    return entry;
}

codec::Json error_entry(Errc code, std::string_view message) {
    return error_entry(fail(code, "").value(), message, "");
}

// For a handler that ended with a code and said nothing.
codec::Json entry_for(ExitCode code) {
    switch (code) {
        case ExitCode::kUsage:
            return error_entry(Errc::kInvalidArgument, "the command cannot be understood");
        case ExitCode::kPrecondition:
            return error_entry(Errc::kPrecondition, "something is missing first");
        case ExitCode::kUnavailable:
            return error_entry(Errc::kUnavailable, "a remote does not answer");
        case ExitCode::kVerificationFailed:
            return error_entry(Errc::kMismatch, "verification failed");
        case ExitCode::kHungUp:
        case ExitCode::kInterrupted:
        case ExitCode::kTerminated:
            return error_entry(Errc::kInterrupted, "stopped by a signal");
        case ExitCode::kOk:
        case ExitCode::kFailed:
        case ExitCode::kRefused:
            break;
    }
    return error_entry(Errc::kRejected, "it was not done");
}

}  // namespace

Result<ColorMode> parse_color_mode(std::string_view text) {
    if (text == "auto") return ColorMode::kAuto;
    if (text == "always") return ColorMode::kAlways;
    if (text == "never") return ColorMode::kNever;
    return fail(Errc::kInvalidArgument,
                fmt::format("colour '{}' is none of auto, always, never", text));
}

Table::Table(std::vector<std::string> header)
    : header_(std::move(header)), right_(header_.size(), false) {}

Table& Table::align_right(std::initializer_list<std::size_t> columns) {
    for (const std::size_t column : columns) {
        COVENANT_ASSERT(column < right_.size(), "a column of the header");
        right_[column] = true;
    }
    return *this;
}

void Table::add(std::vector<std::string> row) {
    COVENANT_ASSERT(row.size() <= header_.size(), "a row has at most the header's columns");
    row.resize(header_.size());
    for (std::string& cell : row)
        cell = printable(cell);
    rows_.push_back(std::move(row));
}

std::string Table::render(std::size_t width) const {
    constexpr std::size_t kGap = 2;
    constexpr std::size_t kNarrowest = 6;  // a cut column keeps this much
    std::vector<std::size_t> widths;
    for (const std::string& name : header_)
        widths.push_back(columns_of(name));
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns_of(row[i]));
    }
    const auto total = [&] {
        std::size_t sum = widths.empty() ? 0 : kGap * (widths.size() - 1);
        for (const std::size_t w : widths)
            sum += w;
        return sum;
    };
    while (width != 0 && total() > width) {
        std::size_t widest = widths.size();
        for (std::size_t i = 0; i < widths.size(); ++i) {
            if (!right_[i] && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
        }
        if (widest == widths.size() || widths[widest] <= kNarrowest) break;
        const std::size_t excess = total() - width;
        widths[widest] =
            std::max(kNarrowest, widths[widest] - std::min(excess, widths[widest] - kNarrowest));
    }
    std::string out;
    const auto emit = [&](const std::vector<std::string>& row) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string cell = cut(row[i], widths[i]);
            const std::string pad(widths[i] - std::min(widths[i], columns_of(cell)), ' ');
            if (i > 0) line += std::string(kGap, ' ');
            line += right_[i] ? pad + cell : cell + pad;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    };
    emit(header_);
    for (const auto& row : rows_)
        emit(row);
    return out;
}

Output::Output(OutputOptions options, std::ostream& out, std::ostream& err)
    : options_(options), out_(&out), err_(&err) {}

OutputOptions terminal_options(bool json, bool quiet, ColorMode color) {
    OutputOptions options;
    options.json = json;
    options.quiet = quiet;
    options.color = color;
    options.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
    options.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
    const char* no_color = std::getenv("NO_COLOR");
    options.no_color = no_color != nullptr && *no_color != '\0';
    options.dumb = !terminal_takes_escapes();
    winsize size{};
    if (options.out_is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        options.width = size.ws_col;
    }
    return options;
}

void Output::data(codec::Json value) {
    data_ = std::move(value);
}

// Flushed at once: rows are read as they happen.
void Output::emit(std::string_view bytes) {
    if (out_error_ != 0) return;
    errno = 0;
    *out_ << bytes << std::flush;
    if (!*out_) out_error_ = errno != 0 ? errno : EIO;
}

void Output::emit_error(std::string_view text) {
    *err_ << text << std::flush;
}

void Output::text(std::string_view line) {
    text({Piece{line}});
}

void Output::text(std::initializer_list<Piece> line) {
    if (options_.json) return;
    std::string out;
    for (const Piece& piece : line)
        out += paint(piece.style, printable(piece.text));
    emit(out + '\n');
}

void Output::lines(std::string_view text) {
    if (options_.json) return;
    emit(printable(text, Lines::kMany) + (text.ends_with('\n') ? "" : "\n"));
}

void Output::put(std::string_view piece) {
    if (options_.json) return;
    if (!options_.out_is_terminal) {
        emit(piece);
        return;
    }
    std::string text = std::exchange(unfinished_, {}).append(piece);
    unfinished_ = text.substr(text.size() - unfinished_utf8(text));
    text.resize(text.size() - unfinished_.size());
    emit(printable(text, Lines::kMany));
}

void Output::table(const Table& table) {
    if (!options_.json) emit(table.render(options_.width));
}

void Output::note(std::string_view line) {
    if (!options_.quiet) emit_error(printable(line) + '\n');
}

void Output::warn(std::string_view message) {
    if (options_.json) {
        warnings_.emplace_back(message);
    } else {
        emit_error(paint_err(Style::kYellow, "warning:") + ' ' + printable(message) + '\n');
    }
}

void Output::error(const Error& error, std::string_view what, std::string_view hint) {
    if (options_.json) {
        errors_.push_back(error_entry(
            error, what.empty() ? error.context : fmt::format("{}: {}", what, error.context),
            hint));
        return;
    }
    print_error(what.empty() ? "failed" : what, error.context,
                hint.empty() ? default_hint(error) : hint);
}

void Output::print_error(std::string_view what, std::string_view why, std::string_view next) {
    std::string text = fmt::format("{} {}\n  why:  {}\n", paint_err(Style::kRed, "error:"),
                                   printable(what), printable(why));
    if (!next.empty()) text += fmt::format("  next: {}\n", printable(next));
    emit_error(text);
}

void Output::finding(const Error& error, std::string_view hint) {
    if (options_.json) errors_.push_back(error_entry(error, error.context, hint));
}

void Output::stream(const codec::Json& value) {
    streamed_ = true;
    emit(value.dump() + '\n');
}

void Output::emit_envelope(ExitCode code) {
    codec::Json envelope = codec::Json::object();
    codec::Json warnings = codec::Json::array();
    codec::Json errors = codec::Json::array();
    for (const std::string& warning : warnings_)
        warnings.push(warning);
    for (const codec::Json& error : errors_)
        errors.push(error);
    if (code != ExitCode::kOk && errors_.empty()) errors.push(entry_for(code));
    envelope.set("schema", 1);
    envelope.set("ok", code == ExitCode::kOk);
    envelope.set("data", data_ ? *data_ : codec::Json());
    envelope.set("warnings", warnings);
    envelope.set("errors", errors);
    emit(envelope.dump() + '\n');
}

ExitCode Output::finish(ExitCode code) {
    if (finished_) return code;
    finished_ = true;
    if (!unfinished_.empty()) emit(printable(unfinished_));
    if (options_.json && (!streamed_ || code != ExitCode::kOk)) emit_envelope(code);
    if (writable() || out_error_ == EPIPE) return code;
    print_error("not all of the output was written",
                "write standard output: " + std::generic_category().message(out_error_),
                "what the command did is done; send its output where there is room for it");
    return code == ExitCode::kOk ? ExitCode::kFailed : code;
}

std::string Output::paint(Style style, std::string_view text) const {
    return wants_color(options_, options_.out_is_terminal) && !options_.json ? painted(style, text)
                                                                             : std::string(text);
}

std::string Output::paint_err(Style style, std::string_view text) const {
    return wants_color(options_, options_.err_is_terminal) ? painted(style, text)
                                                           : std::string(text);
}

std::string_view default_hint(const Error& error) {
    switch (error.code) {
        case Errc::kInvalidArgument:
            return "see --help for what is accepted";
        case Errc::kUnavailable:
        case Errc::kTimeout:
            return error.retryable ? "check that the remote runs and is reachable, then try again"
                                   : "check that the remote runs and is reachable";
        case Errc::kIo:
            return "check what the path names, its permissions and free space";
        case Errc::kCorrupt:
            return "fetch or create the file again; keep the damaged one for a report";
        case Errc::kInterrupted:
            return "run the same command again to continue";
        case Errc::kMalformed:
        case Errc::kNotFound:
        case Errc::kAlreadyExists:
        case Errc::kPermission:
        case Errc::kRejected:
        case Errc::kPrecondition:
        case Errc::kMismatch:
            return "";
    }
    return "";
}

}  // namespace covenant::node
