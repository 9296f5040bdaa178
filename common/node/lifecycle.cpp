#include "common/node/lifecycle.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/log.hpp"
#include "common/node/terminal.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant::node {

namespace fs = std::filesystem;

// The signals are blocked in every thread and taken by one that waits for them: no handler ever
// runs in the middle of other code.
class SignalGuard::Impl {
  public:
    explicit Impl(std::function<void()> on_hangup) : on_hangup_(std::move(on_hangup)) {}

    // False when the mask cannot be set.
    bool start() {
        struct sigaction hangup {};
        ::sigaction(SIGHUP, nullptr, &hangup);
        if (!on_hangup_ && hangup.sa_handler == SIG_IGN) on_hangup_ = [] {};
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        sigaddset(&signals_, SIGHUP);
        sigaddset(&signals_, SIGUSR2);  // wakes the waiter when the guard goes
        std::signal(SIGPIPE, SIG_IGN);
        if (pthread_sigmask(SIG_BLOCK, &signals_, &before_) != 0) return false;
        waiter_ = std::thread([this] { wait(); });
        return true;
    }

    ~Impl() {
        if (!waiter_.joinable()) return;
        closing_ = true;
        pthread_kill(waiter_.native_handle(), SIGUSR2);
        waiter_.join();
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

    [[nodiscard]] const std::stop_source& source() const { return stop_; }
    [[nodiscard]] int received() const { return received_; }

  private:
    void wait() {
        for (;;) {
            int signal = 0;
            if (sigwait(&signals_, &signal) != 0) continue;
            if (signal == SIGUSR2) {
                if (closing_) return;
                continue;
            }
            if (signal == SIGHUP && on_hangup_) {
                on_hangup_();
                continue;
            }
            if (received_ != 0) {
                restore_terminal();
                ::_exit(128 + signal);
            }
            received_ = signal;
            stop_.request_stop();
        }
    }

    std::function<void()> on_hangup_;
    sigset_t signals_{};
    sigset_t before_{};
    std::stop_source stop_;
    std::atomic<int> received_{0};
    std::atomic<bool> closing_{false};
    std::thread waiter_;
};

SignalGuard::SignalGuard(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SignalGuard::~SignalGuard() = default;

Result<std::unique_ptr<SignalGuard>> SignalGuard::install(std::function<void()> on_hangup) {
    auto impl = std::make_unique<Impl>(std::move(on_hangup));
    if (!impl->start()) return fail(Errc::kIo, "cannot block SIGINT, SIGTERM and SIGHUP");
    return std::unique_ptr<SignalGuard>(new SignalGuard(std::move(impl)));
}

std::stop_token SignalGuard::token() const {
    return impl_->source().get_token();
}
std::stop_source SignalGuard::source() const {
    return impl_->source();
}

ExitCode SignalGuard::exit_code(ExitCode otherwise) const {
    switch (impl_->received()) {
        case SIGINT:
            return ExitCode::kInterrupted;
        case SIGTERM:
            return ExitCode::kTerminated;
        case SIGHUP:
            return ExitCode::kHungUp;
        default:
            return otherwise;
    }
}

Result<std::filesystem::path> default_datadir(std::string_view network) {
    const std::filesystem::path name = std::filesystem::path(network).stem();
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
    const char* base = std::getenv("XDG_DATA_HOME");
    if (base != nullptr && *base == '/') return std::filesystem::path(base) / "covenant" / name;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody writes the environment
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home == '/') {
        return std::filesystem::path(home) / ".local" / "share" / "covenant" / name;
    }
    return fail(Errc::kPrecondition, "neither XDG_DATA_HOME nor HOME is set: pass --datadir");
}

Result<std::filesystem::path> data_folder(std::string_view datadir, std::string_view network) {
    if (datadir.empty()) return default_datadir(network);
    std::error_code error;
    fs::path path = fs::absolute(datadir, error);
    if (error) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("--datadir {}: {}", datadir, error.message()));
    }
    return path;
}

