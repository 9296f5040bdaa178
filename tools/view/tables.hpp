// What the command line and the explorer say about a run, computed from the folded chain state and
// nothing else: rows for tables, and the same as JSON. Pure.
//
// In JSON hashes and addresses are whole 0x texts, amounts decimal strings in tokens, times seconds
// of chain time, missing facts null.
#pragma once

#include "chain/indexer/queries.hpp"
#include "common/codec/json.hpp"
#include "common/protocol/not_counted.hpp"
#include "tools/view/names.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace covenant::view {

// A run as of a block.
struct Scene {
    protocol::RunState state;
    Folder folder;
    std::uint64_t chain_id = 0;
    std::optional<chain::IndexedBlock> head;  // nothing: no block was read yet
    bool live = false;                        // read from the chain now, not from a stored index

    [[nodiscard]] protocol::ChainTime now() const {
        return head ? head->time : protocol::ChainTime{};
    }
    // One past the last round to show: those that have begun, and no more than a devnet was asked
    // for.
    [[nodiscard]] protocol::Round end() const;
    // Of a run that is known.
    [[nodiscard]] protocol::RoundView round(protocol::Round round) const;
};

// ---- the run

// Where a run stands on chain time.
struct RunStatus {
    std::optional<protocol::Round> round;  // nothing before the start
    protocol::Phase phase = protocol::Phase::kBeforeStart;
    std::uint64_t seconds_left = 0;  // of the phase
    Hash256 base_root;
    std::optional<float> heldout_loss;  // of those parameters, where it was agreed
    std::size_t miners = 0;             // active now
    std::size_t validators = 0;
    std::size_t committed = 0;  // in the round so far
};
// Nothing before the run and a block are known.
std::optional<RunStatus> run_status(const Scene& scene);
codec::Json status_json(const Scene& scene);
// RunSpec in words: model, data, timing, stake, and what a round costs.
codec::Json run_json(const Scene& scene);
// Upper bound of one artifact's ciphertext.
std::uint64_t artifact_bytes_bound(const protocol::RunSpec& spec);
// Of a state and its optimiser: buffers of 4 bytes a parameter that a node holds while it trains.
std::uint64_t training_bytes_estimate(const protocol::RunSpec& spec);

// ---- hotkeys

codec::Json neuron_json(const Scene& scene, const chain::NeuronRow& row);
codec::Json neurons_json(const Scene& scene);

// "late_commit", "inclusion late_ballot, scores late_ballot", or "-".
std::string not_counted_text(std::span<const protocol::Uncounted> rows);
// All rounds that have begun.
codec::Json hotkey_rounds_json(const Scene& scene, protocol::Uid uid);

// ---- scores and audits

struct AuditRow {
    protocol::Round round;
    protocol::Uid miner;
    protocol::Uid validator;
    bool passed = false;
    std::optional<protocol::Segment> segment;  // that failed
    std::vector<protocol::Segment> drawn;
    Hash256 evidence;  // zero for a pass
};
struct AuditFilter {
    std::optional<protocol::Round> round;
    std::optional<protocol::Uid> miner;
};
std::vector<AuditRow> audit_rows(const Scene& scene, const AuditFilter& filter);
codec::Json audit_json(const Scene& scene, const AuditRow& row);

codec::Json scores_json(const Scene& scene, const protocol::RoundView& round);

// ---- emission

// By hotkey over all rounds, and what each round minted.
codec::Json emission_json(const Scene& scene, std::span<const protocol::RoundSettled> settlements);

}  // namespace covenant::view
