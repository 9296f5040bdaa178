#include "common/base/system_failure.hpp"

#include <cerrno>
#include <string>
#include <system_error>

namespace covenant {
namespace {

Errc code_of(int error) {
    switch (error) {
        case ENOENT:
            return Errc::kNotFound;
        case EACCES:
        case EPERM:
        case EROFS:
            return Errc::kPermission;
        case EEXIST:
        case ENOTEMPTY:
            return Errc::kAlreadyExists;
        default:
            return Errc::kIo;
    }
}

std::string_view advice(int error) {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
            return ": the disk is full; free space and try again";
        case EFBIG:
            return ": the file size limit of this process or file system is too low";
        case EROFS:
            return ": choose a place that can be written";
        default:
            return "";
    }
}

}  // namespace

tl::unexpected<Error> system_failure(std::string_view action, const std::filesystem::path& path,
                                     int error) {
    return fail(code_of(error), std::string(action) + " " + path.string() + ": " +
                                    std::generic_category().message(error) +
                                    std::string(advice(error)));
}

}  // namespace covenant
