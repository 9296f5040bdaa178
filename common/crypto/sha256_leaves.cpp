// Many messages of one size: libipsec-mb hashes several side by side, OpenSSL one after the other.
//
// Which way is taken follows from the processor alone. The SHA instructions are bound by
// sha256rnds2: 32 a block, and cores that have it start one every second cycle and finish it in
// four, so that one stream reaches half of one byte a cycle and two interleaved ones nearly all of
// it (a third gains nothing). 16 lanes of AVX-512 need about 25 instructions a round for 16 bytes,
// two a cycle: 1.3 bytes a cycle. 8 lanes of AVX2 need about twice that number for 8 bytes and
// serve where there is neither.
#include "common/base/assert.hpp"
#include "common/base/thread_pool.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <intel-ipsec-mb.h>

namespace covenant::crypto {
namespace {

constexpr std::uint8_t kLeafPrefix = 0;
constexpr std::uint8_t kNodePrefix = 1;
constexpr std::size_t kNodeBytes = 2 * Hash256::kSize;

// A task of one thread of a pool: 1 MiB of state leaves, a multiple of every number of lanes.
constexpr std::size_t kBlock = 64;

// Less than this is done before a manager is set up.
constexpr std::size_t kWorthwhileBytes = 64 * 1024;

struct Way {
    LeafHasher hasher;
    std::string_view name;
    void (*init)(IMB_MGR*);
    std::uint64_t flags;     // of alloc_mb_mgr
    std::uint64_t features;  // that the manager needs
    std::size_t batch;       // messages in flight: the lanes, or more where that costs nothing
    std::size_t least;       // fewer messages than this leave too many lanes empty
};

// Without the SHA instructions the AVX managers use their lanes and nothing else.
constexpr std::array<Way, 4> kWays{{
    {LeafHasher::kOneStream, "one stream", nullptr, 0, 0, 0, 0},
    {LeafHasher::kAvx2Lanes, "AVX2 lanes", init_mb_mgr_avx2, IMB_FLAG_SHANI_OFF, IMB_CPUFLAGS_AVX2,
     8, 3},
    {LeafHasher::kShaNiLanes, "SHA-NI lanes", init_mb_mgr_sse, 0, IMB_CPUFLAGS_SSE_T2, 8, 2},
    {LeafHasher::kAvx512Lanes, "AVX-512 lanes", init_mb_mgr_avx512, IMB_FLAG_SHANI_OFF,
     IMB_CPUFLAGS_AVX512, 16, 8},
}};
static_assert(kWays.size() == kLeafHashers.size());

const Way& way_of(LeafHasher hasher) {
    return kWays.at(static_cast<std::size_t>(hasher));
}

struct FreeManager {
    void operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, FreeManager>;

// The library looks at the processor only, the compiler's runtime also at what the system saves.
bool system_saves_registers(LeafHasher hasher) {
    __builtin_cpu_init();
    switch (hasher) {
        case LeafHasher::kAvx2Lanes:
            return __builtin_cpu_supports("avx2") != 0;
        case LeafHasher::kAvx512Lanes:
            return __builtin_cpu_supports("avx512f") != 0 &&
                   __builtin_cpu_supports("avx512bw") != 0;
        case LeafHasher::kOneStream:
        case LeafHasher::kShaNiLanes:
            break;
    }
    return true;
}

// init runs the library's known-answer tests and sets an error where one fails.
Manager make_manager(const Way& way) {
    Manager manager(alloc_mb_mgr(way.flags));
    if (manager != nullptr) {
        way.init(manager.get());
        if (imb_get_errno(manager.get()) != 0) manager.reset();
    }
    return manager;
}

struct ThreadManager {
    Manager manager;
    bool made = false;
};

// One of each way a thread, made when first used (about 2 ms, most of it the known-answer tests).
IMB_MGR* thread_manager(const Way& way) {
    thread_local std::array<ThreadManager, kWays.size()> managers;
    ThreadManager& one = managers.at(static_cast<std::size_t>(way.hasher));
    if (!one.made) {
        one.manager = make_manager(way);
        one.made = true;
    }
    return one.manager.get();
}

// count messages: prefix ‖ size bytes.
struct Messages {
    std::uint8_t prefix = 0;
    std::size_t size = 0;
    const std::uint8_t* together = nullptr;  // one after the other, or
    const ByteView* apart = nullptr;

