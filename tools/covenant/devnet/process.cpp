#include "tools/covenant/devnet/process.hpp"

#include "common/base/file.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::devnet {
namespace {

int decode_status(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<int> open_log(const std::filesystem::path& path) {
    COVENANT_CHECK(require_regular_or_absent(path));
    const int fd = path.empty()
                       ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
                       : ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(Errc::kIo, "cannot write " + path.string() + ": " +
                                   std::generic_category().message(errno));
    }
    return fd;
}

// Between fork and exec: only async-signal-safe calls. out_fd and err_fd become standard output and
// error.
[[noreturn]] void become(char* const* argv, int out_fd, int err_fd, pid_t parent) {
    ::setpgid(0, 0);  // a Ctrl-C of the terminal is ours to hand on
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) {
        ::_exit(126);
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
    const int null_fd = ::open("/dev/null", O_RDONLY);
    ::dup2(null_fd, STDIN_FILENO);
    ::dup2(out_fd, STDOUT_FILENO);
    ::dup2(err_fd, STDERR_FILENO);
    ::execv(argv[0], argv);
    ::_exit(127);
}

std::vector<char*> raw_argv(std::vector<std::string>& argv) {
    std::vector<char*> raw;
    raw.reserve(argv.size() + 1);
    for (std::string& word : argv) {
        raw.push_back(word.data());
    }
    raw.push_back(nullptr);
    return raw;
}

Result<pid_t> spawn(std::vector<std::string>& argv, int out_fd, int err_fd) {
    if (::access(argv[0].c_str(), X_OK) != 0) {
        return fail(Errc::kPrecondition,
                    "no program " + argv[0] + ": build it first (tools/devnet does)");
    }
    const std::vector<char*> raw = raw_argv(argv);
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        become(raw.data(), out_fd, err_fd, parent);
    }
    if (pid < 0) {
        return fail(Errc::kIo,
                    "cannot start " + argv[0] + ": " + std::generic_category().message(errno));
    }
    return pid;
}

std::string read_to_end(int fd) {
    std::string out;
    std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got > 0) {
            out.append(buffer.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || errno != EINTR) {
            return out;
        }
    }
}

}  // namespace

Result<std::unique_ptr<Process>> Process::start(std::string name, std::vector<std::string> argv,
                                                std::filesystem::path log) {
    COVENANT_TRY(const int fd, open_log(log));
    auto pid = spawn(argv, fd, fd);
    ::close(fd);
    if (!pid) {
        return fail(std::move(pid).error());
    }
    return std::unique_ptr<Process>(new Process(std::move(name), *pid, std::move(log)));
}

Process::~Process() {
    stop();
}

std::optional<int> Process::poll() {
    if (!status_) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            status_ = decode_status(status);
        }
    }
    return status_;
}

void Process::send(int signal) const {
    if (!status_) {
        ::kill(pid_, signal);
    }
}

int Process::stop(Millis patience) {
    send(SIGTERM);
    SystemClock clock;
    const std::int64_t deadline = clock.unix_ms() + patience.count();
    while (!poll() && clock.unix_ms() < deadline) {
        clock.sleep_for(Millis(20), {});
    }
    if (!poll()) {
        send(SIGKILL);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        status_ = decode_status(status);
    }
    return *status_;
}

Result<std::string> run_and_read(std::vector<std::string> argv, const std::filesystem::path& log,
                                 const std::stop_token& stop) {
    std::array<int, 2> pipe_fds{};
    if (::pipe2(pipe_fds.data(), O_CLOEXEC) != 0) {
        return fail(Errc::kIo, std::string("pipe: ") + std::generic_category().message(errno));
    }
    COVENANT_TRY(const int log_fd, open_log(log));
    auto pid = spawn(argv, pipe_fds[1], log_fd);
    ::close(pipe_fds[1]);
    ::close(log_fd);
    if (!pid) {
        ::close(pipe_fds[0]);
        return fail(std::move(pid).error());
    }
    std::string out;
    {
        // Gone before the child is reaped: until then its pid is nobody else's.
        const std::stop_callback end(stop, [child = *pid] { ::kill(child, SIGTERM); });
        out = read_to_end(pipe_fds[0]);
    }
    ::close(pipe_fds[0]);
    int status = 0;
    while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
    }
    const std::string what = argv[0] + (argv.size() > 1 ? " " + argv[1] : "");
    if (stop.stop_requested()) {
        return fail(Errc::kInterrupted, "stopped during " + what);
    }
    if (decode_status(status) != 0) {
        return fail(Errc::kPrecondition, what + " ended with code " +
                                             std::to_string(decode_status(status)) + ": " +
                                             tail(log, 3));
    }
    return out;
}

Result<std::uint16_t> free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    const bool ok = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (fd >= 0) {
        ::close(fd);
    }
    if (!ok) {
        return fail(Errc::kIo, std::string("no free port on 127.0.0.1: ") +
                                   std::generic_category().message(errno));
    }
    return ntohs(address.sin_port);
}

std::string tail(const std::filesystem::path& file, std::size_t lines) {
    std::ifstream in(file);
    std::deque<std::string> kept;
    for (std::string line; std::getline(in, line);) {
        kept.push_back(line);
        if (kept.size() > lines) {
            kept.pop_front();
        }
    }
    std::string out;
    for (const std::string& line : kept) {
        out += (out.empty() ? "" : " | ") + line;
    }
    return out;
}

}  // namespace covenant::devnet
