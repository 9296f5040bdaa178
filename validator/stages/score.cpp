#include "validator/stages/score.hpp"

#include "chain/ledger.hpp"
#include "chain/participant/housekeeping.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/random.hpp"
#include "common/node/journal.hpp"
#include "common/protocol/score.hpp"
#include "common/protocol/transition.hpp"

#include <algorithm>

namespace covenant::validator {
namespace {

Bytes encode_ballot(const Ballot& ballot) {
    codec::Writer out;
    out.count(ballot.weights.size());
    for (const std::uint16_t weight : ballot.weights) {
        out.u16(weight);
    }
    out.count(ballot.findings.size());
    for (const protocol::Finding& finding : ballot.findings) {
        out.id(finding.uid).u8(finding.verdict).id(finding.segment).fixed(finding.evidence);
    }
    out.fixed(ballot.salt);
    return out.take();
}

Result<Ballot> decode_ballot(ByteView bytes) {
    codec::Reader in(bytes);
    Ballot ballot;
    ballot.weights.resize(in.count(2, protocol::kMaxUids));
    for (std::uint16_t& weight : ballot.weights) {
        weight = in.u16();
    }
    ballot.findings.resize(in.count(37, protocol::kMaxUids));
    for (protocol::Finding& finding : ballot.findings) {
        finding.uid = in.id<protocol::Uid>();
        finding.verdict = in.u8();
        finding.segment = in.id<protocol::Segment>();
        finding.evidence = in.fixed<Hash256>();
    }
    ballot.salt = in.fixed<Hash256>();
    if (!in.finish()) {
        return fail(Errc::kCorrupt, "the journal's ballot row does not decode");
    }
    return ballot;
}

// Histories as they were before this round.
Result<std::map<protocol::Uid, protocol::MinerHistory>> histories_before(
    const node::Journal& journal, protocol::Round round) {
    COVENANT_TRY(const auto rows,
                 journal.list(std::string(participant::kHistoryPrefix) + "/", 1U << 20));
    const std::string mine = node::journal_key(participant::kHistoryPrefix, round.value);
    const node::JournalEntry* newest = nullptr;
    for (const node::JournalEntry& row : rows) {
        if (row.key < mine) {
            newest = &row;
        }
    }
    if (newest == nullptr) {
        return std::map<protocol::Uid, protocol::MinerHistory>{};
    }
    const auto histories = protocol::decode_history(newest->value);
    if (!histories) {
        return fail(Errc::kCorrupt, "the journal's history row does not decode");
    }
    return *histories;
}

protocol::MinerRound judge(const protocol::MinerView& miner, std::span<const Screened> screened,
                           std::span<const AuditResult> audits) {
    protocol::MinerRound round;
    round.uid = miner.uid;
    round.committed = miner.commitment.has_value();
    if (round.committed) {
        round.tokens = miner.commitment->signed_commitment.commitment.tokens;
    }
    for (const Screened& one : screened) {
        if (one.uid == miner.uid) {
            round.eligible = one.verdict == protocol::Verdict::kAccept;
            round.loss_score_own = one.score_own;
            round.loss_score_heldout = one.score_heldout;
        }
    }
    for (const AuditResult& one : audits) {
        if (one.finding.uid == miner.uid) {
            round.audited = true;
            round.audit_passed = one.finding.verdict == protocol::kFindingPass;
            round.eligible = round.eligible && round.audit_passed;
        }
    }
    return round;
}

}  // namespace

Result<Ballot> score(const participant::Seat& seat, node::Journal& journal,
                     const protocol::RoundView& view, std::span<const Screened> screened,
                     std::span<const AuditResult> audits) {
    COVENANT_TRY(auto before, sealed_ballot(journal, view.round));
    if (before) {
        return std::move(*before);
    }
    COVENANT_TRY(auto histories, histories_before(journal, view.round));
    std::vector<protocol::MinerRound> rounds;
    for (const protocol::MinerView& miner : view.miners) {
        rounds.push_back(judge(miner, screened, audits));
    }
    const auto scores = protocol::score_round(seat.spec, rounds, histories);
    Ballot ballot;
    ballot.weights = protocol::weights_from_scores(scores);
    for (const AuditResult& one : audits) {
        ballot.findings.push_back(one.finding);
    }
    std::sort(ballot.findings.begin(), ballot.findings.end(),
              [](const protocol::Finding& a, const protocol::Finding& b) { return a.uid < b.uid; });
    ballot.salt = Hash256::from(crypto::random_bytes(Hash256::kSize));
    COVENANT_CHECK(journal.put(node::journal_key(participant::kHistoryPrefix, view.round.value),
                               protocol::encode_history(histories)));
    COVENANT_CHECK(
        journal.seal(participant::stage_key(view.round, "ballot"), encode_ballot(ballot)));
    return ballot;
}

Result<std::optional<Ballot>> sealed_ballot(const node::Journal& journal, protocol::Round round) {
    COVENANT_TRY(const auto row, journal.get(participant::stage_key(round, "ballot")));
    if (!row) {
        return std::optional<Ballot>{};
    }
    COVENANT_TRY(Ballot ballot, decode_ballot(*row));
    return std::optional<Ballot>(std::move(ballot));
}

Hash256 ballot_hash(const participant::Seat& seat, const chain::Ledger& ledger,
                    protocol::Round round, const Ballot& ballot) {
    return protocol::score_commitment(ledger.domain(), ledger.score_ledger(), seat.run, round,
                                      seat.uid, ballot.weights, ballot.findings, ballot.salt);
}

}  // namespace covenant::validator
