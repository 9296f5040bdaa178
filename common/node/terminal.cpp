#include "common/node/terminal.hpp"

#include "common/node/printable.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace covenant::node {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
constexpr char kStopRequested = 0;  // in the pipe, where a signal writes its number

// The settings to return to while echo is off; null otherwise.
std::atomic<const termios*> changed_from{nullptr};
std::atomic<int> wake_fd{-1};

void set_terminal(const termios& settings, int when) noexcept {
    while (::tcsetattr(STDIN_FILENO, when, &settings) != 0 && errno == EINTR) {
    }
}

void wake(char what) noexcept {
    const int before = errno;
    // A full pipe has woken the reader already.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd, &what, 1);
    errno = before;
}

extern "C" void on_signal(int signal) {
    wake(static_cast<char>(signal));
}

}  // namespace

void occupy_standard_streams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
        // The lowest free number is taken, which is `fd`: the ones below it are open by now.
        static_cast<void>(::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
}

bool terminal_takes_escapes() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
    const char* term = std::getenv("TERM");
    return term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

void restore_terminal() noexcept {
    if (const termios* before = changed_from.exchange(nullptr)) set_terminal(*before, TCSANOW);
}

class SilentQuestion::Impl {
  public:
    Impl(std::string question, std::stop_token stop)
        : question_(std::move(question)), stop_(std::move(stop)) {
        if (::pipe2(pipe_.data(), O_CLOEXEC | O_NONBLOCK) != 0) pipe_ = {-1, -1};
        wake_fd = pipe_[1];
        on_stop_.emplace(stop_, [] { wake(kStopRequested); });
        catch_signals();
        ask();
    }

    ~Impl() {
        silence(false);
        std::cerr << '\n';
        release_signals();
        on_stop_.reset();
        wake_fd = -1;
        // A signal that came after the answer still does its work.
        char what = kStopRequested;
        if (::read(pipe_[0], &what, 1) == 1 && what != kStopRequested) ::raise(what);
        for (const int fd : pipe_) {
            if (fd >= 0) ::close(fd);
        }
    }

    Status wait_for_input() {
        for (;;) {
            std::array<pollfd, 2> watched{{{STDIN_FILENO, POLLIN, 0}, {pipe_[0], POLLIN, 0}}};
            if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) {
                return fail(Errc::kIo,
                            "wait for the terminal: " + std::generic_category().message(errno));
            }
            char what = kStopRequested;
            if (::read(pipe_[0], &what, 1) == 1) {
                if (what == kStopRequested) return fail(Errc::kInterrupted, "asked to stop");
                suffer(what);
            } else if (watched[0].revents != 0) {
                return {};
            }
        }
    }

  private:
    // Silence comes first: it drops what was typed before, and must not drop a quick answer.
    void ask() {
        silence(true);
        std::cerr << printable(question_) << ": " << std::flush;
    }

    void silence(bool on) {
        if (!on) {
            if (changed_from.exchange(nullptr) != nullptr) set_terminal(before_, TCSAFLUSH);
            return;
        }
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        changed_from = &before_;
        set_terminal(silent, TCSAFLUSH);
    }

    // Lets the signal do what it would have done to a program without this question. Comes back
    // only when the process was stopped and goes on.
    void suffer(int signal) {
        silence(false);
        std::cerr << '\n';
        release_signals();
        ::raise(signal);
        catch_signals();
        ask();
    }

    void catch_signals() {
        struct sigaction action {};
        action.sa_handler = on_signal;
        action.sa_flags = SA_RESTART;
        for (std::size_t i = 0; i < kSignals.size(); ++i) {
            ::sigaction(kSignals[i], &action, &handlers_[i]);
            // What nohup or a shell has turned off stays off.
            if (handlers_[i].sa_handler == SIG_IGN) {
                ::sigaction(kSignals[i], &handlers_[i], nullptr);
            }
        }
    }

    void release_signals() {
        for (std::size_t i = 0; i < kSignals.size(); ++i)
            ::sigaction(kSignals[i], &handlers_[i], nullptr);
    }

    const std::string question_;
    const std::stop_token stop_;
    std::array<int, 2> pipe_{-1, -1};
    std::array<struct sigaction, kSignals.size()> handlers_{};
    termios before_{};
    std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

SilentQuestion::SilentQuestion(std::string question, std::stop_token stop)
    : impl_(std::make_unique<Impl>(std::move(question), std::move(stop))) {}
SilentQuestion::~SilentQuestion() = default;

Status SilentQuestion::wait_for_input() {
    return impl_->wait_for_input();
}

}  // namespace covenant::node
