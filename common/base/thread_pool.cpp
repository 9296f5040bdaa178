#include "common/base/thread_pool.hpp"

#include "common/base/assert.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace covenant {

struct ThreadPool::Impl {
    std::mutex mutex;
    std::condition_variable wake;
    std::condition_variable done;
    std::uint64_t loop = 0;  // counts parallel_for calls; a change wakes the workers
    bool stop = false;
    std::size_t busy = 0;  // workers inside the current loop
    std::size_t count = 0;
    const std::function<void(std::size_t, unsigned)>* body = nullptr;
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;

    void work(unsigned worker) {
        for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1))
            (*body)(i, worker);
    }

    void run(unsigned worker) {
        std::uint64_t seen = 0;
        std::unique_lock lock(mutex);
        while (true) {
            wake.wait(lock, [&] { return stop || loop != seen; });
            if (stop) return;
            seen = loop;
            lock.unlock();
            work(worker);
            lock.lock();
            if (--busy == 0) done.notify_one();
        }
    }
};

ThreadPool::ThreadPool(unsigned threads) : impl_(std::make_unique<Impl>()) {
    COVENANT_ASSERT(threads >= 1, "a pool has at least its caller");
    for (unsigned worker = 1; worker < threads; ++worker)
        impl_->threads.emplace_back([impl = impl_.get(), worker] { impl->run(worker); });
}

ThreadPool::~ThreadPool() {
    {
        const std::scoped_lock lock(impl_->mutex);
        impl_->stop = true;
    }
    impl_->wake.notify_all();
    for (std::thread& thread : impl_->threads)
        thread.join();
}

unsigned ThreadPool::threads() const {
    return static_cast<unsigned>(impl_->threads.size()) + 1;
}

void ThreadPool::parallel_for(std::size_t count,
                              const std::function<void(std::size_t, unsigned)>& body) {
    if (impl_->threads.empty() || count <= 1) {
        for (std::size_t i = 0; i < count; ++i)
            body(i, 0);
        return;
    }
    {
        const std::scoped_lock lock(impl_->mutex);
        impl_->count = count;
        impl_->body = &body;
        impl_->next = 0;
        impl_->busy = impl_->threads.size();
        ++impl_->loop;
    }
    impl_->wake.notify_all();
    impl_->work(0);
    std::unique_lock lock(impl_->mutex);
    impl_->done.wait(lock, [&] { return impl_->busy == 0; });
}

}  // namespace covenant
