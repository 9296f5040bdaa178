// What the command line and the explorer read. An IndexReader is a read-only view of an index that
// another process may be writing; every method sees one consistent snapshot.
#pragma once

#include "chain/indexer/index.hpp"
#include "chain/state_fold.hpp"
#include "common/codec/json.hpp"
#include "common/protocol/run_state.hpp"
#include "common/sqlite/database.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace covenant::chain {

struct NetworkFile;

struct IndexInfo {
    std::uint64_t chain_id = 0;
    Hash256 genesis_hash;
    ContractAddresses contracts;
    std::optional<IndexedBlock> head;
    std::uint64_t events = 0;
    std::uint64_t reorgs = 0;
};

struct EventFilter {
    std::optional<std::string> kind;  // protocol::event_name
    std::optional<protocol::RunId> run;
    std::optional<protocol::Round> round;
    std::optional<protocol::Uid> uid;
    std::optional<std::uint64_t> above_block;
    std::optional<std::string> text;  // somewhere in the body's JSON
    bool newest_first = false;
    std::uint64_t limit = 1'000;
    std::uint64_t offset = 0;
};

struct EventRow {
    protocol::BlockNumber block;
    Hash256 block_hash;
    protocol::ChainTime time;
    std::uint32_t log_index = 0;
    Hash256 transaction;
    std::string kind;
    codec::Json body;                 // event_body_json
    std::uint64_t confirmations = 0;  // blocks from the event's on, itself counted
};

class IndexReader {
  public:
    // kNotFound: no such file. kMismatch: no index, or one of another version.
    static Result<IndexReader> open(const std::string& path);
    // The same for the index of this network: kMismatch names both sides when the file follows
    // another chain or other contracts, or knows runs but not the network's.
    static Result<IndexReader> open(const std::string& path, const NetworkFile& network);

    Result<IndexInfo> info();
    // What a watcher asks: whether something is new. Costs the same at any age of the index.
    struct Look {
        std::optional<IndexedBlock> head;
        std::uint64_t reorgs = 0;
    };
    Result<Look> look();
    Result<std::vector<EventRow>> events(const EventFilter& filter);
    Result<std::uint64_t> count(const EventFilter& filter);
    Result<std::vector<protocol::RunId>> runs();  // in the order of creation
    // The fold of all events; only those are read that came since the last call for the same run.
    Result<protocol::RunState> state(const protocol::RunId& run, std::uint64_t kept_rounds = 0);
    // A state that knows everything about rounds [first, last]; its tallies are not the run's.
    Result<protocol::RunState> rounds(const protocol::RunId& run, protocol::Round first,
                                      protocol::Round last);
    // Every settlement of the run, ascending round.
    Result<std::vector<protocol::RoundSettled>> settlements(const protocol::RunId& run);
    // Events that the last state() was made of.
    [[nodiscard]] std::uint64_t folded() const { return fold_ ? fold_->events() : 0; }

  private:
    explicit IndexReader(sqlite::Database database) : database_(std::move(database)) {}
    Status check(const NetworkFile& network);
    Result<ContractAddresses> contracts();

    sqlite::Database database_;
    std::optional<ContractAddresses> contracts_;  // once read
    std::optional<StateFold> fold_;
    protocol::RunId fold_run_;       // that was asked for
    std::uint64_t fold_reorgs_ = 0;  // of the index, when the fold was begun
};

// ---- rows computed from a folded state, for tables

// The revealed weights of a uid in a round, mean by stake.
std::uint16_t mean_weight(const protocol::RoundRecord& record, protocol::Uid uid);

struct NeuronRow {
    protocol::Uid uid;
    protocol::Role role = protocol::Role::kNone;
    Address hotkey;
    Address coldkey;
    PublicKey network_key;
    protocol::ChainTime registered_at;
    Amount stake;              // now
    std::uint64_t rounds = 0;  // committed (miner) or voted on inclusion (validator)
    std::uint64_t fails = 0;   // rounds with a settled failure
    std::optional<protocol::Round> last_active;
    Amount credited;  // over all rounds
    Amount claimed;
    std::uint16_t last_weight = 0;  // newest revealed weight, stake-weighted mean, for miners
};
// Ascending uid.
std::vector<NeuronRow> neuron_rows(const protocol::RunState& state, protocol::ChainTime now);

}  // namespace covenant::chain
