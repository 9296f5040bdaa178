#include "common/store/index_store.hpp"

#include "common/base/descriptor.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/mutex.hpp"
#include "common/base/system_failure.hpp"
#include "common/crypto/sha256.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

namespace covenant::store {
namespace {

namespace fs = std::filesystem;

// A database opens only with all the families that it has; the second one is of older versions.
constexpr std::array<const char*, 3> kFamilies = {"manifests", "records", "meta"};
constexpr std::size_t kRecords = 0;
constexpr std::size_t kNumbers = 2;
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

rocksdb::WriteOptions durable() {
    rocksdb::WriteOptions options;
    options.sync = true;
    return options;
}

// The highest sequence ever acknowledged, in a file of its own. It is written after the database's
// log is synced, so on disk it never runs ahead of it.
class Witness {
  public:
    // The number in the file; 0 when there is none yet.
    Result<std::uint64_t> open(const fs::path& path) {
        COVENANT_CHECK(require_regular_or_absent(path));
        file_ = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!file_.valid()) return system_failure("open", path, errno);
        std::array<std::uint8_t, kWitnessBytes> bytes{};
        const ssize_t got = ::pread(file_.get(), bytes.data(), bytes.size(), 0);
        if (got < 0) return system_failure("read", path, errno);
        if (got == 0) return std::uint64_t{0};
        const auto sequence = load_le<std::uint64_t>(bytes.data());
        if (got != static_cast<ssize_t>(kWitnessBytes) || bytes != encode(sequence)) {
            return fail(Errc::kCorrupt, "read " + path.string() +
                                            ": damaged; check the disk, then remove the file to "
                                            "accept the index as it is");
        }
        return sequence;
    }
    [[nodiscard]] Status write(std::uint64_t sequence) const {
        const auto bytes = encode(sequence);
        if (::pwrite(file_.get(), bytes.data(), bytes.size(), 0) !=
            static_cast<ssize_t>(bytes.size())) {
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
    Descriptor file_;
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

Status check_key(std::string_view key) {
    if (!key.empty() && key.size() <= kMaxKeyBytes) return {};
    return fail(Errc::kInvalidArgument, "index key of " + std::to_string(key.size()) +
                                            " bytes, expected 1 to " +
                                            std::to_string(kMaxKeyBytes));
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
    [[nodiscard]] rocksdb::ColumnFamilyHandle* family(std::size_t at) const { return families[at]; }
    // Nothing where there is no such key.
    [[nodiscard]] Result<std::optional<std::string>> read(std::size_t at,
                                                          std::string_view key) const {
        std::string value;
        const rocksdb::Status status =
            db->Get(rocksdb::ReadOptions(), family(at), slice(key), &value);
        if (status.IsNotFound()) return std::optional<std::string>{};
        if (!status.ok()) return database_failure("read index", status);
        return std::optional(std::move(value));
    }
    // 0 when there is none.
    [[nodiscard]] Result<std::uint64_t> number(std::string_view key) const {
        COVENANT_TRY(const auto value, read(kNumbers, key));
        if (!value) return std::uint64_t{0};
        if (value->size() != 8) return fail(Errc::kCorrupt, "read index: a counter is damaged");
        return load_le<std::uint64_t>(as_bytes(*value).data());
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
        const rocksdb::Status written =
            db->Put(durable(), family(kNumbers), slice(kVersionKey), u64_text(kVersion));
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

IndexStore::IndexStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
IndexStore::~IndexStore() = default;

Result<std::unique_ptr<IndexStore>> IndexStore::open(const fs::path& folder) {
    auto database = std::make_unique<Database>();
    auto opened = database->open(folder);
    if (!opened) return fail(std::move(opened).error().within("open index " + folder.string()));
    return std::unique_ptr<IndexStore>(new IndexStore(std::move(database)));
}

Status IndexStore::put(std::string_view key, ByteView value) {
    COVENANT_CHECK(check_key(key));
    if (value.size() > kMaxValueBytes) {
        return fail(Errc::kInvalidArgument, "index value of " + std::to_string(value.size()) +
                                                " bytes, at most " +
                                                std::to_string(kMaxValueBytes) +
                                                "; large bytes belong in the artifact store");
    }
    // Held across the log's sync on purpose: the order of numbers is the order of durability.
    const MutexLock lock(database_->commit_mutex);
    const std::uint64_t next = database_->sequence + 1;
    rocksdb::WriteBatch changes;
    rocksdb::Status done = changes.Put(database_->family(kRecords), slice(key), slice(value));
    if (done.ok()) {
        done = changes.Put(database_->family(kNumbers), slice(kSequenceKey), u64_text(next));
    }
    if (done.ok()) done = database_->db->Write(durable(), &changes);
    if (!done.ok()) return database_failure("write index", done);
    database_->sequence = next;
    return database_->witness.write(next);
}

Result<Bytes> IndexStore::get(std::string_view key) {
    COVENANT_CHECK(check_key(key));
    COVENANT_TRY(const auto value, database_->read(kRecords, key));
    if (!value) return fail(Errc::kNotFound, "read index: no such entry");
    const ByteView bytes = as_bytes(*value);
    return Bytes(bytes.begin(), bytes.end());
}

std::uint64_t IndexStore::sequence() const {
    return database_->sequence;
}

}  // namespace covenant::store
