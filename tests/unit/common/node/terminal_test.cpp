#include "common/node/terminal.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace covenant::node {
namespace {

// A child on a terminal of its own, and the other side of that terminal.
class OnTerminal {
  public:
    explicit OnTerminal(const std::function<int()>& child) {
        pid_ = ::forkpty(&fd_, nullptr, nullptr, nullptr);
        if (pid_ == 0) ::_exit(child());
    }
    ~OnTerminal() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::close(fd_);
    }
    OnTerminal(const OnTerminal&) = delete;
    OnTerminal& operator=(const OnTerminal&) = delete;

    // Reads until the child has printed `text`.
    void expect(const std::string& text) {
        std::array<char, 256> part{};
        while (seen_.find(text) == std::string::npos) {
            const ssize_t count = ::read(fd_, part.data(), part.size());
            ASSERT_GT(count, 0) << "only this came: " << seen_;
            seen_.append(part.data(), static_cast<std::size_t>(count));
        }
        seen_.erase(0, seen_.find(text) + text.size());
    }
    void type(const std::string& text) const {
        EXPECT_EQ(::write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void send(int signal) const { ::kill(pid_, signal); }
    [[nodiscard]] int wait() const {
        int status = 0;
        EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
        return status;
    }
    [[nodiscard]] bool echoes() const {
        termios settings{};
        EXPECT_EQ(::tcgetattr(fd_, &settings), 0);
        return (settings.c_lflag & ECHO) != 0;
    }

  private:
    pid_t pid_ = -1;
    int fd_ = -1;
    std::string seen_;
};

// Asks once; 0 when an answer came.
int ask_once() {
    SilentQuestion question("password", {});
    return ::write(STDERR_FILENO, "?", 1) == 1 && question.wait_for_input() ? 0 : 9;
}

TEST(SilentQuestion, EchoIsOffWhileItAsksAndOnAfterTheAnswer) {
    OnTerminal child(ask_once);
    child.expect("password: ");
    child.expect("?");
    EXPECT_FALSE(child.echoes());
    child.type("secret\n");
    child.expect("\n");
    const int status = child.wait();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_TRUE(child.echoes());
}

TEST(SilentQuestion, EverySignalThatEndsTheProcessTurnsEchoOnFirst) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
        OnTerminal child(ask_once);
        child.expect("?");
        EXPECT_FALSE(child.echoes());
        child.send(signal);
        const int status = child.wait();
        EXPECT_TRUE(WIFSIGNALED(status)) << signal;
        EXPECT_EQ(WTERMSIG(status), signal);
        EXPECT_TRUE(child.echoes()) << signal;
    }
}

// A shell in small: its one job asks in the foreground. Says whether the terminal echoes when the
// job is stopped, and lets it go on.
int shell_with_a_job() {
    std::signal(SIGTTOU, SIG_IGN);
    const pid_t job = ::fork();
    ::setpgid(job, job);
    ::tcsetpgrp(STDIN_FILENO, job == 0 ? ::getpid() : job);
    if (job == 0) ::_exit(ask_once());
    int status = 0;
    if (::waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status)) return 8;
    termios settings{};
    const bool echoes = ::tcgetattr(STDIN_FILENO, &settings) == 0 && (settings.c_lflag & ECHO) != 0;
    const std::string_view said = echoes ? "stopped with echo" : "stopped without echo";
    if (::write(STDERR_FILENO, said.data(), said.size()) < 0) return 7;
    ::kill(job, SIGCONT);
    ::waitpid(job, &status, 0);
    return WEXITSTATUS(status);
}

TEST(SilentQuestion, AStoppedProcessLeavesEchoOnAndAsksAgain) {
    OnTerminal child(shell_with_a_job);
    child.expect("password: ?");
    child.type("\x1a");  // Ctrl-Z
    child.expect("stopped with echo");
    child.expect("password: ");
    child.type("secret\n");
    EXPECT_EQ(child.wait(), 0);
}

TEST(SilentQuestion, AStopThatIsRequestedElsewhereEndsTheWaiting) {
    OnTerminal child([] {
        std::stop_source stop;
        SilentQuestion question("password", stop.get_token());
        stop.request_stop();
        const Status asked = question.wait_for_input();
        return !asked && asked.error().code == Errc::kInterrupted ? 7 : 9;
    });
    const int status = child.wait();
    EXPECT_EQ(WEXITSTATUS(status), 7);
    EXPECT_TRUE(child.echoes());
}

TEST(SilentQuestion, AnIgnoredSignalStaysIgnored) {
    OnTerminal child([] {
        std::signal(SIGHUP, SIG_IGN);
        return ask_once();
    });
    child.expect("?");
    child.send(SIGHUP);
    child.type("secret\n");
    EXPECT_EQ(child.wait(), 0);
}

TEST(RestoreTerminal, TurnsEchoOnForAnExitWithoutUnwinding) {
    OnTerminal child([]() -> int {
        const SilentQuestion question("password", {});
        restore_terminal();
        ::_exit(5);
    });
    EXPECT_EQ(WEXITSTATUS(child.wait()), 5);
    EXPECT_TRUE(child.echoes());
}

TEST(StandardStreams, AClosedOneFailsAndItsNumberIsNotTaken) {
    const pid_t child = ::fork();
    if (child == 0) {
        for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
            ::close(fd);
        occupy_standard_streams();
        char byte = 0;
        if (::read(STDIN_FILENO, &byte, 1) != -1) ::_exit(1);
        if (::write(STDOUT_FILENO, "x", 1) != -1) ::_exit(2);
        if (::write(STDERR_FILENO, "x", 1) != -1) ::_exit(3);
        ::_exit(::dup(STDIN_FILENO) > STDERR_FILENO ? 0 : 4);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace covenant::node
