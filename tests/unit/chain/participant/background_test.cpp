// The real threads. Every wait is for something that a thread does, never for time.
#include "chain/participant/background.hpp"

#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::participant {
namespace {

using protocol::ChainTime;

class BackgroundTest : public ::testing::Test {
  protected:
    void note(const std::string& what) {
        const std::lock_guard lock(mutex);
        order.push_back(what);
    }
    // A job that says its name.
    void post(const std::string& name, std::uint64_t closes, std::latch& ends,
              Lane lane = Lane::kEngine) {
        background->post({name, lane, ChainTime(closes), [this, name, &ends]() -> Delivery {
                              note(name);
                              ends.count_down();
                              return [] {};
                          }});
    }

    std::mutex mutex;
    std::vector<std::string> order;
    std::unique_ptr<Background> background = start_background();
};

TEST_F(BackgroundTest, AResultArrivesOnTheLoopsThread) {
    Errand<std::thread::id> errand;
    EXPECT_FALSE(errand.started());
    std::latch finished(1);
    std::thread::id delivered;
    errand.start(*background, "work", Lane::kTransfer, ChainTime(1),
                 []() -> Result<std::thread::id> { return std::this_thread::get_id(); });
    background->post({"after", Lane::kTransfer, ChainTime(2), [&]() -> Delivery {
                          return [&] {
                              delivered = std::this_thread::get_id();
                              finished.count_down();
                          };
                      }});
    while (!finished.try_wait() || !errand.done()) {
        background->deliver();
        std::this_thread::yield();
    }
    EXPECT_NE(errand.take().value(), std::this_thread::get_id());
    EXPECT_EQ(delivered, std::this_thread::get_id());
    EXPECT_FALSE(errand.started());
}

TEST_F(BackgroundTest, TheEnginesLaneTakesTheNearestDeadline) {
    std::latch hold(1);
    std::latch all(3);
    std::latch begun(1);
    background->post({"first", Lane::kEngine, ChainTime(99), [&]() -> Delivery {
                          begun.count_down();
                          hold.wait();
                          return [] {};
                      }});
    begun.wait();
    post("far", 90, all);
    post("near", 10, all);
    post("middle", 50, all);
    hold.count_down();
    all.wait();
    background.reset();  // its threads use the latches
    EXPECT_EQ(order, (std::vector<std::string>{"near", "middle", "far"}));
}

// A replay of many steps lets a screening go first, and only what is more urgent than itself.
TEST_F(BackgroundTest, ALongJobGivesWayToWhatIsMoreUrgent) {
    std::latch step(1);
    std::latch posted(1);
    std::latch all(4);
    background->post({"replay", Lane::kEngine, ChainTime(50), [&]() -> Delivery {
                          step.count_down();
                          posted.wait();
                          background->give_way(ChainTime(50));
                          note("replay");
                          all.count_down();
                          return [] {};
                      }});
    step.wait();
    post("checkpoint", 90, all);
    post("older audit", 20, all);
    post("screening", 99, all, Lane::kVote);  // a vote goes first, whenever it closes
    posted.count_down();
    all.wait();
    background.reset();  // its threads use the latches
    EXPECT_EQ(order,
              (std::vector<std::string>{"screening", "older audit", "replay", "checkpoint"}));
}

// A transfer that hangs, and an engine in the middle of a step, hold up no other transfer.
TEST_F(BackgroundTest, TransfersDoNotWaitForEachOtherOrForTheEngine) {
    std::latch hold(1);
    std::latch hanging(2);
    for (const Lane lane : {Lane::kEngine, Lane::kTransfer}) {
        background->post({"hangs", lane, ChainTime(1), [&]() -> Delivery {
                              hanging.count_down();
                              hold.wait();
                              return [] {};
                          }});
    }
    hanging.wait();
    std::latch small(1);
    post("opening", 99, small, Lane::kTransfer);
    small.wait();
    EXPECT_EQ(order, std::vector<std::string>{"opening"});
    hold.count_down();
    background.reset();  // its threads use the latches
}

// What is queued when a node ends is dropped; what runs is waited for.
TEST_F(BackgroundTest, EndsWithWhatRuns) {
    std::latch begun(1);
    std::latch hold(1);
    bool ran_to_its_end = false;
    background->post({"runs", Lane::kEngine, ChainTime(1), [&]() -> Delivery {
                          begun.count_down();
                          hold.wait();
                          ran_to_its_end = true;
                          return [] {};
                      }});
    begun.wait();
    std::latch never(1);
    post("queued", 2, never);
    std::jthread ends([&] { background.reset(); });
    hold.count_down();
    ends.join();
    EXPECT_TRUE(ran_to_its_end);
}

TEST(InlineBackground, DeliversAtOnce) {
    InlineBackground background;
    Errand<int> errand;
    errand.start(background, "work", Lane::kEngine, ChainTime(1),
                 []() -> Result<int> { return 7; });
    ASSERT_TRUE(errand.done());
    EXPECT_EQ(errand.take().value(), 7);
}

}  // namespace
}  // namespace covenant::participant
