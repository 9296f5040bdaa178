#include "common/net/router.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

namespace covenant::net {
namespace {

// "/a//b/" -> {"a", "", "b", ""}: every slash counts, as in the address bar.
std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> segments;
    path.remove_prefix(1);
    for (;;) {
        const auto slash = path.find('/');
        segments.emplace_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return segments;
        path.remove_prefix(slash + 1);
    }
}

bool is_capture(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

using Captures = std::map<std::string, std::string, std::less<>>;

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             Captures& captures) {
    captures.clear();
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == "*") {
            std::string rest;
            for (std::size_t j = i; j < path.size(); ++j)
                rest += (j > i ? "/" : "") + path[j];
            captures["*"] = std::move(rest);
            return i < path.size();
        }
        if (i >= path.size()) return false;
        if (is_capture(pattern[i])) {
            if (path[i].empty()) return false;
            captures[pattern[i].substr(1, pattern[i].size() - 2)] = path[i];
        } else if (pattern[i] != path[i]) {
            return false;
        }
    }
    return pattern.size() == path.size();
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// JSON string contents; bytes above ASCII pass through.
std::string json_escape(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

std::optional<std::string_view> HttpRequest::parameter(std::string_view name) const {
    const auto found = query.find(name);
    if (found == query.end()) return std::nullopt;
    return found->second;
}

const std::string& HttpRequest::capture(std::string_view name) const {
    static const std::string none;
    const auto found = captures.find(name);
    return found == captures.end() ? none : found->second;
}

HttpReply error_reply(int status, std::string_view code, std::string_view message) {
    HttpReply reply;
    reply.status = status;
    reply.body = fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})", json_escape(code),
                             json_escape(message));
    return reply;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return fail(Errc::kMalformed, fmt::format("broken percent escape at byte {}", i));
            }
            c = static_cast<char>(high * 16 + low);
            if (c == '\0') return fail(Errc::kMalformed, "zero byte in an address");
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out += c;
    }
    return out;
}

Result<Captures> parse_query(std::string_view query) {
    Captures out;
    while (!query.empty()) {
        const auto end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        COVENANT_TRY(std::string name, percent_decode(pair.substr(0, equals), true));
        std::string value;
        if (equals != std::string_view::npos) {
            COVENANT_TRY(value, percent_decode(pair.substr(equals + 1), true));
        }
        out[std::move(name)] = std::move(value);
    }
    return out;
}

Result<Router> Router::create(std::vector<Route> routes) {
    Router router;
    for (Route& route : routes) {
        if (route.pattern.empty() || route.pattern.front() != '/' || !route.handler ||
            route.method.empty()) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("route '{} {}' needs a method, a path and a handler",
                                    route.method, route.pattern));
        }
        const bool repeated =
            std::any_of(router.entries_.begin(), router.entries_.end(), [&](const Entry& e) {
                return e.route.method == route.method && e.route.pattern == route.pattern;
            });
        if (repeated) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("route '{} {}' is given twice", route.method, route.pattern));
        }
        std::vector<std::string> segments = split_path(route.pattern);
        router.entries_.push_back({std::move(segments), std::move(route)});
    }
    return router;
}

bool Router::knows_method(std::string_view method) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const Entry& entry) { return entry.route.method == method; });
}

HttpReply Router::answer(HttpRequest& request) const {
    if (request.path.empty() || request.path.front() != '/') {
        return error_reply(400, "malformed", "the path must start with '/'");
    }
    const std::vector<std::string> segments = split_path(request.path);
    std::string allowed;
    for (const Entry& entry : entries_) {
        if (!matches(entry.segments, segments, request.captures)) continue;
        if (entry.route.method != request.method) {
            allowed += (allowed.empty() ? "" : ", ") + entry.route.method;
            continue;
        }
        try {
            return entry.route.handler(request);
        } catch (const std::exception&) {
            return error_reply(500, "internal", "the server failed to answer; see its log");
        }
    }
    if (allowed.empty()) return error_reply(404, "not_found", "no such address: " + request.path);
    HttpReply reply = error_reply(405, "method_not_allowed", "this address answers " + allowed);
    reply.headers.emplace_back("Allow", allowed);
    return reply;
}

}  // namespace covenant::net
