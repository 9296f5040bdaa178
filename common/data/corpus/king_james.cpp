#include "common/data/corpus/king_james.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace covenant::data {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
constexpr std::size_t kVerses = 31'102;

tl::unexpected<Error> missing(const std::string& program) {
    return fail(Errc::kPrecondition,
                "read the King James text: the program \"" + program +
                    "\" or its text is not installed; run: apt-get install bible-kjv "
                    "bible-kjv-text");
}

// Standard output of a program; its standard error is dropped.
Result<std::string> output_of(const std::string& program, std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail(Errc::kIo, "make a pipe: " + std::generic_category().message(errno));
    }
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::string name = program;
    std::vector<char*> argv{name.data()};
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    const int spawned =
        ::posix_spawnp(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (spawned != 0) {
        ::close(ends[0]);
        if (spawned == ENOENT) return missing(program);
        return fail(Errc::kIo,
                    "start " + program + ": " + std::generic_category().message(spawned));
    }
    std::string text;
    std::vector<char> buffer(std::size_t{1} << 16);
    bool readable = true;
    while (readable && text.size() <= kMaxTextBytes) {
        const ssize_t got = ::read(ends[0], buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
        readable = got > 0;
    }
    ::close(ends[0]);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return missing(program);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return fail(Errc::kIo, "run " + program + ": it ended with status " +
                                   std::to_string(status) + " after " +
                                   std::to_string(text.size()) + " bytes");
    }
    return text;
}

// "Ge1:1 In the beginning" -> "In the beginning"; empty when the line has no verse mark.
std::string_view without_mark(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return {};
    const std::string_view mark = line.substr(0, space);
    const std::size_t colon = mark.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == mark.size()) return {};
    return line.substr(space + 1);
}

}  // namespace

CorpusOptions king_james_options() {
    CorpusOptions options;
    options.name = "king-james";
    options.min_heldout_windows = 256;
    return options;
}

Result<std::string> read_king_james(const std::string& program) {
    COVENANT_TRY(const std::string marked, output_of(program, {"-f", "gen1:1-rev22:21"}));
    std::string text;
    text.reserve(marked.size());
    std::size_t verses = 0;
    for (std::string_view rest = marked; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view verse = without_mark(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (verse.empty()) continue;
        text.append(verse).push_back('\n');
        ++verses;
    }
    if (verses != kVerses) {
        return fail(Errc::kIo, "read the King James text: " + program + " printed " +
                                   std::to_string(verses) + " verses, expected " +
                                   std::to_string(kVerses) +
                                   "; reinstall bible-kjv and bible-kjv-text");
    }
    return text;
}

Result<CorpusManifest> prepare_king_james(const std::filesystem::path& folder,
                                          const CorpusOptions& options,
                                          const CorpusProgress& progress) {
    COVENANT_TRY(const std::string text, read_king_james());
    return build_corpus(folder, {&text, 1}, options, progress);
}

}  // namespace covenant::data
