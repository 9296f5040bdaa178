#include "chain/participant/background.hpp"
#include "common/base/log.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace covenant::participant {
namespace {

using protocol::ChainTime;

// One transfer that hangs must not hold up a key's or an opening's.
constexpr std::size_t kTransferThreads = 4;

class ThreadedBackground final : public Background {
  public:
    ThreadedBackground() {
        threads_.emplace_back([this](const std::stop_token& stop) { serve(Lane::kEngine, stop); });
        for (std::size_t i = 0; i < kTransferThreads; ++i) {
            threads_.emplace_back(
                [this](const std::stop_token& stop) { serve(Lane::kTransfer, stop); });
        }
    }
    ThreadedBackground(const ThreadedBackground&) = delete;
    ThreadedBackground& operator=(const ThreadedBackground&) = delete;
    ~ThreadedBackground() override {
        for (std::jthread& thread : threads_) {
            thread.request_stop();
        }
    }

    void post(Job job) override {
        {
            const std::lock_guard lock(mutex_);
            queue(job.lane).push_back(std::move(job));
        }
        posted_.notify_all();
    }

    bool deliver() override {
        std::vector<Delivery> finished;
        {
            const std::lock_guard lock(mutex_);
            finished.swap(finished_);
        }
        for (const Delivery& delivery : finished) {
            delivery();
        }
        return !finished.empty();
    }

    void rest(Millis at_most, const std::stop_token& stop) override {
        std::unique_lock lock(mutex_);
        delivered_.wait_for(lock, stop, at_most, [this] { return !finished_.empty(); });
    }

    void give_way(ChainTime closes) override {
        for (;;) {
            std::optional<Job> job;
            {
                const std::lock_guard lock(mutex_);
                job = take(queue(Lane::kEngine), closes);
            }
            if (!job) {
                return;
            }
            run(*job);
        }
    }

  private:
    using Queue = std::deque<Job>;
    // Two lanes share the engine's queue and its thread.
    Queue& queue(Lane lane) { return lane == Lane::kTransfer ? transfers_ : engine_; }

    static std::pair<bool, std::uint64_t> haste(const Job& job) {
        return {job.lane != Lane::kVote, job.closes.value};
    }

    // The first of the most urgent ones, if it may go before a job that closes at `before`.
    static std::optional<Job> take(Queue& queue, std::optional<ChainTime> before) {
        const auto next = std::ranges::min_element(queue, {}, haste);
        if (next == queue.end() ||
            (before && next->lane != Lane::kVote && next->closes >= *before)) {
            return std::nullopt;
        }
        Job job = std::move(*next);
        queue.erase(next);
        return job;
    }

    void run(const Job& job) {
        log::debug("work", job.name);
        Delivery delivery = job.work();
        {
            const std::lock_guard lock(mutex_);
            finished_.push_back(std::move(delivery));
        }
        delivered_.notify_all();
    }

    void serve(Lane lane, const std::stop_token& stop) {
        for (;;) {
            std::optional<Job> job;
            {
                std::unique_lock lock(mutex_);
                if (!posted_.wait(lock, stop, [&] { return !queue(lane).empty(); })) {
                    return;
                }
                if (stop.stop_requested()) {
                    return;
                }
                job = take(queue(lane), std::nullopt);
            }
            run(*job);
        }
    }

    std::mutex mutex_;
    std::condition_variable_any posted_;
    std::condition_variable_any delivered_;
    Queue engine_;
    Queue transfers_;
    std::vector<Delivery> finished_;
    std::vector<std::jthread> threads_;  // last: they end before what they use
};

}  // namespace

std::unique_ptr<Background> start_background() {
    return std::make_unique<ThreadedBackground>();
}

}  // namespace covenant::participant
