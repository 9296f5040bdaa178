// What a program does to the terminal that it was started on, and how it is undone.
#pragma once

#include "common/base/result.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace covenant::node {

// A standard stream that the program was started without is opened on /dev/null, the wrong way
// round: reading or writing it fails as before. Without this, the next file that the program opens
// gets the stream's number, and what is printed lands in that file. Call first in main.
void occupy_standard_streams();

// False where TERM is unset or "dumb": escape sequences would be shown as they are.
bool terminal_takes_escapes();

// Undoes what this process has changed at its terminal; nothing where nothing is changed. For code
// that ends the process without unwinding; safe in a signal handler.
void restore_terminal() noexcept;

// A question on standard error whose answer is typed without echo. Echo is restored when the object
// dies, and before the process ends by SIGINT, SIGTERM, SIGHUP or SIGQUIT or stops by SIGTSTP. One
// at a time.
class SilentQuestion {
  public:
    // A request to stop ends the waiting, as it must where a SignalGuard takes the signals.
    SilentQuestion(std::string question, std::stop_token stop);
    ~SilentQuestion();
    SilentQuestion(const SilentQuestion&) = delete;
    SilentQuestion& operator=(const SilentQuestion&) = delete;

    // Returns when standard input can be read. kInterrupted: a stop was requested. Does not return
    // after a signal that ends the process.
    Status wait_for_input();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::node
