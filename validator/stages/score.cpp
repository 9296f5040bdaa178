#include "validator/stages/score.hpp"

#include "chain/ledger.hpp"
#include "chain/participant/housekeeping.hpp"
#include "common/base/log.hpp"
#include "common/codec/reader.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/random.hpp"
#include "common/node/journal.hpp"
#include "common/protocol/score.hpp"
#include "common/protocol/transition.hpp"

#include <algorithm>

#include <fmt/format.h>

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

// Ratings as they were before this round.
Result<std::map<protocol::Uid, protocol::Rating>> ratings_before(const node::Journal& journal,
                                                                 protocol::Round round) {
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
        return std::map<protocol::Uid, protocol::Rating>{};
    }
    const auto ratings = protocol::decode_ratings(newest->value);
    if (!ratings) {
        return fail(Errc::kCorrupt, "the journal's row of ratings does not decode");
    }
    return *ratings;
}

// Of every active miner whose key was shown; what was audited plays no part (R8).
std::vector<protocol::MinerRound> judged(const protocol::RoundView& view,
                                         std::span<const Screened> screened) {
    std::vector<protocol::MinerRound> out;
    for (const protocol::MinerView& miner : view.miners) {
        if (!miner.key) {
            continue;
        }
        protocol::MinerRound round;
        round.uid = miner.uid;
        round.segments = miner.commitment->signed_commitment.commitment.segments;
        const auto one = std::ranges::find(screened, miner.uid, &Screened::uid);
        if (one != screened.end()) {
            const bool measured = one->verdict == protocol::Verdict::kAccept ||
                                  one->verdict == protocol::Verdict::kLossGate;
            if (measured) {
                round.loss_score = one->score_heldout;
            }
            if (!one->payload_root.is_zero()) {
                round.payload_root = one->payload_root;
            }
        }
        out.push_back(round);
    }
    return out;
}

// For people: how the miners compare over the rounds that this validator has seen.
Status rate(node::Journal& journal, protocol::Round round,
            std::span<const protocol::MinerRound> miners) {
    COVENANT_TRY(auto ratings, ratings_before(journal, round));
    protocol::rate_round(miners, ratings);
    for (const protocol::MinerRound& miner : miners) {
        const auto rating = ratings.find(miner.uid);
        if (rating != ratings.end()) {
            log::debug("score", "rated",
                       {{"round", round.value},
                        {"uid", miner.uid.value},
                        {"rating", fmt::format("{:.2f}", rating->second.ordinal())}});
        }
    }
    return journal.put(node::journal_key(participant::kHistoryPrefix, round.value),
                       protocol::encode_ratings(ratings));
}

}  // namespace

Result<Ballot> score(const participant::Seat& seat, node::Journal& journal,
                     const protocol::RoundView& view, std::span<const Screened> screened,
                     std::span<const AuditResult> audits) {
    COVENANT_TRY(auto before, sealed_ballot(journal, view.round));
    if (before) {
        return std::move(*before);
    }
    const std::vector<protocol::MinerRound> miners = judged(view, screened);
    Ballot ballot;
    ballot.weights = protocol::weights_from_scores(protocol::score_round(seat.spec, miners));
    for (const AuditResult& one : audits) {
        ballot.findings.push_back(one.finding);
    }
    std::sort(ballot.findings.begin(), ballot.findings.end(),
              [](const protocol::Finding& a, const protocol::Finding& b) { return a.uid < b.uid; });
    ballot.salt = Hash256::from(crypto::random_bytes(Hash256::kSize));
    COVENANT_CHECK(rate(journal, view.round, miners));
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
