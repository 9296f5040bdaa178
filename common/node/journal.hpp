// The node's memory of what it has done: opaque keys, opaque bytes, in one SQLite file.
//
// A stage writes its output here before the next stage starts; after `kill -9` the node resumes at
// the last row. A sealed row (a signed commitment, a revealed score) can never be replaced: that is
// what keeps a restarted node from signing something different.
//
// File: SQLite 3, WAL, synchronous=FULL. Table entry(key TEXT PRIMARY KEY, value BLOB, sealed
// INTEGER, sequence INTEGER, digest BLOB of the row). Every write takes the next sequence number in
// the transaction that writes it; meta holds the last one, and the two are compared at open. A file
// of a newer schema is refused.
//
// Keys order as bytes: write numbers in keys with journal_key, which pads them.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::node {

struct JournalEntry {
    std::string key;
    Bytes value;
    bool sealed = false;
    std::uint64_t sequence = 0;  // order of writing, from 1
};

// "prefix/00000000000000000042": byte order = numeric order.
std::string journal_key(std::string_view prefix, std::uint64_t number);
std::string journal_key(std::string_view prefix, std::uint64_t number, std::string_view suffix);

// Thread-safe (one connection under a mutex).
class Journal {
  public:
    static constexpr std::size_t kMaxKeyBytes = 512;
    static constexpr std::size_t kMaxValueBytes = std::size_t{256} << 20;

    // Creates the file if it is missing. kCorrupt: damaged, a row that does not match its digest,
    // or rows missing behind its sequence.
    // kPrecondition: written by a newer version. kIo otherwise.
    static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& path);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // Durable on return. Replaces an unsealed row. kAlreadyExists: the row is sealed and holds
    // other bytes.
    Status put(std::string_view key, ByteView value);
    // As put, and final: sealing the same bytes again is fine, other bytes (or a row put before
    // with other bytes) are kAlreadyExists.
    Status seal(std::string_view key, ByteView value);
    [[nodiscard]] Result<std::optional<Bytes>> get(std::string_view key) const;
    [[nodiscard]] Result<bool> contains(std::string_view key) const;
    // In key order, at most `limit`.
    [[nodiscard]] Result<std::vector<JournalEntry>> list(std::string_view prefix,
                                                         std::size_t limit = 1000) const;
    // The greatest key under the prefix.
    [[nodiscard]] Result<std::optional<JournalEntry>> last(std::string_view prefix) const;
    // Drops unsealed rows under `prefix` whose key is >= `key` (a reorganised chain); sealed rows
    // stay. Returns how many went.
    Result<std::uint64_t> erase_from(std::string_view prefix, std::string_view key);
    // Drops every row, sealed ones too, under `prefix` with key < `key`: what is final and old.
    Result<std::uint64_t> prune_before(std::string_view prefix, std::string_view key);

    [[nodiscard]] std::uint64_t sequence() const;  // writes ever made

  private:
    Status write(std::string_view key, ByteView value, bool seal);
    class Impl;
    explicit Journal(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::node
