#include "chain/sim_ledger.hpp"

#include "chain/fingerprint.hpp"
#include "common/base/assert.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"
#include "common/protocol/schedule.hpp"

#include <algorithm>

namespace covenant::chain {
using namespace protocol;
using codec::Writer;

namespace {

Hash256 block_hash(const Hash256& parent, const SimBlock& block) {
    return crypto::sha256_tagged(
        "sim-block",
        Writer().fixed(parent).id(block.number).id(block.time).fixed(block.prevrandao).view());
}

// Depends on the branch: after a reorg the same heights have other randomness.
Hash256 drawn_prevrandao(std::uint64_t seed, std::uint64_t number, std::uint64_t branch) {
    const CounterRng rng(seed, number);
    Hash256 out;
    for (std::uint64_t half = 0; half < 2; ++half) {
        const auto words = rng.block(2 * branch + half);
        for (std::size_t i = 0; i < words.size(); ++i) {
            store_be(words[i], out.bytes.data() + 16 * half + 4 * i);
        }
    }
    return out;
}

std::shared_ptr<const RunState> empty_state(const RunId& run) {
    RunState state;
    state.run = run;
    return std::make_shared<const RunState>(std::move(state));
}

}  // namespace

SimChain::SimChain(const VirtualClock& clock, RunId run, SimChainOptions options)
    : clock_(&clock), run_(run), options_(std::move(options)), state_(empty_state(run)) {
    COVENANT_ASSERT(options_.block_seconds > 0, "time must pass between blocks");
    SimBlock genesis;
    genesis.time =
        ChainTime(options_.start_time != 0 ? options_.start_time
                                           : static_cast<std::uint64_t>(clock.unix_ms() / 1000));
    genesis.prevrandao = drawn_prevrandao(options_.seed, 0, 0);
    genesis.hash = block_hash(Hash256{}, genesis);
    blocks_.push_back(std::move(genesis));
}

void SimChain::catch_up() {
    const auto now = static_cast<std::uint64_t>(clock_->unix_ms() / 1000);
    while (head().time.value + options_.block_seconds <= now) {
        mine(head().time.value + options_.block_seconds, Content::kMempool);
    }
}

void SimChain::mine(std::uint64_t time, Content content) {
    SimBlock block;
    block.number = head().number.next();
    block.time = ChainTime(time);
    block.prevrandao = drawn_prevrandao(options_.seed, block.number.value, forks_);
    block.hash = block_hash(head().hash, block);
    const bool work = content == Content::kMempool &&
                      std::any_of(entries_.begin(), entries_.end(),
                                  [](const Entry& entry) { return entry.block == 0; });
    if (work) {
        RunState state = *state_;
        for (Entry& entry : entries_) {
            if (entry.block == 0) execute(entry, block, state);
        }
        state_ = std::make_shared<const RunState>(std::move(state));
    }
    blocks_.push_back(std::move(block));
}

std::optional<BlockInfo> SimChain::beacon_block(const RunState& state,
                                                const ProveBeacon& intent) const {
    if (!state.spec) return std::nullopt;
    const SimBlock* block = first_block_at(beacon_target(state.spec->timing, intent.slot));
    if (block == nullptr || block->number.value == 0) return std::nullopt;
    BlockInfo out;
    out.number = block->number;
    out.time = block->time;
    out.parent_time = blocks_[block->number.value - 1].time;
    const auto recorded = options_.prevrandao.find(intent.slot.value);
    out.prevrandao = recorded == options_.prevrandao.end() ? block->prevrandao : recorded->second;
    return out;
}

void SimChain::execute(Entry& entry, SimBlock& block, RunState& state) {
    TransitionContext context;
    context.sender = entry.sender;
    context.now = block.time;
    context.domain = domain();
    context.score_ledger = options_.score_ledger;
    if (const auto* proof = std::get_if<ProveBeacon>(&entry.intent)) {
        context.beacon_block = beacon_block(state, *proof);
    }
    TransitionResult result = transition(state, entry.intent, context);
    entry.block = entry.status.block = block.number.value;
    entry.status.transaction = crypto::sha256_tagged(
        "sim-transaction", Writer().fixed(entry.sender).text(entry.key).id(block.number).view());
    if (result.verdict != Verdict::kAccept) {
        entry.status.phase = IntentPhase::kRefused;
        entry.status.reason = to_string(result.verdict);
        return;
    }
    entry.status.phase = IntentPhase::kConfirmed;
    for (EventBody& body : result.events) {
        Event event;
        event.block = block.number;
        event.time = block.time;
        event.index = static_cast<std::uint32_t>(block.events.size());
        event.transaction = entry.status.transaction;
        event.body = std::move(body);
        apply(state, event);
        block.events.push_back(std::move(event));
    }
}

void SimChain::reorg(std::uint64_t depth) {
    depth = std::min<std::uint64_t>(depth, blocks_.size() - 1);
    if (depth == 0) return;
    std::vector<std::uint64_t> times;
    for (std::size_t i = blocks_.size() - depth; i < blocks_.size(); ++i) {
        times.push_back(blocks_[i].time.value);
    }
    blocks_.resize(blocks_.size() - depth);
    ++forks_;
    RunState state;
    state.run = run_;
    for (const SimBlock& block : blocks_) {
        for (const Event& event : block.events) {
            apply(state, event);
        }
    }
    state_ = std::make_shared<const RunState>(std::move(state));
    for (Entry& entry : entries_) {
        if (entry.block <= head().number.value) continue;
        entry.block = 0;
        entry.status = {IntentPhase::kPending, "", entry.status.transaction};
    }
    for (const std::uint64_t time : times) {
        mine(time, Content::kEmpty);
    }
}

Status SimChain::submit(const Address& sender, const std::string& key, const Intent& intent) {
    const Hash256 fingerprint = intent_fingerprint(intent);
    for (const Entry& entry : entries_) {
        if (entry.sender != sender || entry.key != key) continue;
        if (entry.fingerprint == fingerprint) return {};
        return fail(Errc::kAlreadyExists, "'" + key + "' was submitted before with other content");
    }
    if (const auto* proof = std::get_if<ProveBeacon>(&intent)) {
        if (!beacon_block(*state_, *proof)) {
            return fail(Error{Errc::kPrecondition,
                              "no block has reached the time of beacon slot " +
                                  std::to_string(proof->slot.value) + " yet",
                              true});
        }
    }
    Entry entry;
    entry.sender = sender;
    entry.key = key;
    entry.intent = intent;
    entry.fingerprint = fingerprint;
    entry.status.phase = IntentPhase::kPending;
    entries_.push_back(std::move(entry));
    return {};
}

IntentStatus SimChain::status(const Address& sender, const std::string& key) const {
    for (const Entry& entry : entries_) {
        if (entry.sender == sender && entry.key == key) return entry.status;
    }
    return {};
}

const SimBlock* SimChain::first_block_at(ChainTime time) const {
    const auto found = std::lower_bound(
        blocks_.begin(), blocks_.end(), time,
        [](const SimBlock& block, ChainTime wanted) { return block.time < wanted; });
    return found == blocks_.end() ? nullptr : &*found;
}

Result<Head> SimLedger::sync() {
    if (!online_)
        return fail(Errc::kUnavailable, "the simulated chain is switched off for this node");
    chain_->catch_up();
    const std::vector<SimBlock>& blocks = chain_->blocks();
    if (seen_number_ >= blocks.size() || (!seen_.is_zero() && blocks[seen_number_].hash != seen_)) {
        ++reorgs_;
    }
    const SimBlock& head = chain_->head();
    seen_ = head.hash;
    seen_number_ = head.number.value;
    state_ = chain_->state();
    return Head{head.number, head.hash, head.time};
}

std::shared_ptr<const RunState> SimLedger::state() const {
    return state_ ? state_ : empty_state(chain_->run());
}

Status SimLedger::submit(const std::string& key, const Intent& intent) {
    if (!online_)
        return fail(Errc::kUnavailable, "the simulated chain is switched off for this node");
    return chain_->submit(sender_, key, intent);
}

Result<IntentStatus> SimLedger::status(const std::string& key) {
    return chain_->status(sender_, key);
}

}  // namespace covenant::chain
