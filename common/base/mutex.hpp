// std::mutex with clang's thread-safety annotations: a guarded member read without its lock does
// not compile.
#pragma once

#include <mutex>

#if defined(__clang__)
#define COVENANT_ATTRIBUTE(x) __attribute__((x))
#else
#define COVENANT_ATTRIBUTE(x)
#endif
#define COVENANT_CAPABILITY(x) COVENANT_ATTRIBUTE(capability(x))
#define COVENANT_GUARDED_BY(x) COVENANT_ATTRIBUTE(guarded_by(x))
#define COVENANT_REQUIRES(...) COVENANT_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define COVENANT_EXCLUDES(...) COVENANT_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace covenant {

class COVENANT_CAPABILITY("mutex") Mutex {
  public:
    void lock() COVENANT_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
    void unlock() COVENANT_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

  private:
    std::mutex mutex_;
};

class COVENANT_ATTRIBUTE(scoped_lockable) MutexLock {
  public:
    explicit MutexLock(Mutex& mutex) COVENANT_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
        mutex_.lock();
    }
    ~MutexLock() COVENANT_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

  private:
    Mutex& mutex_;
};

}  // namespace covenant
