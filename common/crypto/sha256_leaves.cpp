#include "common/base/assert.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <chrono>

#include <intel-ipsec-mb.h>

namespace covenant::crypto {
namespace {

constexpr std::uint8_t kLeafPrefix = 0;

void with_openssl(ByteView data, std::size_t leaf_size, std::span<Hash256> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
        out[i] = merkle_leaf(data.subspan(i * leaf_size, leaf_size));
    }
}

struct Manager {
    IMB_MGR* handle = nullptr;

    Manager() {
        handle = alloc_mb_mgr(0);
        if (handle == nullptr) return;
        IMB_ARCH arch = IMB_ARCH_NONE;
        init_mb_mgr_auto(handle, &arch);
        // Below AVX2 its lanes are no better than one stream of OpenSSL.
        if ((arch != IMB_ARCH_AVX2 && arch != IMB_ARCH_AVX512) || imb_get_errno(handle) != 0) {
            free_mb_mgr(handle);
            handle = nullptr;
        }
    }
    ~Manager() {
        if (handle != nullptr) free_mb_mgr(handle);
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
};

IMB_MGR* thread_manager() {
    thread_local Manager instance;
    return instance.handle;
}

// 16 leaves fill the widest lanes (AVX-512: 16 of 32 bits) and stay in a core's cache at 16 KiB
// each.
constexpr std::size_t kBatch = 16;

// The library hashes one contiguous buffer a job, so each leaf is copied behind its prefix byte
// first.
bool with_multi_buffer(ByteView data, std::size_t leaf_size, std::span<Hash256> out) {
    IMB_MGR* manager = thread_manager();
    if (manager == nullptr) return false;
    const std::size_t stride = (leaf_size + 1 + 63) / 64 * 64;
    Bytes scratch(std::min(kBatch, out.size()) * stride);
    std::size_t completed = 0;
    bool failed = false;
    const auto collect = [&](const IMB_JOB* job) {
        for (; job != nullptr; job = IMB_GET_COMPLETED_JOB(manager)) {
            failed = failed || job->status != IMB_STATUS_COMPLETED;
            ++completed;
        }
    };
    for (std::size_t begin = 0; begin < out.size(); begin += kBatch) {
        const std::size_t end = std::min(out.size(), begin + kBatch);
        for (std::size_t i = begin; i < end; ++i) {
            std::uint8_t* leaf = scratch.data() + (i - begin) * stride;
            leaf[0] = kLeafPrefix;
            std::copy_n(data.data() + i * leaf_size, leaf_size, leaf + 1);
            IMB_JOB* job = IMB_GET_NEXT_JOB(manager);
            job->cipher_mode = IMB_CIPHER_NULL;
            job->cipher_direction = IMB_DIR_ENCRYPT;
            job->chain_order = IMB_ORDER_HASH_CIPHER;
            job->hash_alg = IMB_AUTH_SHA_256;
            job->src = leaf;
            job->hash_start_src_offset_in_bytes = 0;
            job->msg_len_to_hash_in_bytes = leaf_size + 1;
            job->msg_len_to_cipher_in_bytes = 0;
            job->auth_tag_output = out[i].bytes.data();
            job->auth_tag_output_len_in_bytes = Hash256::kSize;
            collect(IMB_SUBMIT_JOB(manager));
        }
        // The scratch is used again: nothing may be in flight.
        while (IMB_JOB* job = IMB_FLUSH_JOB(manager)) {
            collect(job);
        }
    }
    return !failed && completed == out.size();
}

// Right on a known input and faster on one core, measured once a process.
LeafHasher choose() {
    constexpr std::size_t kLeaf = 16384;
    constexpr std::size_t kLeaves = 32;
    if (!leaf_hasher_available(LeafHasher::kMultiBuffer)) return LeafHasher::kOpenSsl;
    Bytes data(kLeaf * kLeaves);
    for (std::size_t i = 0; i < data.size(); ++i) {
        data[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
    }
    std::vector<Hash256> single(kLeaves);
    std::vector<Hash256> multi(kLeaves);
    const auto seconds = [](auto&& work) {
        double best = 1e9;
        for (int repeat = 0; repeat < 3; ++repeat) {
            const auto begin = std::chrono::steady_clock::now();
            work();
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
            best = std::min(best, took.count());
        }
        return best;
    };
    bool good = true;
    const double single_s = seconds([&] { with_openssl(data, kLeaf, single); });
    const double multi_s = seconds([&] { good = with_multi_buffer(data, kLeaf, multi) && good; });
    return good && single == multi && multi_s < single_s ? LeafHasher::kMultiBuffer
                                                         : LeafHasher::kOpenSsl;
}

}  // namespace

bool leaf_hasher_available(LeafHasher hasher) {
    return hasher == LeafHasher::kOpenSsl || thread_manager() != nullptr;
}

LeafHasher leaf_hasher_chosen() {
    static const LeafHasher chosen = choose();
    return chosen;
}

void sha256_leaves_with(LeafHasher hasher, ByteView data, std::size_t leaf_size,
                        std::span<Hash256> out) {
    COVENANT_ASSERT(
        leaf_size > 0 && data.size() / leaf_size == out.size() && data.size() % leaf_size == 0,
        "the data are exactly the leaves");
    if (hasher == LeafHasher::kMultiBuffer && with_multi_buffer(data, leaf_size, out)) return;
    with_openssl(data, leaf_size, out);
}

void sha256_leaves(ByteView data, std::size_t leaf_size, std::span<Hash256> out) {
    // Few or short leaves fill no lanes.
    constexpr std::size_t kWorthwhile = 4;
    const bool many = out.size() >= kWorthwhile && leaf_size >= 256;
    sha256_leaves_with(many ? leaf_hasher_chosen() : LeafHasher::kOpenSsl, data, leaf_size, out);
}

}  // namespace covenant::crypto
