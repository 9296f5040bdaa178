// What durable files and folders share: how the temporary entry beside a name is called, locked and
// cleared away, and how it takes the name.
#pragma once

#include "common/base/descriptor.hpp"
#include "common/base/result.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace covenant::detail {

// "." for a path of one name.
std::filesystem::path parent_of(const std::filesystem::path& path);
// kInvalidArgument: the path ends in no name that a file or folder could have.
Status check_name(const std::filesystem::path& path);

// A name for what will be called `path`, unused by this process so far.
std::string temporary_name(const std::filesystem::path& path);
// True for a name that temporary_name gives for this path, in any process.
bool is_temporary_of(const std::filesystem::path& path, const std::string& name);
// Removes the entries of this folder that `chosen` takes and no living process has locked: files,
// and folders with the files directly in them. Errors of listing are ignored: clearing is a favour.
void remove_unlocked(const std::filesystem::path& folder,
                     const std::function<bool(const std::string& name)>& chosen);
// The files directly in it, and the folder.
void remove_flat_folder(const std::filesystem::path& folder);
// Takes the lock that remove_unlocked asks for. False: a cleaner removed the entry before the lock.
bool lock_entry(const Descriptor& entry);

// Renames, never onto something. 0, or the error number: EEXIST when the name is taken.
int rename_if_free(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace covenant::detail
