#include "validator/stages/screen.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/data/windows.hpp"
#include "common/execution/loss_score.hpp"
#include "common/execution/parameter_follower.hpp"
#include "common/execution/spec_conversion.hpp"
#include "common/protocol/score.hpp"

#include <algorithm>
#include <bit>

namespace covenant::validator {

using protocol::Verdict;

namespace {

constexpr double kNormFloor = 0.1;  // of the round's median norm (R6.8)

Verdict check_norm(const protocol::Artifact& artifact, double& norm) {
    norm = engine::decoded_norm(artifact.update);
    return std::bit_cast<std::uint64_t>(norm) == artifact.feedback.norm_bits
               ? Verdict::kAccept
               : Verdict::kNormOutOfBounds;
}

double median(std::vector<double> values) {
    if (values.empty()) {
        return 0.0;
    }
    const std::size_t middle = (values.size() - 1) / 2;
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(middle),
                     values.end());
    return values[middle];
}

double median_norm(std::span<const Screened> screened) {
    std::vector<double> norms;
    for (const Screened& one : screened) {
        if (one.verdict == Verdict::kAccept) {
            norms.push_back(one.norm);
        }
    }
    return median(std::move(norms));
}

Status add_loss_scores(const participant::Seat& seat, const participant::Training& training,
                       const protocol::RunState& state, const protocol::RoundView& view,
                       const Collected& collected, std::span<Screened> screened) {
    const double median = median_norm(screened);
    const protocol::ScoreSpec& rules = seat.spec.score;
    COVENANT_TRY(const engine::ParameterBuffer* theta,
                 training.parameters.parameters(state, view.round));
    const auto heldout =
        protocol::heldout_windows(seat.spec, "score", *view.sigma, rules.heldout_windows);
    COVENANT_TRY(const auto heldout_tokens, training.windows.heldout_windows(heldout));
    COVENANT_TRY(const double heldout_base, training.engine.loss(*theta, heldout_tokens));
    for (Screened& one : screened) {
        if (one.verdict != Verdict::kAccept) {
            continue;
        }
        const protocol::MinerView* miner = view.miner(one.uid);
        const auto own = protocol::sample_assigned(seat.spec, view.assignment(*miner), *view.sigma,
                                                   rules.assigned_windows);
        COVENANT_TRY(const auto own_tokens, training.windows.windows(own));
        COVENANT_TRY(const double own_base, training.engine.loss(*theta, own_tokens));
        const std::span<const std::uint32_t> sets[] = {own_tokens, heldout_tokens};
        const double bases[] = {own_base, heldout_base};
        const double clip = one.norm > median && one.norm > 0.0 ? median / one.norm : 1.0;
        COVENANT_TRY(
            const auto scores,
            execution::loss_scores(training.engine, seat.spec, *theta,
                                   collected.at(one.uid)->artifact.update, clip, sets, bases));
        one.score_own = scores[0];
        one.score_heldout = scores[1];
    }
    return {};
}

void apply_loss_gate(std::span<Screened> screened) {
    std::vector<double> scores;
    for (const Screened& one : screened) {
        if (one.verdict == Verdict::kAccept) {
            scores.push_back(one.score_heldout);
        }
    }
    const std::vector<bool> passed = protocol::loss_gate(scores);
    std::size_t next = 0;
    for (Screened& one : screened) {
        if (one.verdict == Verdict::kAccept && !passed[next++]) {
            one.verdict = Verdict::kLossGate;
        }
    }
}

}  // namespace

