#include "common/node/keystore.hpp"
#include "common/node/password_file.hpp"
#include "common/node/printable.hpp"
#include "common/node/prompt.hpp"
#include "common/node/terminal.hpp"

#include <iostream>

#include <fmt/format.h>
#include <unistd.h>

namespace covenant::node {
namespace {

Result<crypto::SecretBytes> ask(const std::string& question, const std::stop_token& stop) {
    SilentQuestion silent(question, stop);
    return read_password_line(STDIN_FILENO, [&silent] { return silent.wait_for_input(); });
}

// Another question, or nothing to ask: the error names the option that answers.
Result<crypto::SecretBytes> asked(const PasswordSource& source, std::string_view what) {
    if (source.json || !can_prompt()) {
        return fail(
            Errc::kPrecondition,
            fmt::format("the password of {} is needed and there is no terminal to ask: pass "
                        "--{} FILE",
                        what, source.option));
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

}  // namespace

Result<crypto::SecretBytes> read_password(const PasswordSource& source, std::string_view what) {
    const bool file = !source.file.empty();
    COVENANT_TRY(crypto::SecretBytes password,
                 file ? read_password_file(source.file) : asked(source, what));
    const std::string where = file ? "password file " + source.file.string() + ": " : "";
    if (password.empty() && !source.allow_empty) {
        return fail(Errc::kInvalidArgument, where + "the password is empty");
    }
    const std::string_view unseen = unseen_in(password.expose());
    if (source.confirm && !unseen.empty()) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("{}the password {}, which nobody can type again: choose another, "
                                "or write the file as plain UTF-8 text",
                                where, unseen));
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
