// RunSpec, version 3: magic "CVRS", version u16, then every field in the order of run_spec.hpp.
// Integers little-endian, amounts 16 bytes, texts, learning rate and density with a u32 length in
// front.
#include "common/protocol/run_spec.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <string_view>

namespace covenant::protocol {
namespace {

constexpr std::string_view kMagic = "CVRS";
constexpr std::uint16_t kVersion = 3;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxProfile = 1024;
constexpr std::size_t kMaxRatePoints = 1024;
constexpr std::size_t kRatePointBytes = 12;
constexpr std::size_t kMaxDensityPoints = 64;
constexpr std::size_t kDensityPointBytes = 10;
constexpr std::uint64_t kMaxWindows = std::uint64_t{1} << 48;
constexpr std::uint64_t kMaxStartTime = std::uint64_t{1} << 40;
constexpr Uint128 kMaxAmount = Uint128{1} << 96;

// Positive binary32 numbers order as their bits do.
constexpr std::uint32_t kOneBits = 0x3f800000;
constexpr std::uint32_t kTenthBits = 0x3dcccccd;
constexpr std::uint32_t kBillionBits = 0x4e6e6b28;
constexpr std::uint32_t kInfinityBits = 0x7f800000;
constexpr std::uint32_t kMinusZeroBits = 0x80000000;

// ---- the fields in their one order, for writing and for reading

struct FieldWriter {
    codec::Writer& out;
    void operator()(const std::uint8_t& v) const { out.u8(v); }
    void operator()(const std::uint16_t& v) const { out.u16(v); }
    void operator()(const std::uint32_t& v) const { out.u32(v); }
    void operator()(const std::uint64_t& v) const { out.u64(v); }
    void operator()(const Hash256& v) const { out.fixed(v); }
    void operator()(const Amount& v) const {
        out.u64(static_cast<std::uint64_t>(v.units)).u64(static_cast<std::uint64_t>(v.units >> 64));
    }
    void text(const std::string& v, std::size_t) const { out.text(v); }
    void points(const std::vector<LearningRatePoint>& v) const {
        out.count(v.size());
        for (const LearningRatePoint& point : v)
            out.u64(point.step).u32(point.rate_bits);
    }
    void points(const std::vector<DensityPoint>& v) const {
        out.count(v.size());
        for (const DensityPoint& point : v)
            out.u64(point.round).u16(point.kept_per_chunk);
    }
};

struct FieldReader {
    codec::Reader& in;
    void operator()(std::uint8_t& v) const { v = in.u8(); }
    void operator()(std::uint16_t& v) const { v = in.u16(); }
    void operator()(std::uint32_t& v) const { v = in.u32(); }
    void operator()(std::uint64_t& v) const { v = in.u64(); }
    void operator()(Hash256& v) const { v = in.fixed<Hash256>(); }
    void operator()(Amount& v) const {
        const Uint128 low = in.u64();
        v.units = low | (Uint128{in.u64()} << 64);
    }
    void text(std::string& v, std::size_t max_size) const { v = std::string(in.text(max_size)); }
    void points(std::vector<LearningRatePoint>& v) const {
        const std::size_t count = in.count(kRatePointBytes, kMaxRatePoints);
        v.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            LearningRatePoint point;
            point.step = in.u64();
            point.rate_bits = in.u32();
            v.push_back(point);
        }
    }
    void points(std::vector<DensityPoint>& v) const {
        const std::size_t count = in.count(kDensityPointBytes, kMaxDensityPoints);
        v.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            DensityPoint point;
            point.round = in.u64();
            point.kept_per_chunk = in.u16();
            v.push_back(point);
        }
    }
};

template <typename Spec, typename Field>
void each_field(Spec& s, const Field& field) {
    field.text(s.name, kMaxName);
    field(s.chain_id);
    field.text(s.profile, kMaxProfile);
    field(s.genesis_root);

    field(s.model.vocab_size);
    field(s.model.d_model);
    field(s.model.layers);
    field(s.model.heads);
    field(s.model.kv_heads);
    field(s.model.d_ff);
    field(s.model.seq_len);
    field(s.model.norm_eps_bits);
    field(s.model.rope_theta_bits);

    field(s.inner.steps_per_round);
    field(s.inner.steps_per_segment);
    field(s.inner.windows_per_step);
    field(s.inner.beta1_bits);
    field(s.inner.beta2_bits);
    field(s.inner.epsilon_bits);
    field(s.inner.weight_decay_bits);
    field(s.inner.clip_norm_bits);
    field.points(s.inner.learning_rate);

    field(s.outer.alpha_bits);
    field(s.outer.feedback_decay_bits);
    field.points(s.outer.density);
    field(s.outer.code_bits);
    field(s.outer.support_exponent_halves);
    field(s.outer.max_artifacts);

    field(s.audit.probability_ppm);
    field(s.audit.segments);
    field(s.audit.auditors);
    field(s.audit.chunks);

    field(s.score.assigned_windows);
    field(s.score.heldout_windows);
    field(s.score.monitor_windows);
    field(s.score.probe_step_bits);

    field(s.data.dataset_root);
    field(s.data.heldout_root);
    field(s.data.tokenizer_hash);
    field(s.data.window_count);
    field(s.data.heldout_count);

    field(s.timing.start_time);
    field(s.timing.round_seconds);
    field(s.timing.commit_seconds);
    field(s.timing.key_seconds);
    field(s.timing.beacon_seconds);
    field(s.timing.inclusion_seconds);
    field(s.timing.opening_seconds);
    field(s.timing.score_commit_seconds);
    field(s.timing.score_reveal_seconds);
    field(s.timing.genesis_lead_seconds);
    field(s.timing.block_seconds);
    field(s.timing.jail_rounds);
    field(s.timing.last_round);

    field(s.emission.per_round);
    field(s.emission.miner_share_bps);
    field(s.emission.validator_share_bps);
    field(s.emission.miner_bond);
    field(s.emission.validator_stake);
}

