#include "common/node/exit_code.hpp"

namespace covenant::node {

ExitCode exit_code_for(const Error& error) {
    switch (error.code) {
        case Errc::kInvalidArgument:
            return ExitCode::kUsage;
        case Errc::kUnavailable:
        case Errc::kTimeout:
            return ExitCode::kUnavailable;
        case Errc::kRejected:
            return ExitCode::kRefused;
        case Errc::kPrecondition:
        case Errc::kNotFound:
            return ExitCode::kPrecondition;
        case Errc::kMismatch:
        case Errc::kCorrupt:
        case Errc::kMalformed:
            return ExitCode::kVerificationFailed;
        case Errc::kInterrupted:
            return ExitCode::kInterrupted;
        case Errc::kAlreadyExists:
        case Errc::kPermission:
        case Errc::kIo:
            return ExitCode::kFailed;
    }
    return ExitCode::kFailed;
}

}  // namespace covenant::node
