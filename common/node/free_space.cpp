#include "common/base/safe_math.hpp"
#include "common/base/system_failure.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/output.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace covenant::node {

Status require_free_space(const std::filesystem::path& path, std::uint64_t bytes) {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) {
        return system_failure("look at the disk of", path, errno);
    }
    const Uint128 free = Uint128{info.f_bavail} * info.f_frsize;
    if (free >= bytes) return {};
    return fail(Errc::kIo,
                fmt::format("{}: {} free, {} needed; free some space or choose another place",
                            path.string(), human_bytes(static_cast<std::uint64_t>(free)),
                            human_bytes(bytes)));
}

}  // namespace covenant::node
