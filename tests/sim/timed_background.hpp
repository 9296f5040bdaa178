// Long work that takes virtual time: every job is run where it is posted, and its result is handed
// over when the clock says that it would be ready. The engine's lane does one job at a time and,
// between the steps of a long one, what is more urgent; transfers run side by side.
#pragma once

#include "chain/participant/background.hpp"
#include "common/base/clock.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace covenant::simulation::testing {

struct Cost {
    std::int64_t seconds = 0;
    std::int64_t step_seconds = 0;  // after each of which it gives way; 0: at its end only
};

class TimedBackground final : public participant::Background {
  public:
    using Costs = std::function<Cost(const std::string& job)>;
    // The clock outlives it. `overtaken` counts the times that a job went before a running one.
    TimedBackground(const Clock& clock, Costs costs, int& overtaken)
        : clock_(clock),
          costs_(std::move(costs)),
          overtaken_(overtaken),
          time_ms_(clock.unix_ms()) {}

    void post(participant::Job job) override {
        work_until(clock_.unix_ms());
        const Cost cost = costs_(job.name);
        Task task{{job.lane != participant::Lane::kVote, job.closes.value},
                  cost.seconds * 1000,
                  cost.step_seconds * 1000,
                  0,
                  job.work()};
        if (job.lane == participant::Lane::kTransfer) {
            transfers_.push_back({clock_.unix_ms() + task.left_ms, std::move(task.delivery)});
        } else {
            queue_.push_back(std::move(task));
            work_until(clock_.unix_ms());
        }
    }

    bool deliver() override {
        const std::int64_t now = clock_.unix_ms();
        work_until(now);
        for (auto it = transfers_.begin(); it != transfers_.end();) {
            if (it->ready_ms > now) {
                ++it;
                continue;
            }
            finished_.push_back(std::move(it->delivery));
            it = transfers_.erase(it);
        }
        const bool any = !finished_.empty();
        for (const participant::Delivery& delivery : finished_)
            delivery();
        finished_.clear();
        return any;
    }

    void rest(Millis /*at_most*/, const std::stop_token& /*stop*/) override {}
    void give_way(protocol::ChainTime /*closes*/) override {}

  private:
    struct Task {
        std::pair<bool, std::uint64_t> haste;  // votes first, then the nearest closing
        std::int64_t left_ms;
        std::int64_t step_ms;
        std::int64_t slice_ms;  // to the end of its step
        participant::Delivery delivery;
    };
    struct Transfer {
        std::int64_t ready_ms;
        participant::Delivery delivery;
    };

    // The nearest deadline runs; a running job is left only at the end of a step.
    void choose() {
        const auto next = std::ranges::min_element(queue_, {}, &Task::haste);
        if (next == queue_.end() || (running_ && running_->haste <= next->haste)) {
            if (running_) begin_step();
            return;
        }
        Task task = std::move(*next);
        queue_.erase(next);
        if (running_) {
            ++overtaken_;
            queue_.push_back(std::move(*running_));
        }
        running_ = std::move(task);
        begin_step();
    }
    void begin_step() {
        running_->slice_ms = running_->step_ms == 0
                                 ? running_->left_ms
                                 : std::min(running_->step_ms, running_->left_ms);
    }
    void work_until(std::int64_t now) {
        if (!running_) choose();
        while (running_ && time_ms_ + running_->slice_ms <= now) {
            time_ms_ += running_->slice_ms;
            running_->left_ms -= running_->slice_ms;
            if (running_->left_ms == 0) {
                finished_.push_back(std::move(running_->delivery));
                running_.reset();
            }
            choose();
        }
        if (running_) {
            running_->slice_ms -= now - time_ms_;
            running_->left_ms -= now - time_ms_;
        }
        time_ms_ = now;
    }

    const Clock& clock_;
    Costs costs_;
    int& overtaken_;
    std::int64_t time_ms_;
    std::optional<Task> running_;
    std::vector<Task> queue_;
    std::vector<Transfer> transfers_;
    std::vector<participant::Delivery> finished_;
};

}  // namespace covenant::simulation::testing