    [[nodiscard]] ByteView at(std::size_t index) const {
        return together != nullptr ? ByteView(together + index * size, size) : apart[index];
    }
    [[nodiscard]] Messages from(std::size_t index) const {
        Messages rest = *this;
        if (together != nullptr) {
            rest.together += index * size;
        } else {
            rest.apart += index;
        }
        return rest;
    }
};

void one_stream(const Messages& messages, std::span<Hash256> out) {
    thread_local Sha256 hasher;
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = hasher.update({&messages.prefix, 1}).update(messages.at(i)).finish();
    }
}

class Lanes {
  public:
    Lanes(const Way& way, IMB_MGR* manager, const Messages& messages, std::size_t count)
        : manager_(manager),
          messages_(messages),
          batch_(std::min(way.batch, count)),
          stride_((messages.size + 2 * kLine - 1) / kLine * kLine),
          memory_(std::make_unique_for_overwrite<Line[]>(batch_ * stride_ / kLine)) {}

    // False when the library failed.
    bool run(std::span<Hash256> out) {
        for (std::size_t begin = 0; begin < out.size(); begin += batch_) {
            const std::size_t end = std::min(out.size(), begin + batch_);
            for (std::size_t i = begin; i < end; ++i) {
                submit(i, i - begin, out[i]);
            }
            // The memory is used again: nothing may be in flight.
            while (IMB_JOB* job = IMB_FLUSH_JOB(manager_)) {
                collect(job);
            }
        }
        return !failed_ && completed_ == out.size();
    }

  private:
    static constexpr std::size_t kLine = 64;
    struct alignas(kLine) Line {
        std::array<std::uint8_t, kLine> bytes;
    };

    // The library wants a message in one piece, so each is copied behind its prefix; the copy
    // starts on a line of the cache.
    void submit(std::size_t index, std::size_t slot, Hash256& out) {
        std::uint8_t* body = memory_[slot * stride_ / kLine].bytes.data() + kLine;
        body[-1] = messages_.prefix;
        std::copy_n(messages_.at(index).data(), messages_.size, body);
        IMB_JOB* job = IMB_GET_NEXT_JOB(manager_);
        job->cipher_mode = IMB_CIPHER_NULL;
        job->cipher_direction = IMB_DIR_ENCRYPT;
        job->chain_order = IMB_ORDER_HASH_CIPHER;
        job->hash_alg = IMB_AUTH_SHA_256;
        job->src = body - 1;
        job->hash_start_src_offset_in_bytes = 0;
        job->msg_len_to_hash_in_bytes = messages_.size + 1;
        job->msg_len_to_cipher_in_bytes = 0;
        job->auth_tag_output = out.bytes.data();
        job->auth_tag_output_len_in_bytes = Hash256::kSize;
        collect(IMB_SUBMIT_JOB(manager_));
    }

    void collect(const IMB_JOB* job) {
        for (; job != nullptr; job = IMB_GET_COMPLETED_JOB(manager_)) {
            failed_ = failed_ || job->status != IMB_STATUS_COMPLETED;
            ++completed_;
        }
    }

