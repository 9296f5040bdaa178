// A store by its address, as an operator writes it.
#pragma once

#include "common/store/artifact_store.hpp"

#include <filesystem>
#include <memory>
#include <string_view>

namespace covenant::store {

// A bare path, "file:path" or "file:///path": the folder is a FileStore; what follows "file:" is
// the path as it stands, without %XX. kInvalidArgument: another scheme ("s3:", "https:" come with
// remote stores), another host, no path. A path whose first part has a colon is written "./a:b".
Result<std::unique_ptr<ArtifactStore>> open(std::string_view address);
// The folder that an address names; touches no disk, and refuses what open() refuses.
Result<std::filesystem::path> folder_of(std::string_view address);
// What open() refuses before it touches a disk.
Status check_address(std::string_view address);

}  // namespace covenant::store
