// An error number of the operating system as an Error that names the file.
#pragma once

#include "common/base/result.hpp"

#include <filesystem>
#include <string_view>

namespace covenant {

// "<action> <path>: <the system's reason>", and what to do where that is not plain. kNotFound:
// ENOENT. kPermission: EACCES, EPERM, EROFS. kAlreadyExists: EEXIST, ENOTEMPTY. Else kIo.
tl::unexpected<Error> system_failure(std::string_view action, const std::filesystem::path& path,
                                     int error);

}  // namespace covenant