    IMB_MGR* manager_;
    const Messages& messages_;
    std::size_t batch_;
    std::size_t stride_;
    std::unique_ptr<Line[]> memory_;
    std::size_t completed_ = 0;
    bool failed_ = false;
};

void hash_with(LeafHasher hasher, const Messages& messages, std::span<Hash256> out) {
    if (hasher == LeafHasher::kOneStream || !leaf_hasher_available(hasher) || out.empty()) {
        return one_stream(messages, out);
    }
    const Way& way = way_of(hasher);
    IMB_MGR* manager = thread_manager(way);
    if (manager == nullptr || !Lanes(way, manager, messages, out.size()).run(out)) {
        one_stream(messages, out);
    }
}

// The chosen way for full batches; a rest that fills too few lanes is one stream.
void hash_messages(const Messages& messages, std::span<Hash256> out) {
    const LeafHasher hasher = leaf_hasher_chosen();
    if (hasher == LeafHasher::kOneStream || messages.size * out.size() < kWorthwhileBytes) {
        return one_stream(messages, out);
    }
    const Way& way = way_of(hasher);
    const std::size_t rest = out.size() % way.batch;
    const std::size_t tail = rest < way.least ? rest : 0;
    const std::size_t wide = out.size() - tail;
    hash_with(hasher, messages, out.first(wide));
    one_stream(messages.from(wide), out.subspan(wide));
}

void hash_leaves(const Messages& messages, std::span<Hash256> out, ThreadPool* pool) {
    if (pool == nullptr || out.size() <= kBlock) return hash_messages(messages, out);
    pool->parallel_for((out.size() + kBlock - 1) / kBlock, [&](std::size_t block, unsigned) {
        const std::size_t begin = block * kBlock;
        hash_messages(messages.from(begin),
                      out.subspan(begin, std::min(kBlock, out.size() - begin)));
    });
}

Messages leaf_messages(ByteView data, std::size_t leaf_size, std::size_t count) {
    COVENANT_ASSERT(
        leaf_size > 0 && data.size() / leaf_size == count && data.size() % leaf_size == 0,
        "the data are exactly the leaves");
    return {kLeafPrefix, leaf_size, data.data(), nullptr};
}

Messages node_messages(std::span<const Hash256> children, std::size_t count) {
    static_assert(sizeof(Hash256) == Hash256::kSize, "hashes lie without gaps");
    COVENANT_ASSERT(children.size() == 2 * count, "a node has two children");
    return {kNodePrefix, kNodeBytes, reinterpret_cast<const std::uint8_t*>(children.data()),
            nullptr};
}

bool probe(const Way& way) {
    if (way.init == nullptr) return true;
    if (!system_saves_registers(way.hasher)) return false;
    const Manager manager(alloc_mb_mgr(0));
    return manager != nullptr && (manager->features & way.features) == way.features;
}

}  // namespace

std::string_view to_string(LeafHasher hasher) {
    return way_of(hasher).name;
}

bool leaf_hasher_available(LeafHasher hasher) {
    static const std::array<bool, kWays.size()> available = [] {
        std::array<bool, kWays.size()> out{};
        std::ranges::transform(kWays, out.begin(), probe);
        return out;
    }();
    return available.at(static_cast<std::size_t>(hasher));
}

LeafHasher leaf_hasher_chosen() {
    static const LeafHasher chosen = [] {
        const auto found = std::find_if(kLeafHashers.rbegin(), kLeafHashers.rend(),
                                        [](auto one) { return leaf_hasher_available(one); });
        return *found;  // one stream is always available
    }();
    return chosen;
}

void sha256_leaves_with(LeafHasher hasher, ByteView data, std::size_t leaf_size,
                        std::span<Hash256> out) {
    hash_with(hasher, leaf_messages(data, leaf_size, out.size()), out);
}

void sha256_nodes_with(LeafHasher hasher, std::span<const Hash256> children,
                       std::span<Hash256> out) {
    hash_with(hasher, node_messages(children, out.size()), out);
}

void sha256_leaves(ByteView data, std::size_t leaf_size, std::span<Hash256> out, ThreadPool* pool) {
    hash_leaves(leaf_messages(data, leaf_size, out.size()), out, pool);
}

void sha256_leaves(std::span<const ByteView> leaves, std::span<Hash256> out, ThreadPool* pool) {
    COVENANT_ASSERT(leaves.size() == out.size(), "a digest for every leaf");
    if (leaves.empty()) return;
    const std::size_t size = leaves.front().size();
    COVENANT_ASSERT(
        size > 0 && std::ranges::all_of(leaves, [&](ByteView leaf) { return leaf.size() == size; }),
        "the leaves have one size");
    hash_leaves({kLeafPrefix, size, nullptr, leaves.data()}, out, pool);
}

void sha256_nodes(std::span<const Hash256> children, std::span<Hash256> out) {
    hash_messages(node_messages(children, out.size()), out);
}

}  // namespace covenant::crypto
