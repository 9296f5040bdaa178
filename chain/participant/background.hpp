// Long work beside the loop: training, replay, transfer. One thread owns the round's state, the
// loop's; a job gets copies or what is thread-safe, and hands its result over through a queue that
// the loop empties.
#pragma once

#include "common/base/clock.hpp"
#include "common/base/result.hpp"
#include "common/protocol/ids.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

namespace covenant::participant {

enum class Lane : std::uint8_t {
    kVote,      // the engine's, for a vote: before everything else that the engine does
    kEngine,    // one job at a time: the engine, its data and the parameter follower
    kTransfer,  // a few at a time: the stores
};

// Run on the loop's thread.
using Delivery = std::function<void()>;

struct Job {
    std::string name;  // for the log: "replay of uid 2, round 7"
    Lane lane = Lane::kEngine;
    protocol::ChainTime closes;  // of equal lanes the nearest closing first
    std::function<Delivery()> work;
};

class Background {
  public:
    virtual ~Background() = default;
    virtual void post(Job job) = 0;
    // Takes over what is finished. True when there was something.
    virtual bool deliver() = 0;
    // Waits until something is finished, or for so long, or until the stop.
    virtual void rest(Millis at_most, const std::stop_token& stop) = 0;
    // A long job of the engine's lane calls this between its steps: what a vote waits for, and what
    // closes before `closes`, runs first, on its thread.
    virtual void give_way(protocol::ChainTime closes) = 0;
};

// Runs each job where it is posted: simulations stay deterministic.
class InlineBackground final : public Background {
  public:
    void post(Job job) override { job.work()(); }
    bool deliver() override { return false; }
    void rest(Millis /*at_most*/, const std::stop_token& /*stop*/) override {}
    void give_way(protocol::ChainTime /*closes*/) override {}
};

// Threads of their own, for daemons. The destructor drops what is queued and waits for what runs:
// ask running jobs to stop before.
std::unique_ptr<Background> start_background();

// One result that is worked out beside the loop: not asked for, on its way, or here. Belongs to the
// loop's thread; dropping or resetting it drops the result, not the job.
template <typename T>
class Errand {
  public:
    [[nodiscard]] bool started() const { return cell_ != nullptr; }
    [[nodiscard]] bool running() const { return cell_ && !cell_->has_value(); }
    [[nodiscard]] bool done() const { return cell_ && cell_->has_value(); }
    // Only when done.
    [[nodiscard]] Result<T>& result() { return **cell_; }
    // The result, and the errand is as new.
    [[nodiscard]] Result<T> take() {
        Result<T> out = std::move(**cell_);
        cell_.reset();
        return out;
    }
    void reset() { cell_.reset(); }

    // `work` is copied; it returns a Result<T>.
    template <typename Work>
    void start(Background& background, std::string name, Lane lane, protocol::ChainTime closes,
               Work work) {
        auto cell = std::make_shared<std::optional<Result<T>>>();
        cell_ = cell;
        background.post(
            {std::move(name), lane, closes, [cell, work = std::move(work)]() mutable -> Delivery {
                 auto result = std::make_shared<Result<T>>(work());
                 return [cell, result] { cell->emplace(std::move(*result)); };
             }});
    }

  private:
    std::shared_ptr<std::optional<Result<T>>> cell_;
};

}  // namespace covenant::participant
