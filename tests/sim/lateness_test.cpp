// Training, replay and transfer delay no key, no vote and no opening.
#include "tests/sim/scene.hpp"
#include "tests/sim/timed_background.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

using participant::Background;
using protocol::Round;

// A block, and a second.
constexpr std::uint64_t kAllowed = 2;

constexpr std::int64_t kStepSeconds = 5;
constexpr std::int64_t kTransferSeconds = 10;  // 64 MB over 50 Mbit/s

// Eight inner steps a round; an audit replays seven, so that one of round r is still at work when
// round r + 1 is voted on.
Cost cost_of(const std::string& job) {
    const auto is = [&](std::string_view what) { return job.starts_with(what); };
    if (is("train")) return {8 * kStepSeconds + kTransferSeconds, kStepSeconds};
    if (is("audit")) return {7 * kStepSeconds, kStepSeconds};
    if (is("screen") || is("aggregate")) return {2, 0};
    if (is("openings") || is("fetch") || is("checkpoint")) return {kTransferSeconds, 0};
    return {0, 0};
}

void slow_rounds(protocol::RunSpec& spec) {
    spec.timing.round_seconds = 120;
    spec.timing.commit_seconds = 60;
    spec.timing.key_seconds = 62;
    spec.timing.beacon_seconds = 64;
    spec.timing.inclusion_seconds = 90;
    spec.timing.opening_seconds = 100;
    spec.timing.score_commit_seconds = 240;
    spec.timing.score_reveal_seconds = 260;
}

struct Done {
    std::string node;
    std::string duty;
    Round round;
    std::uint64_t at = 0;
};

TEST(Lateness, AStepOfFiveSecondsAndALongTransferDelayNothing) {
    int overtaken = 0;
    Scene scene({.change = slow_rounds, .background = [&](const std::string&, const Clock& clock) {
                     return std::make_unique<TimedBackground>(clock, cost_of, overtaken);
                 }});
    std::vector<Done> done;
    scene.net().set_probe([&](const std::string& node, Round round, std::string_view duty) {
        done.push_back({node, std::string(duty), round, scene.net().now().value});
        return true;
    });
    constexpr std::uint64_t kLast = 2;
    scene.run_until_settled(kLast);
    EXPECT_GT(overtaken, 0) << "no vote met a replay: the test shows nothing";
    std::map<std::string, std::uint64_t> worst;
    for (const Done& one : done) {
        const auto times = protocol::round_times(scene.spec().timing, one.round);
        // Due when it can be done at the earliest, its own transfer and work of the engine
        // included; a screening waits for the step that the engine is in.
        const std::map<std::string, std::uint64_t> due{
            {"show-key", times.t1.value},
            {"publish-openings", times.beacon.value + kTransferSeconds},
            {"vote-inclusion", times.beacon.value + kTransferSeconds + kStepSeconds + 2},
            {"vote-parameters", times.t2.value + kStepSeconds + 2},
            {"reveal-scores", times.score_commit.value},
        };
        const auto found = due.find(one.duty);
        if (found == due.end()) continue;
        const std::uint64_t late = one.at > found->second ? one.at - found->second : 0;
        worst[one.duty] = std::max(worst[one.duty], late);
    }
    // The beacon is proven a block after its time, and openings and votes begin with it.
    for (const char* duty : {"show-key", "vote-parameters", "reveal-scores"}) {
        ASSERT_TRUE(worst.contains(duty)) << duty;
        EXPECT_LE(worst[duty], kAllowed) << duty;
    }
    for (const char* duty : {"publish-openings", "vote-inclusion"}) {
        ASSERT_TRUE(worst.contains(duty)) << duty;
        EXPECT_LE(worst[duty], kAllowed + 2) << duty;
    }
    for (std::uint64_t r = 0; r <= kLast; ++r) {
        SCOPED_TRACE(r);
        EXPECT_TRUE(scene.record(r).accepted);
        EXPECT_EQ(scene.record(r).inclusion_votes.size(), 3U);
        EXPECT_EQ(scene.record(r).parameters_votes.size(), 3U);
        EXPECT_EQ(scene.record(r).reveals.size(), 3U);
        for (const std::string& name : scene.miners()) {
            EXPECT_TRUE(scene.included(r, name)) << name;
            EXPECT_FALSE(scene.failed(r, name)) << name;
            EXPECT_GT(scene.credit(r, name).units, 0U) << name;
        }
    }
}

