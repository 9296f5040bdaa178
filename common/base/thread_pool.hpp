// A fixed set of threads for loops whose iterations are independent. Idle threads sleep, they never
// spin: other processes need the cores.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace covenant {

class ThreadPool {
  public:
    // threads >= 1, the caller of parallel_for included: ThreadPool(1) starts none.
    explicit ThreadPool(unsigned threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    [[nodiscard]] unsigned threads() const;

    // Calls body(index, worker) for every index in [0, count), each once, in any order and on any
    // worker in [0, threads()); a worker runs one call at a time. Returns when all are done. body
    // must not throw and must not call parallel_for. One caller at a time.
    void parallel_for(std::size_t count,
                      const std::function<void(std::size_t index, unsigned worker)>& body);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant
