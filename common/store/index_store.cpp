#include "common/store/index_store.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/mutex.hpp"
#include "common/base/system_failure.hpp"
#include "common/crypto/sha256.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

namespace covenant::store {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kFamilies = {"manifests", "records", "meta"};
constexpr std::string_view kSequenceKey("\0sequence", 9);
constexpr std::string_view kVersionKey("\0version", 8);
constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kWitnessFile = "acknowledged";
constexpr std::size_t kWitnessBytes = 16;  // u64 LE sequence, first 8 bytes of its tagged hash

rocksdb::Slice slice(std::string_view text) {
    return {text.data(), text.size()};
}
rocksdb::Slice slice(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string u64_text(std::uint64_t value) {
    std::array<std::uint8_t, 8> bytes{};
    store_le(value, bytes.data());
    return std::string(as_text(bytes));
}

tl::unexpected<Error> database_failure(std::string_view what, const rocksdb::Status& status) {
    const std::string text = status.ToString();
    Errc code = Errc::kIo;
    std::string hint;
    if (status.IsCorruption()) {
        code = Errc::kCorrupt;
        hint = "; restore the folder from a copy, or remove it to build the index anew";
    } else if (status.IsNoSpace() || text.find("No space left") != std::string::npos) {
        hint = "; free space and start again";
    } else if (status.IsIOError() && text.find("lock") != std::string::npos) {
        code = Errc::kPrecondition;
        hint = "; another process uses this index, stop it or choose another folder";
    }
    return fail(code, std::string(what) + ": " + text + hint);
}

rocksdb::ColumnFamilyOptions family_options() {
    rocksdb::ColumnFamilyOptions options;
    options.enable_blob_files = true;
    options.min_blob_size = 4096;
    options.enable_blob_garbage_collection = true;
    options.write_buffer_size = std::size_t{8} << 20;
    return options;
}

rocksdb::DBOptions database_options() {
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.atomic_flush = true;
    options.max_total_wal_size = std::uint64_t{32} << 20;
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    options.paranoid_checks = true;
    options.max_background_jobs = 2;
    options.keep_log_file_num = 2;
    options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    return options;
}

// The highest sequence ever acknowledged, in a file of its own. It is written after the database's
// log is synced, so on disk it never runs ahead of it.
class Witness {
  public:
    Witness() = default;
    ~Witness() {
        if (fd_ >= 0) ::close(fd_);
    }
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;

    // The number in the file; 0 when there is none yet.
    Result<std::uint64_t> open(const fs::path& path) {
        COVENANT_CHECK(require_regular_or_absent(path));
        fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd_ < 0) return failure("open", path);
        std::array<std::uint8_t, kWitnessBytes> bytes{};
        const ssize_t got = ::pread(fd_, bytes.data(), bytes.size(), 0);
        if (got < 0) return failure("read", path);
        if (got == 0) return std::uint64_t{0};
        const auto sequence = load_le<std::uint64_t>(bytes.data());
        if (got != static_cast<ssize_t>(kWitnessBytes) || bytes != encode(sequence)) {
            return fail(Errc::kCorrupt, "read " + path.string() +
                                            ": damaged; check the disk, then remove the file to "
                                            "accept the index as it is");
        }
        return sequence;
    }
    Status write(std::uint64_t sequence) const {
        const auto bytes = encode(sequence);
        if (::pwrite(fd_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
            return fail(Errc::kIo,
                        "note an acknowledged commit: " + std::generic_category().message(errno));
        }
        return {};
    }

  private:
    static std::array<std::uint8_t, kWitnessBytes> encode(std::uint64_t sequence) {
        std::array<std::uint8_t, kWitnessBytes> bytes{};
        store_le(sequence, bytes.data());
        const Hash256 check = crypto::sha256_tagged("index-witness", {bytes.data(), 8});
        std::memcpy(bytes.data() + 8, check.bytes.data(), 8);
        return bytes;
    }
    static tl::unexpected<Error> failure(std::string_view what, const fs::path& path) {
        return fail(Errc::kIo, std::string(what) + " " + path.string() + ": " +
                                   std::generic_category().message(errno));
    }
    int fd_ = -1;
};

// RocksDB opens whatever has the name of one of its files, and a FIFO would hold it for ever.
Status require_plain_files(const fs::path& folder) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    if (error == std::errc::no_such_file_or_directory) return {};
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        if (entries->is_directory(error)) continue;
        COVENANT_CHECK(require_regular_or_absent(entries->path()));
    }
    if (error) return system_failure("list", folder, error.value());
    return {};
}

Status check_key(Table table, std::string_view key) {
    if (key.empty() || key.size() > kMaxKeyBytes) {
        return fail(Errc::kInvalidArgument, "index key of " + std::to_string(key.size()) +
                                                " bytes, expected 1 to " +
                                                std::to_string(kMaxKeyBytes));
    }
    if (table == Table::kMeta && key.front() == '\0') {
        return fail(Errc::kInvalidArgument,
                    "index key of the meta table begins with a zero byte: those are reserved");
    }
    return {};
}

}  // namespace

struct IndexStore::Database {
    // Families before the database: members are destroyed in reverse order.
    std::unique_ptr<rocksdb::DB> db;
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    Witness witness;
    Mutex commit_mutex;  // commits are numbered and acknowledged one by one
    std::atomic<std::uint64_t> sequence{0};

    Database() = default;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database() {
        for (rocksdb::ColumnFamilyHandle* family : families)
            db->DestroyColumnFamilyHandle(family);
    }
    [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Table table) const {
        return families[static_cast<std::size_t>(table)];
    }
    // A number of the store's own; 0 when there is none.
    Result<std::uint64_t> number(std::string_view key) const {
        std::string value;
        const rocksdb::Status status =
            db->Get(rocksdb::ReadOptions(), family(Table::kMeta), slice(key), &value);
        if (status.IsNotFound()) return std::uint64_t{0};
        if (!status.ok()) return database_failure("read index", status);
        if (value.size() != 8) return fail(Errc::kCorrupt, "read index: a counter is damaged");
        return load_le<std::uint64_t>(as_bytes(value).data());
    }
    Status open(const fs::path& folder);
};

Status IndexStore::Database::open(const fs::path& folder) {
    COVENANT_CHECK(create_folders_durably(folder, Access::kPrivate));
    COVENANT_CHECK(require_plain_files(folder / "rocksdb"));
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
        {rocksdb::kDefaultColumnFamilyName, family_options()}};
    for (const char* name : kFamilies)
        descriptors.emplace_back(name, family_options());
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    const rocksdb::Status status = rocksdb::DB::Open(
        database_options(), (folder / "rocksdb").string(), descriptors, &handles, &opened);
    if (!status.ok()) return database_failure("open index", status);
    db.reset(opened);
    db->DestroyColumnFamilyHandle(handles.front());  // the default family stays empty
    families.assign(handles.begin() + 1, handles.end());

    COVENANT_TRY(const std::uint64_t version, number(kVersionKey));
    COVENANT_TRY(const std::uint64_t found, number(kSequenceKey));
    if (version == 0 && found == 0) {
        rocksdb::WriteOptions durable;
        durable.sync = true;
        const rocksdb::Status written =
            db->Put(durable, family(Table::kMeta), slice(kVersionKey), u64_text(kVersion));
        if (!written.ok()) return database_failure("create index", written);
    } else if (version != kVersion) {
        return fail(Errc::kPrecondition, "index has format " + std::to_string(version) +
                                             ", this build knows " + std::to_string(kVersion) +
                                             "; use the build that wrote it");
    }
    COVENANT_TRY(const std::uint64_t acknowledged, witness.open(folder / kWitnessFile));
    if (found < acknowledged) {
        return fail(Errc::kCorrupt,
                    "index ends at commit " + std::to_string(found) + ", but commit " +
                        std::to_string(acknowledged) +
                        " was acknowledged: its log is damaged; restore the folder from a copy, "
                        "or remove it to build the index anew");
    }
    COVENANT_CHECK(witness.write(found));
    sequence = found;
    return {};
}

IndexBatch& IndexBatch::put(Table table, std::string_view key, ByteView value) {
    changes_.push_back({table, false, std::string(key), Bytes(value.begin(), value.end())});
    return *this;
}

