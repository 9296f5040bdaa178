// Evidence, version 1, 149 bytes: version u16, run, round u64, miner u16, verdict u8, segment u16,
// chunk u32, claimed, recomputed, opening (32 each).
#include "common/protocol/audit.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"
#include "common/protocol/draw.hpp"

#include <algorithm>

namespace covenant::protocol {
namespace {

constexpr std::uint16_t kEvidenceVersion = 1;
constexpr std::uint32_t kMillion = 1000000;

// A uniform n-subset of [0, S - n + 1), spread by its own ranks, is a uniform n-subset of [0, S)
// without neighbours.
std::vector<Segment> draw_segments(const RunSpec& spec, const Hash256& key) {
    const std::uint32_t count = spec.audit.segments;
    DrawStream draw("audit-segments", key);
    std::vector<Segment> out;
    for (const std::uint64_t s : draw.subset(spec.segments() - count + 1, count)) {
        out.push_back(Segment(static_cast<std::uint16_t>(s + out.size())));
    }
    return out;
}

std::vector<std::uint32_t> draw_chunks(const RunSpec& spec, const Hash256& key,
                                       std::uint32_t chunk_count) {
    DrawStream draw("audit-chunks", key);
    const auto chosen =
        draw.subset(chunk_count, std::min<std::uint32_t>(spec.audit.chunks, chunk_count));
    std::vector<std::uint32_t> out;
    out.reserve(chosen.size());
    for (const std::uint64_t chunk : chosen)
        out.push_back(static_cast<std::uint32_t>(chunk));
    return out;
}

std::vector<Uid> draw_auditors(const RunSpec& spec, const Hash256& key,
                               std::span<const ValidatorStake> validators) {
    std::vector<ValidatorStake> pool;
    Uint128 total = 0;
    for (const ValidatorStake& validator : validators) {
        if (validator.stake == Amount{}) continue;
        pool.push_back(validator);
        total += validator.stake.units;
    }
    std::sort(pool.begin(), pool.end(),
              [](const ValidatorStake& a, const ValidatorStake& b) { return a.uid < b.uid; });
    DrawStream draw("audit-auditors", key);
    std::vector<Uid> out;
    while (out.size() < spec.audit.auditors && !pool.empty()) {
        Uint128 ticket = draw.below_wide(total);
        auto holder = pool.begin();
        while (ticket >= holder->stake.units) {
            ticket -= holder->stake.units;
            ++holder;
        }
        out.push_back(holder->uid);
        total -= holder->stake.units;
        pool.erase(holder);
    }
    std::sort(out.begin(), out.end());
    return out;
}

bool is_finding(Verdict verdict) {
    return verdict >= Verdict::kUnavailable && verdict <= Verdict::kOpeningMismatch &&
           to_string(verdict) != "unknown_verdict";
}

}  // namespace

std::optional<AuditDuty> audit_duty(const RunSpec& spec, const Hash256& sigma,
                                    const Hash256& commitment_root, Uid miner,
                                    std::span<const ValidatorStake> validators,
                                    std::uint32_t chunk_count) {
    codec::Writer fields;
    fields.fixed(sigma).fixed(commitment_root).id(miner);
    const Hash256 key = crypto::sha256_tagged("audit", fields.view());
    const Uint128 ticket = load_le<std::uint64_t>(key.bytes.data());
    if (static_cast<std::uint32_t>((ticket * kMillion) >> 64) >= spec.audit.probability_ppm) {
        return std::nullopt;
    }
    return AuditDuty{.miner = miner,
                     .segments = draw_segments(spec, key),
                     .chunks = draw_chunks(spec, key, chunk_count),
                     .auditors = draw_auditors(spec, key, validators)};
}

Bytes encode_evidence(const Evidence& evidence) {
    codec::Writer out(160);
    out.u16(kEvidenceVersion)
        .fixed(evidence.run)
        .id(evidence.round)
        .id(evidence.miner)
        .u8(static_cast<std::uint8_t>(evidence.verdict))
        .id(evidence.segment)
        .u32(evidence.chunk)
        .fixed(evidence.claimed)
        .fixed(evidence.recomputed)
        .fixed(evidence.opening);
    return out.take();
}

Outcome<Evidence> decode_evidence(ByteView bytes) {
    codec::Reader in(bytes);
    const std::uint16_t version = in.u16();
    if (in.ok() && version != kEvidenceVersion) return refuse(Verdict::kUnsupportedVersion);
    Evidence out;
    out.run = in.fixed<Hash256>();
    out.round = in.id<Round>();
    out.miner = in.id<Uid>();
    out.verdict = static_cast<Verdict>(in.u8());
    out.segment = in.id<Segment>();
    out.chunk = in.u32();
    out.claimed = in.fixed<Hash256>();
    out.recomputed = in.fixed<Hash256>();
    out.opening = in.fixed<Hash256>();
    if (!in.finish() || !is_finding(out.verdict)) return refuse(Verdict::kMalformed);
    return out;
}

Hash256 replay_receipt(const Address& validator, const Hash256& sigma,
                       const Hash256& state_digest) {
    codec::Writer out;
    out.fixed(validator).fixed(sigma).fixed(state_digest);
    return crypto::sha256_tagged("receipt", out.view());
}

}  // namespace covenant::protocol
