// Openings that an audited miner shows. The input is read as a chunk opening; and as a recipe of
// changes (u32 where, u8 exclusive or) to a true state opening, which is larger than an input may
// be, and to true chunk openings.
#include "common/base/assert.hpp"
#include "common/codec/reader.hpp"
#include "common/execution/opening.hpp"
#include "common/execution/state_digest.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace {

using namespace covenant;
using protocol::Verdict;

constexpr std::size_t kStateHeader = 4 + 2 + 8;
constexpr std::size_t kMaxChanges = 64;

struct Sample {
    engine::ParameterLayout layout{engine::tiny_config()};
    std::vector<std::uint32_t> drawn{1};
    protocol::SegmentRecord record;
    Bytes state;
    // A chunk opening after a fresh start, after a commitment that was lost, after one that
    // arrived.
    struct Past {
        std::optional<execution::CommittedFeedback> committed;
        Bytes opening;
        execution::ChunkOpening decoded;

        [[nodiscard]] const execution::CommittedFeedback* last() const {
            return committed ? &*committed : nullptr;
        }
    };
    std::array<Past, 3> pasts;

    Sample() {
        engine::TrainState train;
        train.theta = engine::ParameterBuffer(layout);
        train.m = engine::ParameterBuffer(layout);
        train.v = engine::ParameterBuffer(layout);
        train.theta.floats()[0] = 0.5F;
        train.m.floats()[1] = -0.25F;
        train.adam_t = 6;
        record.theta_root = execution::state_root(train.theta);
        record.m_root = execution::state_root(train.m);
        record.v_root = execution::state_root(train.v);
        record.adam_t = train.adam_t;
        state = execution::encode_state_opening(train);
        pasts[1].committed = {.sum_root = record.m_root, .arrived = {}};
        pasts[2].committed = {.sum_root = record.m_root,
                              .arrived = Sparsity{.keep = 64, .code_bits = 2}};
        for (Past& past : pasts) {
            past.opening = execution::encode_chunk_opening(drawn, train.theta, train.v,
                                                           past.committed ? &train.m : nullptr);
            auto openings =
                execution::decode_chunk_opening(past.opening, drawn, layout, past.last());
            COVENANT_ASSERT(openings, "a true chunk opening is accepted");
            past.decoded = std::move(openings->front());
        }
        COVENANT_ASSERT(execution::decode_state_opening(state, layout, record),
                        "a true state opening is accepted");
    }
};

const Sample& sample() {
    static const Sample value;
    return value;
}

// A stranger may commit to whatever it likes: the record that fits the bytes.
protocol::SegmentRecord record_of(ByteView opening) {
    const auto root = [&](std::size_t part) {
        engine::ParameterBuffer buffer(sample().layout);
        const std::size_t length = buffer.bytes().size();
        const ByteView from = opening.subspan(kStateHeader + part * length, length);
        std::ranges::copy(from, buffer.mutable_bytes().begin());
        return execution::state_root(buffer);
    };
    protocol::SegmentRecord record;
    record.theta_root = root(0);
    record.m_root = root(1);
    record.v_root = root(2);
    record.adam_t = load_le<std::uint64_t>(opening.data() + 6);
    return record;
}

void open_state(ByteView bytes) {
    const Sample& honest = sample();
    const auto state = execution::decode_state_opening(bytes, honest.layout, honest.record);
    COVENANT_ASSERT(state.has_value() == std::ranges::equal(bytes, honest.state),
                    "only the committed state opens a commitment");
    if (bytes.size() != honest.state.size()) return;
    const auto own = execution::decode_state_opening(bytes, honest.layout, record_of(bytes));
    if (!own) return;
    COVENANT_ASSERT(std::ranges::equal(execution::encode_state_opening(*own), bytes),
                    "a content has one encoding");
    for (const auto* buffer : {&own->theta, &own->m, &own->v}) {
        COVENANT_ASSERT(engine::check_state(honest.layout, *buffer),
                        "an accepted state is finite and clean");
    }
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
    return std::ranges::equal(std::as_bytes(a), std::as_bytes(b));
}

void open_chunks(ByteView bytes, const std::vector<std::uint32_t>& drawn,
                 const Sample::Past& past) {
    const auto openings =
        execution::decode_chunk_opening(bytes, drawn, sample().layout, past.last());
    if (!openings) {
        COVENANT_ASSERT(openings.error() == Verdict::kOpeningMismatch, "one verdict for all");
        return;
    }
    COVENANT_ASSERT(openings->size() == drawn.size(), "each drawn chunk is opened");
    COVENANT_ASSERT(bytes.size() <= execution::max_chunk_opening_bytes(drawn.size()),
                    "the limit for fetchers holds");
    if (drawn.empty()) return;
    const execution::ChunkOpening& opening = openings->front();
    COVENANT_ASSERT(opening.theta.size() == engine::kChunkFloats, "a leaf is a whole chunk");
    COVENANT_ASSERT(same_bits(opening.feedback, past.decoded.feedback),
                    "the error feedback is the committed one");
    // What an opening says of theta and sum, this round's audit holds against other roots.
    const bool same = opening.theta_proof == past.decoded.theta_proof &&
                      opening.sum_proof == past.decoded.sum_proof &&
                      same_bits(opening.theta, past.decoded.theta);
    COVENANT_ASSERT(same == std::ranges::equal(bytes, past.opening), "a content has one encoding");
}

// Byte 0 is the length's change: low half cut off, high half added.
Bytes changed(Bytes bytes, ByteView recipe) {
    if (recipe.empty()) return bytes;
    bytes.resize(bytes.size() - recipe[0] % 16 + recipe[0] / 16);
    recipe = recipe.subspan(1);
    for (std::size_t i = 0; i < kMaxChanges && recipe.size() >= 5; ++i) {
        std::uint8_t& byte = bytes[load_le<std::uint32_t>(recipe.data()) % bytes.size()];
        byte = static_cast<std::uint8_t>(byte ^ recipe[4]);
        recipe = recipe.subspan(5);
    }
    return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView input(data, size);
    for (const Sample::Past& past : sample().pasts) {
        open_chunks(input, {}, past);
        open_chunks(input, sample().drawn, past);
        open_chunks(changed(past.opening, input), sample().drawn, past);
    }
    open_state(changed(sample().state, input));
    return 0;
}
