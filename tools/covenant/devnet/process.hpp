// A child process with its output in a file. It never outlives this one: the kernel ends it when we
// die.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/types.h>

namespace covenant::devnet {

class Process {
  public:
    // argv[0] is the program's path. Standard output and error are appended to `log`.
    static Result<std::unique_ptr<Process>> start(std::string name, std::vector<std::string> argv,
                                                  std::filesystem::path log);
    ~Process();  // stops it
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] const std::filesystem::path& log() const { return log_; }
    // The exit status once it has ended: 0..255, or 128 + signal.
    [[nodiscard]] std::optional<int> poll();
    void send(int signal) const;
    // SIGTERM, and SIGKILL after `patience`. Returns the exit status.
    int stop(Millis patience = Millis(5000));

  private:
    Process(std::string name, pid_t pid, std::filesystem::path log)
        : name_(std::move(name)), pid_(pid), log_(std::move(log)) {}
    std::string name_;
    pid_t pid_;
    std::filesystem::path log_;
    std::optional<int> status_;
};

// Runs to the end and returns standard output; standard error goes to `log`, to our own where that
// is empty. kPrecondition when it ended with another code than 0; the text then has the last lines
// of the log. kInterrupted when asked to stop: the program has ended too.
Result<std::string> run_and_read(std::vector<std::string> argv, const std::filesystem::path& log,
                                 const std::stop_token& stop);

// A TCP port of 127.0.0.1 that is free now.
Result<std::uint16_t> free_port();
// The last `lines` lines of a text file as one line, parted by " | "; "" when there is none.
std::string tail(const std::filesystem::path& file, std::size_t lines);

}  // namespace covenant::devnet