// ---- the ranges of R2.2

template <typename T>
bool within(T value, T low, T high) {
    return low <= value && value <= high;
}
bool finite_from_zero(std::uint32_t bits) {
    return bits < kInfinityBits;
}
bool finite_positive(std::uint32_t bits) {
    return within(bits, 1U, kInfinityBits - 1);
}
bool below_one(std::uint32_t bits) {
    return bits < kOneBits;
}
bool printable(std::string_view text, bool lines) {
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return (c >= ' ' && c <= '~') || (lines && c == '\n'); });
}

bool valid(const ModelSpec& m) {
    return within(m.vocab_size, 2U, 1U << 20) && within(m.d_model, 2U, 1U << 14) &&
           within(m.layers, 1U, 256U) && within(m.heads, 1U, 256U) &&
           within(m.kv_heads, 1U, m.heads) && within(m.d_ff, 1U, 1U << 16) &&
           within(m.seq_len, 1U, 1U << 14) && m.d_model % m.heads == 0 &&
           (m.d_model / m.heads) % 2 == 0 && m.heads % m.kv_heads == 0 &&
           within(m.norm_eps_bits, 1U, kTenthBits) &&
           within(m.rope_theta_bits, kOneBits, kBillionBits);
}

bool valid(const InnerSpec& inner) {
    if (!within(inner.steps_per_round, 1U, 1U << 16) || inner.steps_per_segment == 0 ||
        inner.steps_per_round % inner.steps_per_segment != 0 ||
        inner.steps_per_round / inner.steps_per_segment > 256 ||
        !within(inner.windows_per_step, 1U, 1U << 16) || !below_one(inner.beta1_bits) ||
        !below_one(inner.beta2_bits) || !finite_positive(inner.epsilon_bits) ||
        !finite_from_zero(inner.weight_decay_bits) || !finite_positive(inner.clip_norm_bits) ||
        !within(inner.learning_rate.size(), std::size_t{1}, kMaxRatePoints) ||
        inner.learning_rate.front().step != 0) {
        return false;
    }
    const auto& points = inner.learning_rate;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (!finite_from_zero(points[i].rate_bits)) return false;
        if (i > 0 && points[i].step <= points[i - 1].step) return false;
    }
    return true;
}

bool valid(const std::vector<DensityPoint>& density) {
    if (!within(density.size(), std::size_t{1}, kMaxDensityPoints) || density.front().round != 0) {
        return false;
    }
    for (std::size_t i = 0; i < density.size(); ++i) {
        if (!within<std::uint32_t>(density[i].kept_per_chunk, 1, kChunkElements)) return false;
        if (i > 0 && density[i].round <= density[i - 1].round) return false;
    }
    return true;
}

bool valid(const OuterSpec& outer) {
    return finite_positive(outer.alpha_bits) && below_one(outer.feedback_decay_bits) &&
           valid(outer.density) && within<std::uint32_t>(outer.code_bits, 1, 4) &&
           outer.support_exponent_halves <= 2 &&
           within<std::uint32_t>(outer.max_artifacts, 1, kMaxUids);
}

bool valid(const AuditSpec& audit, std::uint32_t segments) {
    // The largest set of segments without two neighbours has ceil(S / 2) members.
    return within(audit.probability_ppm, 1U, 1000000U) &&
           within<std::uint32_t>(audit.segments, 1, (segments + 1) / 2) &&
           within<std::uint32_t>(audit.auditors, 1, kMaxValidators);
}

bool valid(const ScoreSpec& score, std::uint64_t windows_per_round, const DataSpec& data) {
    return within<std::uint64_t>(score.assigned_windows, 1, windows_per_round) &&
           within<std::uint64_t>(score.heldout_windows, 1, data.heldout_count) &&
           within<std::uint64_t>(score.monitor_windows, 1, data.heldout_count) &&
           within(score.probe_step_bits, 1U, kOneBits);
}

bool valid(const DataSpec& data) {
    return !data.dataset_root.is_zero() && !data.heldout_root.is_zero() &&
           !data.tokenizer_hash.is_zero() &&
           within(data.window_count, std::uint64_t{1}, kMaxWindows) &&
           within(data.heldout_count, std::uint64_t{1}, kMaxWindows);
}

