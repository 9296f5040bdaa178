#include "chain/rpc/transport.hpp"
#include "common/net/http_client.hpp"

namespace covenant::chain {
namespace {

class HttpTransport final : public JsonRpcTransport {
  public:
    explicit HttpTransport(net::HttpClient client, std::string endpoint)
        : client_(std::move(client)), endpoint_(std::move(endpoint)) {}

    Result<TransportReply> post(std::string_view body) override {
        auto response = client_.post("/", as_bytes(body));
        if (!response) return fail(std::move(response).error());
        return TransportReply{response->status, std::string(response->text())};
    }
    [[nodiscard]] std::string endpoint() const override { return endpoint_; }

  private:
    net::HttpClient client_;
    std::string endpoint_;
};

// Scheme, host and port: a path or user part may hold an access token.
std::string without_credentials(const std::string& url) {
    const std::size_t scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const std::size_t start = scheme + 3;
    const std::size_t path = std::min(url.find('/', start), url.size());
    const std::size_t at = url.rfind('@', path);
    const std::size_t host = at == std::string::npos || at < start ? start : at + 1;
    return url.substr(0, start) + url.substr(host, path - host);
}

}  // namespace

Result<std::unique_ptr<JsonRpcTransport>> make_http_transport(const std::string& url,
                                                              std::uint32_t timeout_ms) {
    net::HttpClientOptions options;
    options.base_url = url;
    options.timeout_ms = timeout_ms;
    auto client = net::HttpClient::create(std::move(options));
    if (!client) return fail(std::move(client).error().within("RPC address"));
    return std::make_unique<HttpTransport>(std::move(*client), without_credentials(url));
}

}  // namespace covenant::chain
