#include "common/node/keystore.hpp"
#include "common/node/printable.hpp"
#include "common/node/prompt.hpp"
#include "common/node/terminal.hpp"

#include <cerrno>
#include <functional>
#include <iostream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant::node {
namespace {

constexpr std::size_t kMaxPassword = 1024;

// Bytes up to the first newline, straight into locked memory. Reads a byte at a time: the rest of
// standard input belongs to someone else.
Result<crypto::SecretBytes> read_line(int fd, const std::function<Status()>& wait_for_input) {
    crypto::SecretBytes line(kMaxPassword + 1);
    std::size_t size = 0;
    for (;;) {
        if (wait_for_input) COVENANT_CHECK(wait_for_input());
        std::uint8_t byte = 0;
        const ssize_t count = ::read(fd, &byte, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            return fail(Errc::kIo, fmt::format("read the password: {}",
                                               std::generic_category().message(errno)));
        if (count == 0 || byte == '\n') break;
        if (size == kMaxPassword) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("the password is longer than {} bytes", kMaxPassword));
        }
        line.expose_mutable()[size++] = byte;
    }
    if (size > 0 && line.expose()[size - 1] == '\r') --size;
    if (size == 0) return fail(Errc::kInvalidArgument, "the password is empty");
    line.truncate(size);
    return line;
}

Result<crypto::SecretBytes> ask(const std::string& question, const std::stop_token& stop) {
    SilentQuestion silent(question, stop);
    return read_line(STDIN_FILENO, [&silent] { return silent.wait_for_input(); });
}

Result<crypto::SecretBytes> read_password_file(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return fail(errno == ENOENT ? Errc::kNotFound : Errc::kPermission,
                    fmt::format("password file {}: {}", path.string(),
                                std::generic_category().message(errno)));
    }
    struct stat info {};
    Result<crypto::SecretBytes> out = fail(Errc::kIo, "not read");
    if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 077U) != 0) {
        out =
            fail(Errc::kPermission, fmt::format("mode {:04o}, so others may read it: chmod 600 {}",
                                                info.st_mode & 0777U, path.string()));
    } else {
        out = read_line(fd, {});
    }
    ::close(fd);
    if (!out) return fail(std::move(out).error().within("password file " + path.string()));
    return out;
}

}  // namespace

Result<crypto::SecretBytes> read_password(const PasswordSource& source, std::string_view what) {
    if (!source.file.empty()) return read_password_file(source.file);
    if (source.json || !can_prompt()) {
        return fail(
            Errc::kPrecondition,
            fmt::format("the password of {} is needed and there is no terminal to ask: pass "
                        "--password-file FILE",
                        what));
    }
    COVENANT_TRY(crypto::SecretBytes password,
                 ask(fmt::format("password of {}", what), source.stop));
    if (source.confirm) {
        COVENANT_TRY(const crypto::SecretBytes again, ask("the same again", source.stop));
        if (!password.equals(again.expose())) {
            return fail(Errc::kInvalidArgument, "the two passwords differ; nothing was written");
        }
    }
    return password;
}

bool can_prompt() {
    return ::isatty(STDIN_FILENO) == 1;
}

Result<bool> confirm(std::string_view question, bool assume_yes, bool json) {
    if (assume_yes) return true;
    if (json || !can_prompt()) {
        return fail(Errc::kPrecondition,
                    fmt::format("'{}' needs an answer and there is no terminal: pass --yes to "
                                "agree",
                                question));
    }
    std::cerr << printable(question) << " [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace covenant::node
