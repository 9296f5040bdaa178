// Work on one file that takes more than one transaction, by one process at a time: an exclusive
// lock on "<path>-lock", which the kernel frees with the process. Readers do not ask for it.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"

#include <stop_token>
#include <string>

namespace covenant::sqlite {

class WriterLock {
  public:
    // Waits while another process, or another lock of this one, holds it. kInterrupted when asked
    // to stop; kIo and kPermission: the lock file cannot be made.
    static Result<WriterLock> acquire(const std::string& path, Clock& clock,
                                      const std::stop_token& stop = {});
    WriterLock(WriterLock&& other) noexcept;
    WriterLock& operator=(WriterLock&&) = delete;
    ~WriterLock();

  private:
    explicit WriterLock(int file) : file_(file) {}
    int file_;
};

}  // namespace covenant::sqlite