// A proposer chooses the time of its block within limits and can leave a transaction out of it, so
// that whatever must be on chain before a deadline has blocks enough to get there. `last` comes
// after `first` by so many blocks.
bool apart(std::uint32_t first, std::uint32_t last, std::uint64_t blocks, std::uint32_t seconds) {
    return first < last && last - first >= blocks * seconds;
}

bool valid(const TimingSpec& t, bool development) {
    const std::uint64_t few = development ? 2 : 4;
    const std::uint64_t many = development ? 2 : 8;
    const std::uint32_t block = t.block_seconds;
    return t.start_time < kMaxStartTime && t.genesis_lead_seconds < t.start_time && block > 0 &&
           t.commit_seconds > 0 && apart(t.commit_seconds, t.key_seconds, few, block) &&
           apart(t.key_seconds, t.beacon_seconds, few, block) &&
           apart(t.beacon_seconds, t.inclusion_seconds, few, block) &&
           apart(t.key_seconds, t.inclusion_seconds, many, block) &&
           t.inclusion_seconds < t.round_seconds && t.inclusion_seconds < t.opening_seconds &&
           apart(t.opening_seconds, t.score_commit_seconds, many, block) &&
           t.score_commit_seconds < t.score_reveal_seconds && t.jail_rounds >= 2;
}

bool valid(const EmissionSpec& e) {
    return e.per_round.units < kMaxAmount && e.miner_bond.units < kMaxAmount &&
           within(e.validator_stake.units, Uint128{1}, kMaxAmount - 1) &&
           std::uint32_t{e.miner_share_bps} + e.validator_share_bps <= 10000;
}

bool has_minus_zero(const RunSpec& s) {
    const auto minus = [](std::uint32_t bits) { return bits == kMinusZeroBits; };
    return minus(s.inner.beta1_bits) || minus(s.inner.beta2_bits) ||
           minus(s.inner.weight_decay_bits) || minus(s.outer.feedback_decay_bits) ||
           std::any_of(s.inner.learning_rate.begin(), s.inner.learning_rate.end(),
                       [&](const LearningRatePoint& point) { return minus(point.rate_bits); });
}

}  // namespace

Sparsity RunSpec::sparsity(Round round) const {
    Sparsity out{.keep = 0, .code_bits = outer.code_bits};
    for (const DensityPoint& point : outer.density) {
        if (point.round <= round.value) out.keep = point.kept_per_chunk;
    }
    return out;
}

Bytes encode_run_spec(const RunSpec& spec) {
    codec::Writer out(1024);
    out.raw(as_bytes(kMagic)).u16(kVersion);
    each_field(spec, FieldWriter{out});
    return out.take();
}

Outcome<RunSpec> decode_run_spec(ByteView bytes) {
    if (bytes.size() > kMaxRunSpecBytes) return refuse(Verdict::kMalformed);
    codec::Reader in(bytes);
    in.expect(as_bytes(kMagic));
    const std::uint16_t version = in.u16();
    if (!in.ok()) return refuse(Verdict::kMalformed);
    if (version != kVersion) return refuse(Verdict::kUnsupportedVersion);
    RunSpec spec;
    each_field(spec, FieldReader{in});
    if (!in.finish()) return refuse(Verdict::kMalformed);
    if (has_minus_zero(spec)) return refuse(Verdict::kNotCanonical);
    if (validate_run_spec(spec) != Verdict::kAccept) return refuse(Verdict::kSpecInvalid);
    return spec;
}

Verdict validate_run_spec(const RunSpec& s) {
    const bool ok = within(s.name.size(), std::size_t{1}, kMaxName) && printable(s.name, false) &&
                    within(s.profile.size(), std::size_t{1}, kMaxProfile) &&
                    printable(s.profile, true) && s.chain_id > 0 && !s.genesis_root.is_zero() &&
                    valid(s.model) && valid(s.inner) && valid(s.outer) &&
                    valid(s.audit, s.segments()) && valid(s.data) &&
                    valid(s.score, s.windows_per_round(), s.data) &&
                    valid(s.timing, is_development_chain(s.chain_id)) && valid(s.emission);
    return ok ? Verdict::kAccept : Verdict::kSpecInvalid;
}

RunId run_id(ByteView run_spec_bytes) {
    return crypto::sha256_tagged("run-spec", run_spec_bytes);
}

RunTerms terms_of(const RunSpec& spec) {
    return {.timing = spec.timing,
            .segments = static_cast<std::uint16_t>(spec.segments()),
            .audit_rate_ppm = spec.audit.probability_ppm,
            .miner_share_bps = spec.emission.miner_share_bps,
            .validator_share_bps = spec.emission.validator_share_bps,
            .emission_per_round = spec.emission.per_round,
            .minimum_stake = spec.emission.validator_stake,
            .genesis_root = spec.genesis_root,
            .dataset_root = spec.data.dataset_root};
}

}  // namespace covenant::protocol