namespace {

constexpr unsigned kOthers = 077;

// Takes a file or folder of ours from everybody else. True where they had something to lose. What a
// symbolic link names lies elsewhere and is not touched.
bool close_to_others(const fs::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && !S_ISLNK(info.st_mode) &&
           info.st_uid == ::geteuid() && (info.st_mode & kOthers) != 0 &&
           ::chmod(path.c_str(), info.st_mode & 0700U) == 0;
}

// The same for what is in a folder under these names, and what SQLite keeps beside it (-wal, -shm),
// one folder deep. The number of those that were open.
std::size_t close_secrets(const fs::path& folder, std::span<const std::string_view> secrets) {
    std::size_t closed = 0;
    std::error_code ended;
    for (fs::directory_iterator at(folder, ended), end; !ended && at != end; at.increment(ended)) {
        const std::string name = at->path().filename().string();
        if (std::ranges::none_of(secrets, [&](auto part) { return name.starts_with(part); })) {
            continue;
        }
        closed += close_to_others(at->path()) ? 1U : 0U;
        std::error_code ignored;
        if (at->is_directory(ignored) && !at->is_symlink(ignored)) {
            constexpr std::string_view kAll;
            closed += close_secrets(at->path(), {&kAll, 1});
        }
    }
    return closed;
}

// The folder first: nobody else can change then what lies in it.
void make_private(const fs::path& folder, std::span<const std::string_view> secrets) {
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) return;
    const std::string mode = fmt::format("{:04o}", info.st_mode & 0777U);
    const bool was_open = (info.st_mode & kOthers) != 0;
    const bool closed = was_open && close_to_others(folder);
    if (was_open && !closed) {
        log::warn(
            "node", "others may enter the data directory",
            {{"path", folder.string()}, {"mode", mode}, {"mend", "chmod 700 " + folder.string()}});
    }
    const std::size_t files = close_secrets(folder, secrets);
    if (closed || files > 0) {
        log::info("node", "the data directory was open to others and is closed now",
                  {{"path", folder.string()}, {"mode", mode}, {"files", files}});
    }
}

}  // namespace

Result<DataDir> DataDir::open(const std::filesystem::path& path, std::string_view owner,
                              std::span<const std::string_view> secrets) {
    std::error_code failed;
    const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
    if (path.empty() || failed)
        return fail(Errc::kInvalidArgument, "the data directory has no path");
    if (auto made = create_folders_durably(absolute, Access::kPrivate); !made) {
        return fail(std::move(made).error().within("the data directory"));
    }
    make_private(absolute, secrets);
    const std::filesystem::path lock = absolute / "LOCK";
    COVENANT_CHECK(require_regular_or_absent(lock));
    const int fd = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        const int error = errno;
        return fail(
            error == EACCES || error == EROFS ? Errc::kPermission : Errc::kIo,
            fmt::format("open {}: {}", lock.string(), std::generic_category().message(error)));
    }
    DataDir held(absolute, fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return fail(Errc::kIo, fmt::format("lock {}: {}", lock.string(),
                                               std::generic_category().message(errno)));
        }
        char holder[128] = {};
        const ssize_t count = ::pread(fd, holder, sizeof(holder) - 1, 0);
        std::string who(holder, count > 0 ? static_cast<std::size_t>(count) : 0);
        while (!who.empty() && who.back() == '\n')
            who.pop_back();
        if (who.empty()) who = "another process";
        return fail(Errc::kAlreadyExists,
                    fmt::format("the data directory {} is in use by {}; stop it first, or "
                                "choose another --datadir",
                                absolute.string(), who));
    }
    const std::string note = fmt::format("{} (pid {})\n", owner, ::getpid());
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, note.data(), note.size(), 0) < 0) {
        return fail(Errc::kIo, fmt::format("write {}: {}", lock.string(),
                                           std::generic_category().message(errno)));
    }
    return held;
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

DataDir& DataDir::operator=(DataDir&& other) noexcept {
    if (this != &other) {
        if (lock_fd_ >= 0) ::close(lock_fd_);
        path_ = std::move(other.path_);
        lock_fd_ = std::exchange(other.lock_fd_, -1);
    }
    return *this;
}

DataDir::~DataDir() {
    if (lock_fd_ >= 0) ::close(lock_fd_);
}

}  // namespace covenant::node
