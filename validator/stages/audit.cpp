#include "validator/stages/audit.hpp"

#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/secp256k1.hpp"
#include "common/crypto/sha256.hpp"
#include "common/execution/audit.hpp"
#include "common/execution/parameter_follower.hpp"
#include "validator/stages/screen.hpp"

#include <optional>

namespace covenant::validator {

using protocol::Verdict;

namespace {

// A drawn opening as it came from the store.
struct Opening {
    Bytes bytes;
    Hash256 address;  // zero when nothing usable is there
};

// Not there, or what no opening is: a stranger's doing, whatever it is.
Result<std::optional<Opening>> none_or(Error error) {
    const bool theirs = error.code == Errc::kNotFound || error.code == Errc::kCorrupt ||
                        error.code == Errc::kRejected;
    return theirs ? Result<std::optional<Opening>>(std::nullopt) : fail(std::move(error));
}

// Nothing when it is missing or longer than it can be.
Result<std::optional<Opening>> fetch_opening(store::ArtifactStore& store, const std::string& name,
                                             std::uint64_t max_bytes) {
    const auto address = store.resolve(name);
    if (!address) {
        return none_or(address.error());
    }
    auto bytes = store.get(*address, max_bytes);
    if (!bytes) {
        return none_or(std::move(bytes).error());
    }
    return std::optional<Opening>(Opening{std::move(*bytes), *address});
}

class Auditor {
  public:
    Auditor(const participant::Seat& seat, const participant::Artifacts& artifacts,
            const participant::Training& training, const AuditCase& drawn)
        : seat_(seat),
          artifacts_(artifacts),
          training_(training),
          drawn_(drawn),
          view_(drawn.view),
          duty_(drawn.duty),
          miner_(*view_.miner(duty_.miner)),
          artifact_(drawn.fetched.artifact),
          trace_{seat.run, miner_.uid, view_.round} {
        evidence_.run = seat.run;
        evidence_.round = view_.round;
        evidence_.miner = duty_.miner;
    }

    // False when an opening is missing.
    Result<bool> run() {
        COVENANT_TRY(const auto continuity,
                     check_continuity(seat_, artifacts_, drawn_.state, view_, miner_, artifact_));
        if (continuity && *continuity != Verdict::kAccept) {
            // Every later link hangs on the first: what was brought along is not the miner's past.
            blame(*continuity,
                  protocol::segment_hash(trace_, protocol::Segment(0), artifact_.trace.front()), {},
                  {});
            return true;
        }
        for (const protocol::Segment segment : duty_.segments) {
            COVENANT_TRY(const bool present, replay(segment));
            if (!present || evidence_.verdict != Verdict::kAccept) {
                return present;
            }
        }
        return recompress();
    }
    [[nodiscard]] protocol::Evidence& evidence() { return evidence_; }
    [[nodiscard]] Hash256 receipt() const {
        const Hash256 digest = crypto::sha256_tagged("replayed", digests_);
        return protocol::replay_receipt(seat_.key.address(), *view_.sigma, digest);
    }

  private:
    void blame(Verdict verdict, const Hash256& claimed, const Hash256& recomputed,
               const Hash256& opening) {
        evidence_.verdict = verdict;
        evidence_.claimed = claimed;
        evidence_.recomputed = recomputed;
        evidence_.opening = opening;
    }

    Result<bool> replay(protocol::Segment segment) {
        evidence_.segment = segment;
        const std::uint64_t size = execution::state_opening_bytes(training_.engine.layout());
        COVENANT_TRY(auto opening, fetch_opening(artifacts_.store,
                                                 store::state_opening_name(seat_.run, view_.round,
                                                                           duty_.miner, segment),
                                                 size));
        if (!opening) {
            return false;
        }
        const protocol::SegmentRecord& record = artifact_.trace.at(segment.value);
        auto boundary =
            execution::decode_state_opening(opening->bytes, training_.engine.layout(), record);
        if (!boundary) {
            blame(boundary.error(), protocol::segment_hash(trace_, segment, record), {},
                  opening->address);
            return true;
        }
        const auto between_steps = [this](std::uint32_t, float) {
            if (drawn_.between_steps) drawn_.between_steps();
        };
        const execution::SegmentJob job{.spec = seat_.spec,
                                        .windows = training_.windows,
                                        .assignment = view_.assignment(miner_),
                                        .segment = segment,
                                        .stop = training_.stop,
                                        .on_step = between_steps};
        COVENANT_TRY(
            const execution::SegmentAudit audit,
            execution::audit_segment(training_.engine, artifact_, std::move(*boundary), job));
        if (audit.verdict != Verdict::kAccept) {
            blame(audit.verdict, audit.claimed_hash, audit.recomputed_hash, opening->address);
        }
        append(digests_, audit.state_digest.view());
        return true;
    }

