#include "common/node/output.hpp"

#include "common/base/assert.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

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
    return options.color == ColorMode::kAuto && terminal && !options.no_color;
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
    winsize size{};
    if (options.out_is_terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        options.width = size.ws_col;
    }
    return options;
}

void Output::data(codec::Json value) {
    data_ = std::move(value);
}

void Output::text(std::string_view line) {
    if (!options_.json) *out_ << line << '\n' << std::flush;  // rows are read as they happen
}

void Output::put(std::string_view piece) {
    if (!options_.json) *out_ << piece << std::flush;
}

void Output::table(const Table& table) {
    if (!options_.json) *out_ << table.render(options_.width) << std::flush;
}

void Output::note(std::string_view line) {
    if (!options_.quiet) *err_ << line << '\n' << std::flush;
}

void Output::warn(std::string_view message) {
    if (options_.json) {
        warnings_.emplace_back(message);
    } else {
        *err_ << paint_err(Style::kYellow, "warning:") << ' ' << message << '\n';
    }
}

void Output::error(const Error& error, std::string_view what, std::string_view hint) {
    const std::string_view advice = hint.empty() ? default_hint(error.code) : hint;
    if (options_.json) {
        codec::Json entry = codec::Json::object();
        entry.set("code", covenant::to_string(error.code));
        entry.set("message",
                  what.empty() ? error.context : fmt::format("{}: {}", what, error.context));
        entry.set("hint", advice);
        errors_.push_back(std::move(entry));
        return;
    }
    *err_ << paint_err(Style::kRed, "error:") << ' ' << (what.empty() ? "failed" : what) << '\n'
          << "  why:  " << error.context << '\n';
    if (!advice.empty()) *err_ << "  next: " << advice << '\n';
    err_->flush();
}

void Output::stream(const codec::Json& value) {
    streamed_ = true;
    *out_ << value.dump() << '\n' << std::flush;
}

ExitCode Output::finish(ExitCode code) {
    if (finished_) return code;
    finished_ = true;
    if (options_.json && (!streamed_ || !errors_.empty())) {
        codec::Json envelope = codec::Json::object();
        codec::Json warnings = codec::Json::array();
        codec::Json errors = codec::Json::array();
        for (const std::string& warning : warnings_)
            warnings.push(warning);
        for (const codec::Json& error : errors_)
            errors.push(error);
        envelope.set("schema", 1);
        envelope.set("ok", code == ExitCode::kOk);
        envelope.set("data", data_ ? *data_ : codec::Json());
        envelope.set("warnings", warnings);
        envelope.set("errors", errors);
        *out_ << envelope.dump() << '\n';
    }
    out_->flush();
    err_->flush();
    return code;
}

std::string Output::paint(Style style, std::string_view text) const {
    return wants_color(options_, options_.out_is_terminal) && !options_.json ? painted(style, text)
                                                                             : std::string(text);
}

std::string Output::paint_err(Style style, std::string_view text) const {
    return wants_color(options_, options_.err_is_terminal) ? painted(style, text)
                                                           : std::string(text);
}

std::string_view default_hint(Errc code) {
    switch (code) {
        case Errc::kInvalidArgument:
            return "see --help for what is accepted";
        case Errc::kUnavailable:
        case Errc::kTimeout:
            return "check that the remote runs and is reachable, then try again";
        case Errc::kIo:
            return "check free space, the path and its permissions";
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
