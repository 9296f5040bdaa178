// A devnet's folder, held by one process: taken before anything in it is read, removed or written.
#pragma once

#include "chain/indexer/queries.hpp"
#include "common/node/lifecycle.hpp"
#include "tools/covenant/devnet/record/record.hpp"

#include <optional>

namespace covenant::devnet {

struct Folder {
    node::DataDir lock;
    std::optional<Record> before;  // of the folder's last devnet
    [[nodiscard]] bool resumes() const { return before && before->keep; }
};

// Makes the folder or takes it over. What a devnet left that was not kept goes when `disposable`
// (the folder was not named, it is ./devnet-<seed>), and so does what an unfinished start left;
// nothing that a devnet did not make is touched.
// kAlreadyExists: another process holds it (the text has its pid), it holds something else, or a
// named folder holds a devnet that was not kept.
Result<Folder> take_folder(const Layout& layout, bool disposable);

// What a second start would go on with; nothing where it would begin anew, or fail to read.
std::optional<Record> kept_record(const Layout& layout);

// The index that the explorer writes; nothing while it has not made it yet. kCorrupt: it is
// damaged, and no waiting mends it.
Result<std::optional<chain::IndexReader>> find_index(const Layout& layout);

}  // namespace covenant::devnet
