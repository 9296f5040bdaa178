#include "common/net/service_url.hpp"

#include "common/net/router.hpp"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace covenant::net {
namespace {

tl::unexpected<Error> bad(std::string_view why) {
    return fail(Errc::kInvalidArgument,
                "no address of a service (not repeated here, it may hold a secret): " +
                    std::string(why) + "; write http://HOST:PORT or https://HOST:PORT");
}

bool is_name(std::string_view host) {
    return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    });
}

bool is_v6(std::string_view host) {
    in6_addr address{};
    return inet_pton(AF_INET6, std::string(host).c_str(), &address) == 1;
}

Status read_authority(std::string_view text, ServiceUrl& out) {
    const auto at = text.rfind('@');
    if (at != std::string_view::npos) {
        auto user = percent_decode(text.substr(0, at), false);
        if (!user || user->empty()) return bad("the part before '@' does not decode");
        out.user_info = std::move(*user);
        text.remove_prefix(at + 1);
    }
    const auto bracket = text.find(']');
    const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        out.v6 = true;
    }
    if (out.v6 ? !is_v6(host) : !is_name(host)) {
        return bad("it names no host; an IPv6 address stands in brackets");
    }
    out.host = host;
    if (colon == std::string_view::npos) return {};
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, failed] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
    if (failed != std::errc{} || end != digits.data() + digits.size() || out.port == 0) {
        return bad("its port is no number from 1 to 65535");
    }
    return {};
}

}  // namespace

Result<ServiceUrl> ServiceUrl::parse(std::string_view text) {
    ServiceUrl out;
    const auto scheme = text.find("://");
    if (scheme != std::string_view::npos) out.scheme = text.substr(0, scheme);
    if (out.scheme != "http" && out.scheme != "https") {
        return bad("it does not begin with http:// or https://");
    }
    if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; })) {
        return bad("it has a space or another byte that no address has");
    }
    text = text.substr(scheme + 3, text.find('#') - scheme - 3);  // a fragment is never sent
    const auto resource = std::min(text.find_first_of("/?"), text.size());
    COVENANT_CHECK(read_authority(text.substr(0, resource), out));
    text.remove_prefix(resource);
    const auto question = text.find('?');
    out.path = text.substr(0, question);
    if (question != std::string_view::npos) out.query = text.substr(question + 1);
    return out;
}

std::string ServiceUrl::authority() const {
    return (v6 ? "[" + host + "]" : host) + (port == 0 ? "" : ":" + std::to_string(port));
}

std::string ServiceUrl::shown() const {
    return scheme + "://" + authority();
}

std::string ServiceUrl::target(std::string_view more) const {
    const auto question = more.find('?');
    std::string out = path;
    if (question != 0 && out.ends_with('/') && more.starts_with('/')) out.pop_back();
    out += more.substr(0, question);
    if (!out.starts_with('/')) out.insert(0, "/");
    std::string all = query;
    if (question != std::string_view::npos) {
        all += (all.empty() ? "" : "&") + std::string(more.substr(question + 1));
    }
    return all.empty() ? out : out + "?" + all;
}

}  // namespace covenant::net
