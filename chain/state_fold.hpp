// A RunState that grows with the chain: each event is folded once, and after a reorganisation only
// those since a recent copy are folded again.
#pragma once

#include "chain/indexer/index.hpp"
#include "common/protocol/run_state.hpp"

#include <deque>
#include <functional>
#include <optional>
#include <span>

namespace covenant::chain {

// One thread.
class StateFold {
  public:
    // kept_rounds as in RunState.
    StateFold(const protocol::RunId& run, std::uint64_t kept_rounds);

    // Events in chain order, from next() on.
    void add(std::span<const protocol::Event> events);
    // The place of the first event that is not folded yet.
    [[nodiscard]] Index::Position next() const { return next_; }
    // The events above the block are no part of the chain any more; next() goes back.
    void rewind(protocol::BlockNumber fork);
    [[nodiscard]] const protocol::RunState& state() const { return state_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }  // folded into it

    // Pages of events from a place on; an empty one is the end.
    using Read =
        std::function<Result<std::vector<protocol::Event>>(Index::Position, std::uint64_t limit)>;
    // Folds all that `read` gives; true when there was something.
    Result<bool> catch_up(const Read& read);

  private:
    // The state after the events of all blocks up to `block`.
    struct Anchor {
        protocol::BlockNumber block;
        Index::Position next;
        std::uint64_t events = 0;
        protocol::RunState state;
    };
    void add(const protocol::Event& event);

    protocol::RunState fresh_;
    protocol::RunState state_;
    Index::Position next_;
    std::optional<protocol::BlockNumber> last_;  // block of the newest folded event
    std::uint64_t events_ = 0;
    std::deque<Anchor> anchors_;  // ascending
};

}  // namespace covenant::chain
