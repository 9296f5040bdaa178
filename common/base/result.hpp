// Failures as values. Three kinds never mix: a stranger's broken rule is a protocol::Verdict, a
// failure of the world around us is a Result, a bug of ours is COVENANT_ASSERT.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace covenant {

enum class Errc : std::uint8_t {
    kInvalidArgument,  // the caller's value is out of range
    kMalformed,        // bytes that do not parse
    kNotFound,         // no such file, object, row, account
    kAlreadyExists,    // would overwrite what must stay
    kPermission,       // file mode, wrong password, refused signature
    kCorrupt,          // stored data contradicts its own hash or format
    kIo,               // disk: read, write, full
    kUnavailable,      // a remote does not answer; retrying is sensible
    kTimeout,          // a remote or a deadline ran out
    kRejected,         // a contract or protocol rule refused
    kPrecondition,     // something that must be there first is missing
    kMismatch,         // verification failed: hash, signature, replay, chain identity
    kInterrupted,      // asked to stop
};

std::string_view to_string(Errc code);

struct [[nodiscard]] Error {
    Errc code = Errc::kInvalidArgument;
    std::string
        context;  // what failed and why, with values; grows outwards: "open x: read y: full"
    bool retryable = false;  // the same call may succeed later

    // The same error seen from one boundary further out.
    [[nodiscard]] Error within(std::string_view where) && {
        context = std::string(where) + ": " + context;
        return std::move(*this);
    }
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(Errc code, std::string context) {
    const bool retryable = code == Errc::kUnavailable || code == Errc::kTimeout;
    return tl::unexpected<Error>(Error{code, std::move(context), retryable});
}
inline tl::unexpected<Error> fail(Error error) {
    return tl::unexpected<Error>(std::move(error));
}

}  // namespace covenant

#define COVENANT_CONCAT_(a, b) a##b
#define COVENANT_CONCAT(a, b) COVENANT_CONCAT_(a, b)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration stands in no parentheses.
// COVENANT_TRY(value, expr): declares `value` from a Result or returns its error.
#define COVENANT_TRY(declaration, expression) \
    COVENANT_TRY_(COVENANT_CONCAT(result_, __LINE__), declaration, expression)
#define COVENANT_TRY_(result, declaration, expression)      \
    auto result = (expression);                             \
    if (!result) {                                          \
        return ::covenant::fail(std::move(result).error()); \
    }                                                       \
    declaration = std::move(*result)

// NOLINTEND(bugprone-macro-parentheses)

// COVENANT_CHECK(expr): returns the error of a Status.
#define COVENANT_CHECK(expression)                                       \
    do {                                                                 \
        if (auto covenant_status = (expression); !covenant_status) {     \
            return ::covenant::fail(std::move(covenant_status).error()); \
        }                                                                \
    } while (false)
