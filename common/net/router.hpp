// Which handler answers a path. Internal to common/net.
#pragma once

#include "common/base/result.hpp"
#include "common/net/http_server.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace covenant::net {

class Router {
  public:
    // kInvalidArgument: a pattern without '/', an empty handler, a route given twice.
    static Result<Router> create(std::vector<Route> routes);

    // Fills the request's captures and runs its route; 404 for no such path, 405 (with Allow) for a
    // path of other methods, 500 when the handler throws.
    [[nodiscard]] HttpReply answer(HttpRequest& request) const;
    [[nodiscard]] bool knows_method(std::string_view method) const;

  private:
    struct Entry {
        std::vector<std::string> segments;
        Route route;
    };
    std::vector<Entry> entries_;
};

// "%2F" -> "/"; '+' stays (plus_is_space turns it into ' '). kMalformed: a broken escape or a zero
// byte.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

// "a=1&b=2" decoded. kMalformed as above; the last of equal names wins.
Result<std::map<std::string, std::string, std::less<>>> parse_query(std::string_view query);

}  // namespace covenant::net
