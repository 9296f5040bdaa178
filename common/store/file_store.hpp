// The artifact store as a folder, safe for any number of processes that share it:
//
//   objects/ab/ab12…        the object's bytes, under its SHA-256 in lower-case hex
//   names/<part>/…/@<last>  64 hex characters and a newline: the object that the name maps to
//   temporary/              files being written; those of dead writers are removed at opening
//
// Objects appear by rename after fdatasync, names by a rename that refuses a taken one (the first
// wins), folders are synced.
#pragma once

#include "common/store/artifact_store.hpp"

#include <filesystem>
#include <memory>

namespace covenant::store {

class FileStore final : public ArtifactStore {
  public:
    // Creates the folder where needed. kIo.
    static Result<std::unique_ptr<FileStore>> open(const std::filesystem::path& folder);

    Result<Hash256> put(ByteView bytes) override;
    Result<Bytes> get(const Hash256& object, std::uint64_t max_bytes) override;
    Result<bool> has(const Hash256& object) override;
    Status erase(const Hash256& object) override;
    Status publish(std::string_view name, const Hash256& object) override;
    Result<Hash256> resolve(std::string_view name) override;
    Result<std::vector<NamedObject>> list(std::string_view prefix,
                                          std::size_t max_items = 10'000) override;

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    // Where an object's bytes stand, for serving them; the file need not exist.
    [[nodiscard]] std::filesystem::path object_path(const Hash256& object) const;

  private:
    explicit FileStore(std::filesystem::path folder);
    [[nodiscard]] std::filesystem::path name_path(std::string_view name) const;
    std::filesystem::path folder_;
};

}  // namespace covenant::store