    // What the chunks' feedback must stand under; nothing after a fresh start. kNotFound: nobody
    // shows what was continued.
    Result<std::optional<execution::CommittedFeedback>> past() {
        const protocol::Continuity& continuity = miner_.continuity;
        if (continuity.fresh) return std::optional<execution::CommittedFeedback>{};
        COVENANT_TRY(const store::TraceRecord last,
                     committed_trace(seat_, artifacts_, drawn_.state, continuity.previous_round,
                                     miner_.uid));
        execution::CommittedFeedback out{.sum_root = last.feedback.sum_root, .arrived = {}};
        if (continuity.previous_included) {
            out.arrived = seat_.spec.sparsity(continuity.previous_round);
        }
        return std::optional(out);
    }

    Result<bool> recompress() {
        evidence_.segment = {};
        COVENANT_TRY(auto opening,
                     fetch_opening(artifacts_.store,
                                   store::chunk_opening_name(seat_.run, view_.round, duty_.miner,
                                                             *view_.sigma),
                                   execution::max_chunk_opening_bytes(duty_.chunks.size())));
        if (!opening) {
            return false;
        }
        const auto continued = past();
        if (!continued && continued.error().code == Errc::kNotFound) {
            return false;
        }
        COVENANT_TRY(const auto feedback, continued);
        const auto chunks =
            execution::decode_chunk_opening(opening->bytes, duty_.chunks, training_.engine.layout(),
                                            feedback ? &*feedback : nullptr);
        if (!chunks) {
            blame(chunks.error(), artifact_.feedback.payload_root, {}, opening->address);
            return true;
        }
        COVENANT_TRY(const engine::ParameterBuffer* base,
                     training_.parameters.parameters(drawn_.state, view_.round));
        for (const execution::ChunkOpening& chunk : *chunks) {
            const Verdict verdict = execution::audit_chunk(seat_.spec, training_.engine.layout(),
                                                           *base, artifact_, chunk);
            if (verdict != Verdict::kAccept) {
                evidence_.chunk = chunk.index;
                blame(verdict, artifact_.feedback.payload_root, {}, opening->address);
                return true;
            }
        }
        return true;
    }

    const participant::Seat& seat_;
    const participant::Artifacts& artifacts_;
    const participant::Training& training_;
    const AuditCase& drawn_;
    const protocol::RoundView& view_;
    const protocol::AuditDuty& duty_;
    const protocol::MinerView& miner_;
    const protocol::Artifact& artifact_;
    protocol::TraceContext trace_;
    protocol::Evidence evidence_;
    Bytes digests_;
};

Result<AuditResult> conclude(store::ArtifactStore& store, const protocol::Evidence& evidence,
                             const Hash256& receipt) {
    AuditResult result;
    result.verdict = evidence.verdict;
    result.finding.uid = evidence.miner;
    if (evidence.verdict == Verdict::kAccept) {
        result.finding.verdict = protocol::kFindingPass;
        result.finding.evidence = receipt;
        return result;
    }
    result.finding.verdict = protocol::kFindingFail;
    result.finding.segment = evidence.segment;
    COVENANT_TRY(result.finding.evidence, store.put(protocol::encode_evidence(evidence)));
    return result;
}

}  // namespace

Result<std::optional<AuditResult>> audit(const participant::Seat& seat,
                                         const participant::Artifacts& artifacts,
                                         const participant::Training& training,
                                         const AuditCase& drawn) {
    Auditor auditor(seat, artifacts, training, drawn);
    const Verdict fetched = drawn.fetched.verdict;
    if (fetched != Verdict::kAccept) {
        // A drawn miner that hides its artifact after seeing the draw fails; broken ones fail by
        // their own verdict.
        if (fetched == Verdict::kUnavailable && !drawn.final) {
            return std::optional<AuditResult>{};
        }
        auditor.evidence().verdict = fetched;
    } else {
        COVENANT_TRY(const bool present, auditor.run());
        if (!present) {
            if (!drawn.final) {
                return std::optional<AuditResult>{};
            }
            auditor.evidence().verdict = Verdict::kOpeningMissing;
        }
    }
    COVENANT_TRY(AuditResult result,
                 conclude(artifacts.store, auditor.evidence(), auditor.receipt()));
    return std::optional<AuditResult>(std::move(result));
}

Bytes encode_audit(const AuditResult& result) {
    codec::Writer out;
    out.id(result.finding.uid)
        .u8(result.finding.verdict)
        .id(result.finding.segment)
        .fixed(result.finding.evidence);
    out.u8(static_cast<std::uint8_t>(result.verdict));
    return out.take();
}

Result<AuditResult> decode_audit(ByteView bytes) {
    codec::Reader in(bytes);
    AuditResult result;
    result.finding.uid = in.id<protocol::Uid>();
    result.finding.verdict = in.u8();
    result.finding.segment = in.id<protocol::Segment>();
    result.finding.evidence = in.fixed<Hash256>();
    result.verdict = static_cast<Verdict>(in.u8());
    if (!in.finish()) {
        return fail(Errc::kCorrupt, "the journal's audit row does not decode");
    }
    return result;
}

}  // namespace covenant::validator
