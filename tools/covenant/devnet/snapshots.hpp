// Saved states of a devnet's chain: files state-<n>.json in one folder, of which the newest three
// stay.
//
// anvil makes a genesis block at every start and writes it into each dump beside the block 0 that
// it loaded. Two starts later it takes either for the chain's first block, and a chain with another
// genesis is another chain to every node. The dump of a resumed chain is therefore mended before it
// is loaded again.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace covenant::devnet {

// The dump with one block 0: the oldest, which the chain began with. Every other block 0 is of a
// later start. kMalformed: no dump of anvil.
Result<std::string> with_one_genesis(std::string_view dump);

class Snapshots {
  public:
    // Makes the folder. kIo.
    static Result<Snapshots> open(const std::filesystem::path& folder);

    // The newest snapshot that reads, mended in place; nothing when there is none.
    Result<std::optional<std::filesystem::path>> newest();
    // `packed` is what anvil_dumpState answers: gzip of the JSON that --load-state wants. Temporary
    // file, fsync, rename. kIo when the disk is full; kMalformed: no whole gzip stream.
    Status add(ByteView packed);

  private:
    explicit Snapshots(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;
};

}  // namespace covenant::devnet
