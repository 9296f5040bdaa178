#include "common/store/state_store.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace covenant::store {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "state files hold the memory's bytes");

constexpr std::string_view kSuffix = ".f32";

// Whether the file holds exactly these bytes.
bool holds(const fs::path& path, ByteView bytes) {
    const auto file = RegularFile::open(path);
    if (!file || file->size() != bytes.size()) return false;
    Bytes found(bytes.size());
    return file->read(0, found) && std::equal(found.begin(), found.end(), bytes.begin());
}

Status unlink_durably(const fs::path& path) {
    if (::unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return fail(Errc::kIo,
                    "erase state " + path.string() + ": " + std::generic_category().message(errno));
    }
    return sync_folder(path.parent_path());
}

}  // namespace

StateStore::StateStore(fs::path folder, Rooter rooter)
    : folder_(std::move(folder)), rooter_(std::move(rooter)) {}

Result<StateStore> StateStore::open(const fs::path& folder, Rooter rooter) {
    auto prepared = create_folders_durably(folder, Access::kPrivate).and_then([&] {
        return remove_stale_temporaries(folder);
    });
    if (!prepared) {
        return fail(std::move(prepared).error().within("open state store " + folder.string()));
    }
    return StateStore(folder, std::move(rooter));
}

fs::path StateStore::path_of(const Hash256& root) const {
    return folder_ / (to_hex(root.view()) + std::string(kSuffix));
}

Status StateStore::put(const Hash256& root, std::span<const float> values) {
    const ByteView bytes(reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes());
    if (holds(path_of(root), bytes)) return {};
    auto written = write_file_durably(path_of(root), bytes,
                                      {.overwrite = Overwrite::kYes, .access = Access::kPrivate});
    if (!written) return fail(std::move(written).error().within("put state " + to_0x(root)));
    return {};
}

Status StateStore::get(const Hash256& root, std::span<float> out) {
    auto file = RegularFile::open(path_of(root));
    if (!file) return fail(std::move(file).error().within("get state " + to_0x(root)));
    if (file->size() != out.size_bytes()) {
        return set_aside(root, "its file has " + std::to_string(file->size()) +
                                   " bytes, expected " + std::to_string(out.size_bytes()));
    }
    const std::span bytes(reinterpret_cast<std::uint8_t*>(out.data()), out.size_bytes());
    if (auto read = file->read(0, bytes); !read) {
        return fail(std::move(read).error().within("get state " + to_0x(root)));
    }
    if (!rooter_) return {};
    const Hash256 found = rooter_(out);
    return found == root ? Status{} : set_aside(root, "its values have root " + to_0x(found));
}

// Out of the way, so that nobody takes it for the state again, and kept for whoever asks what
// damaged it.
tl::unexpected<Error> StateStore::set_aside(const Hash256& root, const std::string& why) const {
    fs::path aside = path_of(root);
    aside.replace_extension(".bad");
    std::error_code error;
    fs::rename(path_of(root), aside, error);
    const std::string where =
        error ? "; " + path_of(root).string() + " cannot be set aside: " + error.message()
              : "; the file is set aside as " + aside.string();
    return fail(Errc::kCorrupt,
                "get state " + to_0x(root) + ": " + why + where + ", the state must be made again");
}

Result<bool> StateStore::has(const Hash256& root) const {
    std::error_code error;
    const bool present = fs::exists(path_of(root), error);
    if (error) return fail(Errc::kIo, "look for state " + to_0x(root) + ": " + error.message());
    return present;
}

Result<std::vector<Hash256>> StateStore::list() const {
    std::vector<Hash256> roots;
    std::error_code error;
    fs::directory_iterator entries(folder_, error);
    for (const fs::directory_iterator end; !error && entries != end; entries.increment(error)) {
        const std::string file = entries->path().filename().string();
        if (!file.ends_with(kSuffix)) continue;
        const std::string_view stem =
            std::string_view(file).substr(0, file.size() - kSuffix.size());
        const auto root = fixed_from_hex<Hash256>(stem);
        if (root && to_hex(root->view()) == stem) roots.push_back(*root);
    }
    if (error) {
        return fail(Errc::kIo, "list folder " + folder_.string() + ": " + error.message());
    }
    std::sort(roots.begin(), roots.end());
    return roots;
}

Status StateStore::erase(const Hash256& root) {
    return unlink_durably(path_of(root));
}

Status StateStore::retain(std::span<const Hash256> roots) {
    COVENANT_TRY(const std::vector<Hash256> present, list());
    for (const Hash256& root : present) {
        if (std::find(roots.begin(), roots.end(), root) == roots.end()) {
            COVENANT_CHECK(erase(root));
        }
    }
    return {};
}

}  // namespace covenant::store
