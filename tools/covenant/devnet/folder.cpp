#include "tools/covenant/devnet/folder.hpp"

#include "common/base/file.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

namespace covenant::devnet {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOwner = "covenant devnet";

// The lock stays: removing it would let a second process lock another file of the same name.
Status remove_remains(const Layout& layout) {
    const fs::path index = layout.index();
    const std::vector<fs::path> made = {
        layout.record(),
        layout.network(),
        layout.spec(),
        layout.password(),
        layout.chain(),
        layout.data(),
        layout.store(),
        layout.logs(),
        layout.nodes(),
        layout.trial(),
        layout.trial_spec(),
        index,
        index.string() + "-wal",
        index.string() + "-shm",
        layout.root / "explorer",
        layout.root / "cli-index.sqlite",
        layout.root / "cli-index.sqlite-wal",
        layout.root / "cli-index.sqlite-shm",
    };
    for (const fs::path& path : made) {
        std::error_code failed;
        fs::remove_all(path, failed);
        if (failed) {
            return fail(Errc::kIo, "cannot remove " + path.string() + ": " + failed.message());
        }
    }
    return {};
}

// A start that was ended before its devnet.json was written leaves a lock file with our name.
bool started_before(const Layout& layout) {
    const auto owner = read_text_file(layout.root / "LOCK", 256);
    return owner && owner->starts_with(kOwner);
}

bool nothing_in(const fs::path& folder) {
    std::error_code ignored;
    return !fs::exists(folder, ignored) || fs::is_empty(folder, ignored);
}

}  // namespace

Result<Folder> take_folder(const Layout& layout, bool disposable) {
    std::error_code ignored;
    const bool recorded = fs::exists(layout.record(), ignored);
    if (!recorded && !nothing_in(layout.root) && !started_before(layout)) {
        return fail(Errc::kAlreadyExists,
                    layout.root.string() +
                        " is not empty and no devnet: name another --datadir or remove it");
    }
    COVENANT_TRY(node::DataDir lock, node::DataDir::open(layout.root, kOwner));
    Folder folder{.lock = std::move(lock), .before = {}};
    // Looked at again: what stood there before the lock was ours may be gone.
    if (fs::exists(layout.record(), ignored)) {
        COVENANT_TRY(folder.before, load_record(layout));
    }
    if (folder.resumes()) {
        return folder;
    }
    if (folder.before && !disposable) {
        return fail(Errc::kAlreadyExists,
                    layout.root.string() +
                        " holds a devnet that was not kept (--keep) and cannot go on; "
                        "name another --datadir or remove it");
    }
    COVENANT_CHECK(remove_remains(layout));
    return folder;
}

std::optional<Record> kept_record(const Layout& layout) {
    auto record = load_record(layout);
    if (!record || !record->keep) {
        return std::nullopt;
    }
    return std::move(*record);
}

Result<std::optional<chain::IndexReader>> find_index(const Layout& layout) {
    auto opened = chain::IndexReader::open(layout.index().string());
    if (opened) {
        return std::optional(std::move(*opened));
    }
    if (opened.error().code == Errc::kCorrupt) {
        return fail(std::move(opened).error());
    }
    return std::optional<chain::IndexReader>{};
}

}  // namespace covenant::devnet
