#include "common/base/result.hpp"

namespace covenant {

std::string_view to_string(Errc code) {
    switch (code) {
        case Errc::kInvalidArgument:
            return "invalid_argument";
        case Errc::kMalformed:
            return "malformed";
        case Errc::kNotFound:
            return "not_found";
        case Errc::kAlreadyExists:
            return "already_exists";
        case Errc::kPermission:
            return "permission";
        case Errc::kCorrupt:
            return "corrupt";
        case Errc::kIo:
            return "io";
        case Errc::kUnavailable:
            return "unavailable";
        case Errc::kTimeout:
            return "timeout";
        case Errc::kRejected:
            return "rejected";
        case Errc::kPrecondition:
            return "precondition";
        case Errc::kMismatch:
            return "mismatch";
        case Errc::kInterrupted:
            return "interrupted";
    }
    return "unknown";
}

}  // namespace covenant
