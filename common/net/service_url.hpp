// The address of a remote service, taken apart: what is dialled, what is sent, what may be shown.
// User part, path and query may hold an access token, so no text of ours repeats them: error texts
// use shown(), and parse() does not repeat what it refuses.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace covenant::net {

struct ServiceUrl {
    std::string scheme;      // "http" or "https"
    std::string user_info;   // "user:password", percent-decoded; "" for none
    std::string host;        // a name or an IP address, an IPv6 one without its brackets
    bool v6 = false;         // host is an IPv6 address
    std::uint16_t port = 0;  // 0: the scheme's own
    std::string path;        // "" or "/v3/KEY", as it is sent
    std::string query;       // without '?'

    // "http://user:pw@[::1]:8545/v3/KEY?a=b". kInvalidArgument says which part is wrong.
    static Result<ServiceUrl> parse(std::string_view text);

    [[nodiscard]] std::string authority() const;  // "[::1]:8545", as the Host header has it
    [[nodiscard]] std::string shown() const;      // "http://[::1]:8545"
    // The request's target: the address's path and query with `path` (and its query) behind.
    [[nodiscard]] std::string target(std::string_view path) const;
};

}  // namespace covenant::net
