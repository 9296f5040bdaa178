// A node's own small records in RocksDB: one process at a time, every record durable before put()
// returns. Large bytes belong in FileStore or StateStore; the order there is object first, then the
// record that names it.
//
// Each put raises a sequence number kept in the database, and afterwards in a file beside it. A
// database that opens with a lower number than the file has lost acknowledged records (a damaged
// log that RocksDB skipped): opening refuses.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace covenant::store {

inline constexpr std::size_t kMaxKeyBytes = 1024;
inline constexpr std::size_t kMaxValueBytes = std::size_t{16} << 20;

class IndexStore {
  public:
    // Creates it where there is none. kPrecondition: another process has it open; kCorrupt:
    // damaged, or acknowledged records are missing; kIo.
    static Result<std::unique_ptr<IndexStore>> open(const std::filesystem::path& folder);
    ~IndexStore();
    IndexStore(const IndexStore&) = delete;
    IndexStore& operator=(const IndexStore&) = delete;

    // Keys have 1..kMaxKeyBytes bytes, values at most kMaxValueBytes, else kInvalidArgument.
    Status put(std::string_view key, ByteView value);
    Result<Bytes> get(std::string_view key);  // kNotFound
    // Puts so far, over the life of the store.
    [[nodiscard]] std::uint64_t sequence() const;

  private:
    struct Database;
    explicit IndexStore(std::unique_ptr<Database> database);
    std::unique_ptr<Database> database_;
};

}  // namespace covenant::store