IndexBatch& IndexBatch::erase(Table table, std::string_view key) {
    changes_.push_back({table, true, std::string(key), {}});
    return *this;
}

IndexStore::IndexStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
IndexStore::~IndexStore() = default;

Result<std::unique_ptr<IndexStore>> IndexStore::open(const fs::path& folder) {
    auto database = std::make_unique<Database>();
    auto opened = database->open(folder);
    if (!opened) return fail(std::move(opened).error().within("open index " + folder.string()));
    return std::unique_ptr<IndexStore>(new IndexStore(std::move(database)));
}

Status IndexStore::put(Table table, std::string_view key, ByteView value) {
    return commit(IndexBatch().put(table, key, value));
}

Status IndexStore::erase(Table table, std::string_view key) {
    return commit(IndexBatch().erase(table, key));
}

Status IndexStore::commit(const IndexBatch& batch) {
    if (batch.empty()) return {};
    rocksdb::WriteBatch changes;
    for (const IndexBatch::Change& change : batch.changes_) {
        COVENANT_CHECK(check_key(change.table, change.key));
        if (change.value.size() > kMaxValueBytes) {
            return fail(Errc::kInvalidArgument,
                        "index value of " + std::to_string(change.value.size()) +
                            " bytes, at most " + std::to_string(kMaxValueBytes) +
                            "; large bytes belong in the artifact store");
        }
        rocksdb::ColumnFamilyHandle* family = database_->family(change.table);
        const rocksdb::Status added =
            change.erase ? changes.Delete(family, slice(change.key))
                         : changes.Put(family, slice(change.key), slice(ByteView(change.value)));
        if (!added.ok()) return database_failure("write index", added);
    }
    // Held across the log's sync on purpose: the order of numbers is the order of durability.
    const MutexLock lock(database_->commit_mutex);
    const std::uint64_t next = database_->sequence + 1;
    const rocksdb::Status numbered =
        changes.Put(database_->family(Table::kMeta), slice(kSequenceKey), u64_text(next));
    if (!numbered.ok()) return database_failure("write index", numbered);
    rocksdb::WriteOptions durable;
    durable.sync = true;
    const rocksdb::Status written = database_->db->Write(durable, &changes);
    if (!written.ok()) return database_failure("write index", written);
    database_->sequence = next;
    return database_->witness.write(next);
}

Result<Bytes> IndexStore::get(Table table, std::string_view key) {
    COVENANT_CHECK(check_key(table, key));
    rocksdb::PinnableSlice value;
    const rocksdb::Status status =
        database_->db->Get(rocksdb::ReadOptions(), database_->family(table), slice(key), &value);
    if (status.IsNotFound()) return fail(Errc::kNotFound, "read index: no such entry");
    if (!status.ok()) return database_failure("read index", status);
    const ByteView bytes = as_bytes(std::string_view(value.data(), value.size()));
    return Bytes(bytes.begin(), bytes.end());
}

Result<std::vector<IndexEntry>> IndexStore::list(Table table, std::string_view prefix,
                                                 std::size_t max_items, std::string_view after) {
    const std::unique_ptr<rocksdb::Iterator> rows(
        database_->db->NewIterator(rocksdb::ReadOptions(), database_->family(table)));
    std::vector<IndexEntry> out;
    const std::string_view start = std::max(prefix, after);
    for (rows->Seek(slice(start)); rows->Valid() && out.size() < max_items; rows->Next()) {
        const std::string_view key(rows->key().data(), rows->key().size());
        if (!key.starts_with(prefix)) break;
        if (!after.empty() && key <= after) continue;
        if (table == Table::kMeta && key.front() == '\0') continue;
        const ByteView value =
            as_bytes(std::string_view(rows->value().data(), rows->value().size()));
        out.push_back({std::string(key), Bytes(value.begin(), value.end())});
    }
    if (!rows->status().ok()) return database_failure("list index", rows->status());
    return out;
}

std::uint64_t IndexStore::sequence() const {
    return database_->sequence;
}

}  // namespace covenant::store
