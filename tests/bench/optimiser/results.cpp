#include "tests/bench/optimiser/results.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>

#include <fmt/format.h>

namespace covenant::bench {
namespace {

constexpr std::string_view kStart = R"({"key": ")";

std::string io_error(std::string_view what, const std::filesystem::path& path) {
    return fmt::format("{} {}: {}", what, path.string(), std::strerror(errno));
}

// The key of a whole line, empty of a broken one.
std::string_view key_of(std::string_view line) {
    if (!line.starts_with(kStart) || !line.ends_with('}')) return {};
    line.remove_prefix(kStart.size());
    const std::size_t end = line.find('"');
    return end == std::string_view::npos ? std::string_view() : line.substr(0, end);
}

}  // namespace

std::string to_line(const RunRecord& record) {
    std::string line = fmt::format(
        R"({}{}", "grid": "{}", "optimiser": "{}", "p": {}, "alpha": {}, "k": {}, "H": {}, )"
        R"("seed": {}, "profile": "{}", "preset": "{}", "parameters": {}, "text": "{}", )"
        R"("data": "{}", "peers": {}, "steps": {}, "tokens": {}, "lr": {}, )"
        R"("bytes_per_round": {:.1f}, "seconds": {:.1f}, "final": {:.6f}, "curve": [)",
        kStart, record.key, record.grid, record.optimiser,
        record.support.empty() ? "null" : fmt::format("\"{}\"", record.support),
        record.support.empty() ? "null" : fmt::format("{}", record.alpha),
        record.support.empty() ? "null" : fmt::format("{}", record.keep), record.inner_steps,
        record.seed, record.profile, record.preset, record.parameters, record.text, record.data,
        record.peers, record.steps, record.tokens, record.learning_rate, record.bytes_per_round,
        record.seconds, record.final_loss);
    for (std::size_t i = 0; i < record.curve.size(); ++i)
        line += fmt::format("{}[{}, {:.6f}]", i == 0 ? "" : ", ", record.curve[i].first,
                            record.curve[i].second);
    return line + "]}\n";
}

Result<ResultsFile> ResultsFile::open(std::filesystem::path path) {
    ResultsFile file(std::move(path));
    std::error_code error;
    if (!std::filesystem::exists(file.path_, error)) return file;
    std::ifstream in(file.path_);
    if (!in) return fail(Errc::kIo, io_error("open", file.path_));
    for (std::string line; std::getline(in, line);) {
        if (const std::string_view key = key_of(line); !key.empty()) file.keys_.emplace(key);
    }
    if (in.bad()) return fail(Errc::kIo, io_error("read", file.path_));
    return file;
}

bool ResultsFile::has(std::string_view key) const {
    return keys_.find(key) != keys_.end();
}

Status ResultsFile::append(const RunRecord& record) {
    std::error_code error;
    if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), error);
    // A run that was killed while writing may have left half a line: end it first.
    std::string text = to_line(record);
    {
        std::ifstream in(path_, std::ios::binary | std::ios::ate);
        if (in && in.tellg() > 0) {
            in.seekg(-1, std::ios::end);
            if (in.get() != '\n') text.insert(text.begin(), '\n');
        }
    }
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(path_.c_str(), "ae"),
                                                              &std::fclose);
    if (!out) return fail(Errc::kIo, io_error("open", path_));
    std::setvbuf(out.get(), nullptr, _IONBF, 0);
    if (std::fwrite(text.data(), 1, text.size(), out.get()) != text.size() ||
        std::fflush(out.get()) != 0)
        return fail(Errc::kIo, io_error("append to", path_));
    keys_.insert(record.key);
    return {};
}

}  // namespace covenant::bench
