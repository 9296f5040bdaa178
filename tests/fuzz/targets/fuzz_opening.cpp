// Openings that an audited miner shows. The input is read as a chunk opening; and as a recipe of
// changes (u32 where, u8 exclusive or) to a true state opening, which is larger than an input may
// be, and to a true chunk opening.
#include "common/base/assert.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/execution/opening.hpp"
#include "common/execution/state_digest.hpp"

#include <algorithm>

namespace {

using namespace covenant;
using protocol::Verdict;

constexpr std::size_t kStateHeader = 4 + 2 + 8;
constexpr std::size_t kMaxChanges = 64;

struct Sample {
    engine::ParameterLayout layout{engine::tiny_config()};
    std::vector<std::uint32_t> drawn{1};
    std::uint32_t chunks = 0;
    protocol::SegmentRecord record;
    Bytes state;
    Bytes chunk;

    Sample() {
        chunks = static_cast<std::uint32_t>(layout.chunk_count());
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
        chunk = execution::encode_chunk_opening(drawn, train.theta, train.m, train.v, train.theta);
        COVENANT_ASSERT(execution::decode_state_opening(state, layout, record),
                        "a true state opening is accepted");
        COVENANT_ASSERT(execution::decode_chunk_opening(chunk, drawn, chunks),
                        "a true chunk opening is accepted");
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

void open_chunks(ByteView bytes, const std::vector<std::uint32_t>& drawn) {
    const auto openings = execution::decode_chunk_opening(bytes, drawn, sample().chunks);
    if (!openings) {
        COVENANT_ASSERT(openings.error() == Verdict::kOpeningMismatch, "one verdict for all");
        return;
    }
    COVENANT_ASSERT(openings->size() == drawn.size(), "each drawn chunk is opened");
    COVENANT_ASSERT(bytes.size() <= execution::max_chunk_opening_bytes(drawn.size()),
                    "the limit for fetchers holds");
    codec::Writer again(bytes.size());
    again.raw(bytes.first(6)).count(drawn.size());
    for (const execution::ChunkOpening& opening : *openings) {
        again.u32(opening.index);
        for (const auto* leaf : {&opening.theta, &opening.feedback}) {
            COVENANT_ASSERT(leaf->size() == engine::kChunkFloats, "a leaf is a whole chunk");
            again.raw({reinterpret_cast<const std::uint8_t*>(leaf->data()), engine::kChunkBytes});
        }
        for (const auto* proof : {&opening.theta_proof, &opening.feedback_proof, &opening.sum_proof,
                                  &opening.residual_proof}) {
            again.u8(static_cast<std::uint8_t>(proof->size()));
            for (const Hash256& hash : *proof)
                again.fixed(hash);
        }
    }
    COVENANT_ASSERT(std::ranges::equal(again.take(), bytes), "a content has one encoding");
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
    open_chunks(input, {});
    open_chunks(input, sample().drawn);
    open_chunks(changed(sample().chunk, input), sample().drawn);
    open_state(changed(sample().state, input));
    return 0;
}
