// A node's own small records in RocksDB: one process at a time, every commit durable before it
// returns. Large bytes belong in FileStore or StateStore; the order there is object first, then the
// index entry that names it.
//
// Each commit raises a sequence number kept in the database, and afterwards in a file beside it.
// A database that opens with a lower number than the file has lost acknowledged commits (a damaged
// log that RocksDB skipped): opening refuses.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::store {

enum class Table : std::uint8_t {
    kManifests,  // typed headers of artifacts, by run, round, uid
    kRecords,    // local state digests, opening locations, outcomes
    kMeta,       // format version, sequence, settings of this store
};
inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxValueBytes = std::size_t{16} << 20;

struct IndexEntry {
    std::string key;
    Bytes value;
    bool operator==(const IndexEntry&) const = default;
};

// Changes that become visible and durable together.
class IndexBatch {
  public:
    IndexBatch& put(Table table, std::string_view key, ByteView value);
    IndexBatch& erase(Table table, std::string_view key);
    [[nodiscard]] bool empty() const { return changes_.empty(); }

  private:
    friend class IndexStore;
    struct Change {
        Table table;
        bool erase;
        std::string key;
        Bytes value;
    };
    std::vector<Change> changes_;
};

class IndexStore {
  public:
    // Creates it where there is none. kPrecondition: another process has it open; kCorrupt:
    // damaged, or acknowledged commits are missing; kIo.
    static Result<std::unique_ptr<IndexStore>> open(const std::filesystem::path& folder);
    ~IndexStore();
    IndexStore(const IndexStore&) = delete;
    IndexStore& operator=(const IndexStore&) = delete;

    // Keys have 1..kMaxKeyBytes bytes, values at most kMaxValueBytes, else kInvalidArgument. Keys
    // of kMeta that begin with a zero byte are the store's own.
    Status put(Table table, std::string_view key, ByteView value);
    Status erase(Table table, std::string_view key);  // no error when it is not there
    Status commit(const IndexBatch& batch);
    Result<Bytes> get(Table table, std::string_view key);  // kNotFound
    // Entries whose key begins with the prefix, ascending bytewise, at most max_items; continue
    // with `after` = the last key seen.
    Result<std::vector<IndexEntry>> list(Table table, std::string_view prefix,
                                         std::size_t max_items = 10'000,
                                         std::string_view after = {});
    // Commits so far, over the life of the store.
    [[nodiscard]] std::uint64_t sequence() const;

  private:
    struct Database;
    explicit IndexStore(std::unique_ptr<Database> database);
    std::unique_ptr<Database> database_;
};

}  // namespace covenant::store
