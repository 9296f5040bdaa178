#include "common/store/file_store.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"
#include "common/store/name_record.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace covenant::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kObjects = "objects";
constexpr std::string_view kNames = "names";
constexpr std::string_view kTemporary = "temporary";

// A store is shared, so anything may stand in a file's place. What is no regular file, or one that
// this process may not read, is not there: whoever should have put it has not. That is no failure
// of this node, which another error would be.
Result<Bytes> read_stored(const fs::path& path, std::uint64_t max_bytes) {
    auto bytes = read_file(path, max_bytes);
    if (bytes) return bytes;
    Error error = std::move(bytes).error();
    std::error_code ignored;
    const bool other = error.code == Errc::kIo && !fs::is_regular_file(path, ignored);
    if (other || error.code == Errc::kPermission) error.code = Errc::kNotFound;
    return fail(std::move(error));
}

// Makes way for an object: what stands under its address and is no file of ours goes. A folder
// stays, and the write names it.
void clear_place(const fs::path& path) {
    std::error_code ignored;
    const fs::file_status found = fs::symlink_status(path, ignored);
    if (!fs::is_regular_file(found) && !fs::is_directory(found)) ::unlink(path.c_str());
}

Result<Hash256> read_name_file(const fs::path& path) {
    COVENANT_TRY(const Bytes bytes, read_stored(path, kNameRecordBytes));
    auto object = decode_name_record(bytes);
    if (!object) return fail(std::move(object).error().within("read " + path.string()));
    return object;
}

// Collects the names below `folder` that begin with `prefix`; `stem` is the folder's own name.
Status collect(const fs::path& folder, const std::string& stem, std::string_view prefix,
               std::vector<std::pair<std::string, fs::path>>& out) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    if (error == std::errc::no_such_file_or_directory) return {};
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        const std::string file = entries->path().filename().string();
        if (file.starts_with('@')) {
            std::string name = stem + file.substr(1);
            if (name.starts_with(prefix)) out.emplace_back(std::move(name), entries->path());
            continue;
        }
        const std::string inner = stem + file + "/";
        const std::size_t common = std::min(inner.size(), prefix.size());
        if (inner.compare(0, common, prefix.substr(0, common)) == 0) {
            COVENANT_CHECK(collect(entries->path(), inner, prefix, out));
        }
    }
    if (error) {
        return fail(Errc::kIo, "list folder " + folder.string() + ": " + error.message());
    }
    return {};
}

}  // namespace

FileStore::FileStore(fs::path folder) : folder_(std::move(folder)) {}

Result<std::unique_ptr<FileStore>> FileStore::open(const fs::path& folder) {
    auto prepared = [&]() -> Status {
        for (const std::string_view part : {kObjects, kNames, kTemporary}) {
            COVENANT_CHECK(create_folders_durably(folder / part));
        }
        return remove_stale_temporaries(folder / kTemporary);
    }();
    if (!prepared) {
        return fail(std::move(prepared).error().within("open artifact store " + folder.string()));
    }
    return std::unique_ptr<FileStore>(new FileStore(folder));
}

fs::path FileStore::object_path(const Hash256& object) const {
    const std::string hex = to_hex(object.view());
    return folder_ / kObjects / hex.substr(0, 2) / hex;
}

fs::path FileStore::name_path(std::string_view name) const {
    const std::size_t slash = name.rfind('/');
    const bool deep = slash != std::string_view::npos;
    const fs::path folder = deep ? folder_ / kNames / name.substr(0, slash) : folder_ / kNames;
    return folder / ("@" + std::string(deep ? name.substr(slash + 1) : name));
}

Result<Hash256> FileStore::put(ByteView bytes) {
    const Hash256 object = crypto::sha256(bytes);
    const fs::path path = object_path(object);
    // Already here and whole: a name that is visible is durable, so nothing is left to do.
    if (const auto present = read_stored(path, bytes.size());
        present && std::equal(present->begin(), present->end(), bytes.begin(), bytes.end())) {
        return object;
    }
    clear_place(path);
    auto written = create_folders_durably(path.parent_path()).and_then([&] {
        return write_file_durably(
            path, bytes, {.overwrite = Overwrite::kYes, .temporary_folder = folder_ / kTemporary});
    });
    if (!written) {
        return fail(std::move(written).error().within("put object " + to_0x(object)));
    }
    return object;
}

Result<Bytes> FileStore::get(const Hash256& object, std::uint64_t max_bytes) {
    auto bytes = read_stored(object_path(object), max_bytes);
    if (!bytes) return fail(std::move(bytes).error().within("get object " + to_0x(object)));
    if (crypto::sha256(*bytes) != object) {
        return fail(Errc::kCorrupt, "get object " + to_0x(object) + ": the bytes in " +
                                        object_path(object).string() +
                                        " do not hash to its address; fetch it again from its "
                                        "publisher");
    }
    return bytes;
}

Result<bool> FileStore::has(const Hash256& object) {
    std::error_code error;
    const bool present = fs::is_regular_file(object_path(object), error);
    if (error && error != std::errc::no_such_file_or_directory) {
        return fail(Errc::kIo, "look for object " + to_0x(object) + ": " + error.message());
    }
    return present;
}

Status FileStore::erase(const Hash256& object) {
    const fs::path path = object_path(object);
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return fail(Errc::kIo, "erase object " + to_0x(object) + ": " +
                                   std::generic_category().message(errno));
    }
    return sync_folder(path.parent_path());
}

Status FileStore::publish(std::string_view name, const Hash256& object) {
    COVENANT_CHECK(check_name(name));
    const fs::path path = name_path(name);
    const std::string text = encode_name_record(object);
    auto written = create_folders_durably(path.parent_path()).and_then([&] {
        return write_file_durably(path, as_bytes(text), {.temporary_folder = folder_ / kTemporary});
    });
    if (written) return {};
    if (written.error().code != Errc::kAlreadyExists) {
        return fail(std::move(written).error().within("publish " + std::string(name)));
    }
    COVENANT_TRY(const Hash256 present, resolve(name));
    if (present != object) {
        return fail(Errc::kAlreadyExists, "publish " + std::string(name) + ": it names object " +
                                              to_0x(present) + " already, not " + to_0x(object));
    }
    // The winner may still be between link and sync.
    return sync_folder(path.parent_path());
}

Result<Hash256> FileStore::resolve(std::string_view name) {
    COVENANT_CHECK(check_name(name));
    auto object = read_name_file(name_path(name));
    if (!object) return fail(std::move(object).error().within("resolve " + std::string(name)));
    return object;
}

Result<std::vector<NamedObject>> FileStore::list(std::string_view prefix, std::size_t max_items) {
    COVENANT_CHECK(check_name_prefix(prefix));
    std::vector<std::pair<std::string, fs::path>> found;
    // The deepest folder that every name with this prefix lies in.
    const std::size_t slash = prefix.rfind('/');
    const std::string stem(slash == std::string_view::npos ? "" : prefix.substr(0, slash + 1));
    COVENANT_CHECK(collect(folder_ / kNames / stem, stem, prefix, found));
    std::sort(found.begin(), found.end());
    if (found.size() > max_items) found.resize(max_items);
    std::vector<NamedObject> out;
    out.reserve(found.size());
    for (auto& [name, path] : found) {
        auto object = read_name_file(path);
        if (!object && object.error().code == Errc::kNotFound) continue;
        if (!object) return fail(std::move(object).error());
        out.push_back({std::move(name), *object});
    }
    return out;
}

}  // namespace covenant::store
