// What a script may conclude from a process's exit. One enum for every binary.
#pragma once

#include "common/base/result.hpp"

namespace covenant::node {

enum class ExitCode : int {
    kOk = 0,                  // done, or nothing to do
    kFailed = 1,              // the operation failed; what it printed could not be written
    kUsage = 2,               // usage or configuration
    kPrecondition = 3,        // something is missing first: data, a key, stake, memory; doctor
    kUnavailable = 4,         // a remote does not answer; retrying is sensible
    kVerificationFailed = 5,  // replay, hash, signature; damaged bytes
    kRefused = 6,             // by the protocol; the message names the verdict
    kHungUp = 129,            // SIGHUP, state saved
    kInterrupted = 130,       // SIGINT, state saved
    kTerminated = 143,        // SIGTERM, state saved
};

ExitCode exit_code_for(const Error& error);

}  // namespace covenant::node
