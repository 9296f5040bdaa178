// The chain's events in SQLite (schema.sql). Everything in it can be rebuilt from the chain.
#pragma once

#include "chain/abi/contracts.hpp"
#include "common/protocol/run_state.hpp"
#include "common/sqlite/database.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace covenant::chain {

struct IndexedBlock {
    protocol::BlockNumber number;
    Hash256 hash;
    Hash256 parent_hash;
    protocol::ChainTime time;
};

// A block's logs of ours, in log order.
struct BlockLogs {
    IndexedBlock block;
    std::vector<Log> logs;
};

class Index {
  public:
    // Creates the tables where missing. kMismatch when the file indexes another chain or other
    // contracts.
    static Result<Index> open(sqlite::Database& database, std::uint64_t chain_id,
                              const Hash256& genesis, const ContractAddresses& contracts);

    Result<std::optional<IndexedBlock>> cursor();  // the newest block; nothing in an empty index
    Result<std::optional<IndexedBlock>> block_at_or_below(protocol::BlockNumber number);
    // One transaction: the blocks above `fork` go, with their events, and `blocks` come. Adds one
    // to reorgs() when something was deleted.
    Status replace(std::optional<protocol::BlockNumber> fork, std::span<const BlockLogs> blocks);
    Result<std::uint64_t> reorgs();

    // In chain order, from the event after (block, log index) on, at most `limit`.
    struct Position {
        std::uint64_t block = 0;
        std::uint64_t next_log = 0;
    };
    Result<std::vector<protocol::Event>> events_from(Position position,
                                                     std::uint64_t limit = std::uint64_t{1} << 62);

    [[nodiscard]] const ContractAddresses& contracts() const { return contracts_; }

  private:
    Index(sqlite::Database& database, ContractAddresses contracts)
        : database_(&database), contracts_(std::move(contracts)) {}
    sqlite::Database* database_;
    ContractAddresses contracts_;
};

// events_from for a database that is open for reading only.
Result<std::vector<protocol::Event>> read_events(sqlite::Database& database,
                                                 const ContractAddresses& contracts,
                                                 Index::Position position, std::uint64_t limit);
// What a fold needs to know everything about rounds [first, last] of a run: the roster, the events
// of those rounds, and the newest beacon and accepted parameters before them. In chain order.
Result<std::vector<protocol::Event>> read_round_events(sqlite::Database& database,
                                                       const ContractAddresses& contracts,
                                                       const protocol::RunId& run,
                                                       protocol::Round first, protocol::Round last);

// Every settlement of the run, ascending round.
Result<std::vector<protocol::RoundSettled>> read_settlements(sqlite::Database& database,
                                                             const ContractAddresses& contracts,
                                                             const protocol::RunId& run);

}  // namespace covenant::chain