// Slower or faster, the chain comes out the same.
TEST(Lateness, WhereTheWorkRunsChangesNoBit) {
    int overtaken = 0;
    Scene timed({.change = slow_rounds, .background = [&](const std::string&, const Clock& clock) {
                     return std::make_unique<TimedBackground>(clock, cost_of, overtaken);
                 }});
    timed.run_until_settled(0);
    Scene at_once({.change = slow_rounds});
    at_once.run_until_settled(0);
    EXPECT_EQ(timed.parameters(0), at_once.parameters(0));
}

// The real threads, with jobs that hang until the test lets them go. The others run while the test
// waits for them, because a scene's nodes share one engine.
class HeldBackground final : public Background {
  public:
    void post(participant::Job job) override {
        ++under_way_;
        auto work = std::move(job.work);
        job.work = [this, name = job.name, work = std::move(work)]() -> participant::Delivery {
            hang(name);
            return [this, delivery = work()] {
                delivery();
                --under_way_;
            };
        };
        threads_->post(std::move(job));
    }
    bool deliver() override { return threads_->deliver(); }
    void rest(Millis at_most, const std::stop_token& stop) override {
        threads_->rest(at_most, stop);
    }
    void give_way(protocol::ChainTime closes) override { threads_->give_way(closes); }

    void hold(const std::string& name) {
        const std::lock_guard lock(mutex_);
        held_.insert(name);
    }
    void release_all() {
        {
            const std::lock_guard lock(mutex_);
            held_.clear();
            hanging_.clear();
        }
        changed_.notify_all();
    }
    [[nodiscard]] bool hangs(const std::string& name) {
        const std::lock_guard lock(mutex_);
        return hanging_.contains(name);
    }
    // Lets everything run but what is held, until its results are taken over.
    void wait_until_quiet() {
        set_open(true);
        while (under_way_ != hanging()) {
            threads_->rest(Millis(10), {});
            threads_->deliver();
        }
        set_open(false);
    }
    ~HeldBackground() override {
        release_all();
        set_open(true);
        threads_.reset();
    }

  private:
    void hang(const std::string& name) {
        std::unique_lock lock(mutex_);
        if (held_.contains(name)) hanging_.insert(name);
        changed_.wait(lock, [&] { return open_ && !held_.contains(name); });
    }
    std::size_t hanging() {
        const std::lock_guard lock(mutex_);
        return hanging_.size();
    }
    void set_open(bool open) {
        {
            const std::lock_guard lock(mutex_);
            open_ = open;
        }
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::string> held_;
    std::set<std::string> hanging_;
    bool open_ = false;
    std::size_t under_way_ = 0;  // the loop's
    std::unique_ptr<Background> threads_ = participant::start_background();
};

// The openings of the last round hang in a transfer: the key of this one goes out in the next
// block.
TEST(Lateness, AKeyPassesATransferThatHangs) {
    constexpr const char* kMiner = "miner-1";
    HeldBackground* held = nullptr;
    Scene scene(
        {.change =
             [](protocol::RunSpec& spec) {
                 spec.timing.score_commit_seconds = 34;
                 spec.timing.score_reveal_seconds = 38;
             },
         .background = [&](const std::string& name, const Clock&) -> std::unique_ptr<Background> {
             if (name != kMiner) return std::make_unique<participant::InlineBackground>();
             auto made = std::make_unique<HeldBackground>();
             held = made.get();
             return made;
         }});
    const auto play = [&](std::uint64_t round, std::uint64_t until) {
        for (std::uint64_t second = 0; second <= until; ++second) {
            held->wait_until_quiet();
            scene.run_to(round, second);
        }
    };
    std::optional<std::uint64_t> key_at;
    scene.net().set_probe([&](const std::string& node, Round round, std::string_view duty) {
        if (node == kMiner && duty == "show-key" && round == Round(1)) {
            key_at = scene.net().now().value;
        }
        return true;
    });
    ASSERT_NE(held, nullptr);
    held->hold("openings of round 0");
    play(0, 19);
    EXPECT_TRUE(held->hangs("openings of round 0"));
    play(1, 8);
    EXPECT_TRUE(held->hangs("openings of round 0"));
    ASSERT_TRUE(key_at);
    const auto times = protocol::round_times(scene.spec().timing, Round(1));
    EXPECT_LE(*key_at, times.t1.value + kAllowed);
    EXPECT_TRUE(scene.record(1).keys.contains(scene.uid(kMiner)));
    held->release_all();
    play(2, 4);
    EXPECT_TRUE(scene.record(2).commitments.contains(scene.uid(kMiner))) << "and it goes on";
}

}  // namespace
}  // namespace covenant::simulation::testing