Result<std::optional<Verdict>> check_continuity(const participant::Seat& seat,
                                                const participant::Artifacts& artifacts,
                                                const protocol::RunState& state,
                                                const protocol::RoundView& view,
                                                const protocol::MinerView& miner,
                                                const protocol::Artifact& artifact) {
    const protocol::SegmentRecord& first = artifact.trace.front();
    Hash256 m_root = seat.zero_root;
    Hash256 v_root = seat.zero_root;
    std::uint64_t adam_t = 0;
    Hash256 previous;
    if (!miner.continuity.fresh) {
        auto last =
            committed_trace(seat, artifacts, state, miner.continuity.previous_round, miner.uid);
        if (!last) {
            if (last.error().code == Errc::kNotFound) {
                return std::optional<Verdict>{};
            }
            return fail(std::move(last).error());
        }
        const protocol::SegmentRecord& end = last->trace.back();
        m_root = end.m_root;
        v_root = end.v_root;
        adam_t = end.adam_t;
        previous = miner.continuity.previous_root;
    }
    bool same = first.theta_root == view.base_root && first.m_root == m_root &&
                first.v_root == v_root && artifact.feedback.previous_commitment == previous;
    for (std::size_t s = 0; s < artifact.trace.size(); ++s) {
        const protocol::Segment index(static_cast<std::uint16_t>(s));
        same = same && artifact.trace[s].adam_t == adam_t + s * seat.spec.inner.steps_per_segment &&
               artifact.trace[s].cursor == protocol::segment_cursor(seat.spec, miner.rank, index);
    }
    return std::optional(same ? Verdict::kAccept : Verdict::kBrokenContinuity);
}

Result<std::vector<Screened>> screen(const participant::Seat& seat,
                                     const participant::Artifacts& artifacts,
                                     const participant::Training& training,
                                     const protocol::RunState& state,
                                     const protocol::RoundView& view, const Collected& collected) {
    const Hash256 profile = protocol::profile_id(seat.spec.profile);
    std::vector<Screened> screened;
    for (const auto& [uid, fetched] : collected) {
        Screened one{uid, fetched->verdict, 0.0, 0.0, 0.0, {}};
        if (one.verdict == Verdict::kAccept) {
            one.payload_root = fetched->artifact.feedback.payload_root;
        }
        if (one.verdict == Verdict::kAccept && fetched->artifact.profile_id != profile) {
            one.verdict = Verdict::kWrongProfile;
        }
        if (one.verdict == Verdict::kAccept) {
            COVENANT_TRY(const auto continuity,
                         check_continuity(seat, artifacts, state, view, *view.miner(uid),
                                          fetched->artifact));
            // Nobody can show what it continues: not voted for.
            one.verdict = continuity.value_or(Verdict::kBrokenContinuity);
        }
        if (one.verdict == Verdict::kAccept) {
            one.verdict = check_norm(fetched->artifact, one.norm);
        }
        screened.push_back(one);
    }
    const double median = median_norm(screened);
    for (Screened& one : screened) {
        if (one.verdict == Verdict::kAccept && one.norm < kNormFloor * median) {
            one.verdict = Verdict::kNormOutOfBounds;
        }
    }
    COVENANT_CHECK(add_loss_scores(seat, training, state, view, collected, screened));
    apply_loss_gate(screened);
    return screened;
}

Bytes encode_screened(std::span<const Screened> screened) {
    codec::Writer out;
    out.count(screened.size());
    for (const Screened& one : screened) {
        out.id(one.uid).u8(static_cast<std::uint8_t>(one.verdict));
        out.u64(std::bit_cast<std::uint64_t>(one.norm));
        out.u64(std::bit_cast<std::uint64_t>(one.score_own))
            .u64(std::bit_cast<std::uint64_t>(one.score_heldout))
            .fixed(one.payload_root);
    }
    return out.take();
}

Result<std::vector<Screened>> decode_screened(ByteView bytes) {
    codec::Reader in(bytes);
    std::vector<Screened> screened(in.count(59, protocol::kMaxUids));
    for (Screened& one : screened) {
        one.uid = in.id<protocol::Uid>();
        one.verdict = static_cast<Verdict>(in.u8());
        one.norm = std::bit_cast<double>(in.u64());
        one.score_own = std::bit_cast<double>(in.u64());
        one.score_heldout = std::bit_cast<double>(in.u64());
        one.payload_root = in.fixed<Hash256>();
    }
    if (!in.finish()) {
        return fail(Errc::kCorrupt, "the journal's screening row does not decode");
    }
    return screened;
}

}  // namespace covenant::validator
