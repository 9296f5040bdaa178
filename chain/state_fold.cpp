#include "chain/state_fold.hpp"

namespace covenant::chain {
using namespace protocol;

namespace {

// Reorganisations are shallow: four copies of the state, so far apart, cover all but a rewritten
// chain.
constexpr std::uint64_t kAnchorBlocks = 64;
constexpr std::size_t kAnchors = 4;
// Events in memory at once while an old index is folded.
constexpr std::uint64_t kPage = 10'000;

}  // namespace

StateFold::StateFold(const RunId& run, std::uint64_t kept_rounds) {
    fresh_.run = run;
    fresh_.kept_rounds = kept_rounds;
    state_ = fresh_;
}

void StateFold::add(std::span<const Event> events) {
    for (const Event& event : events) {
        add(event);
    }
}

void StateFold::add(const Event& event) {
    const bool new_block = last_ && event.block > *last_;
    if (new_block &&
        (anchors_.empty() || event.block.value >= anchors_.back().block.value + kAnchorBlocks)) {
        anchors_.push_back({*last_, next_, events_, state_});
        if (anchors_.size() > kAnchors) anchors_.pop_front();
    }
    apply(state_, event);
    ++events_;
    last_ = event.block;
    next_ = {event.block.value, std::uint64_t{event.index} + 1};
}

void StateFold::rewind(BlockNumber fork) {
    if (!last_ || *last_ <= fork) return;
    while (!anchors_.empty() && anchors_.back().block > fork) {
        anchors_.pop_back();
    }
    if (anchors_.empty()) {
        state_ = fresh_;
        next_ = {};
        events_ = 0;
        last_.reset();
        return;
    }
    const Anchor& anchor = anchors_.back();
    state_ = anchor.state;
    next_ = anchor.next;
    events_ = anchor.events;
    last_ = anchor.block;
}

Result<bool> StateFold::catch_up(const Read& read) {
    bool some = false;
    while (true) {
        COVENANT_TRY(const std::vector<Event> events, read(next_, kPage));
        add(events);
        some = some || !events.empty();
        if (events.size() < kPage) return some;
    }
}

}  // namespace covenant::chain
