#include "common/node/keystore.hpp"
#include "common/node/prompt.hpp"

#include <cerrno>
#include <iostream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace covenant::node {
namespace {

constexpr std::size_t kMaxPassword = 1024;

// Bytes up to the first newline, straight into locked memory. Reads a byte at a time: the rest of
// standard input belongs to someone else.
Result<crypto::SecretBytes> read_line(int fd) {
    crypto::SecretBytes line(kMaxPassword + 1);
    std::size_t size = 0;
    for (;;) {
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

// Turns the terminal's echo off while it lives.
class EchoOff {
  public:
    EchoOff() : active_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (!active_) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    ~EchoOff() {
        if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
        std::cerr << '\n';
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;

  private:
    termios before_{};
    bool active_;
};

Result<crypto::SecretBytes> ask(std::string_view question) {
    std::cerr << question << ": " << std::flush;
    const EchoOff echo;
    return read_line(STDIN_FILENO);
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
        out = read_line(fd);
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
    COVENANT_TRY(crypto::SecretBytes password, ask(fmt::format("password of {}", what)));
    if (source.confirm) {
        COVENANT_TRY(const crypto::SecretBytes again, ask("the same again"));
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
    std::cerr << question << " [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace covenant::node
