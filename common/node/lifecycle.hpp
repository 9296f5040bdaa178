// What every daemon needs around its work: signals, a locked data directory.
#pragma once

#include "common/base/result.hpp"
#include "common/node/exit_code.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace covenant::node {

// SIGINT, SIGTERM and SIGHUP request a stop; a second one ends the process at once with 130, 143 or
// 129. SIGPIPE is ignored. One per process, made in main before threads start (they inherit the
// blocked signals).
class SignalGuard {
  public:
    // on_hangup: what SIGHUP does instead of requesting a stop, such as opening a log file again;
    // called in the guard's own thread. Without it SIGHUP is ignored where the process was started
    // ignoring it (nohup).
    static Result<std::unique_ptr<SignalGuard>> install(std::function<void()> on_hangup = {});
    ~SignalGuard();
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;

    [[nodiscard]] std::stop_token token() const;
    [[nodiscard]] std::stop_source source() const;
    // kInterrupted, kTerminated or kHungUp after a signal, else `otherwise`.
    [[nodiscard]] ExitCode exit_code(ExitCode otherwise = ExitCode::kOk) const;

  private:
    class Impl;
    explicit SignalGuard(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// `$XDG_DATA_HOME/covenant/<network>`, else `$HOME/.local/share/covenant/<network>`. kPrecondition
// without either.
Result<std::filesystem::path> default_datadir(std::string_view network);
// The data directory that these options name, absolute. An empty `datadir`: none was given, which
// means the default; the option itself may not be empty.
Result<std::filesystem::path> data_folder(std::string_view datadir, std::string_view network);

// A data directory held by this process alone until the object dies. The kernel drops the lock with
// the process, so a stale LOCK file never needs to be removed.
class DataDir {
  public:
    // Creates the directory (0700) and takes LOCK. One of ours that others may enter is closed to
    // them, with those files and folders in it whose names begin as `secrets` do. kAlreadyExists:
    // another process holds it (its pid and name are in the message). kPermission: not ours to
    // write.
    static Result<DataDir> open(const std::filesystem::path& path, std::string_view owner,
                                std::span<const std::string_view> secrets = {});
    DataDir(DataDir&&) noexcept;
    DataDir& operator=(DataDir&&) noexcept;
    ~DataDir();

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }  // absolute
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
        return path_ / name;
    }

  private:
    DataDir(std::filesystem::path path, int fd) : path_(std::move(path)), lock_fd_(fd) {}
    std::filesystem::path path_;
    int lock_fd_ = -1;
};

// kIo with what is missing when fewer than `bytes` are free where `path` lies.
Status require_free_space(const std::filesystem::path& path, std::uint64_t bytes);

}  // namespace covenant::node
