#include "chain/rpc/transport.hpp"
#include "common/net/http_client.hpp"

#include <charconv>

namespace covenant::chain {
namespace {

// The seconds of a Retry-After header; 0 for a date or none.
std::uint32_t retry_after(const net::HttpResponse& response) {
    const std::string_view text = net::header_value(response.headers, "retry-after");
    std::uint32_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

class HttpTransport final : public JsonRpcTransport {
  public:
    explicit HttpTransport(net::HttpClient client) : client_(std::move(client)) {}

    Result<TransportReply> post(std::string_view body) override {
        COVENANT_TRY(const net::HttpResponse response, client_.post("", as_bytes(body)));
        return TransportReply{response.status, std::string(response.text()), retry_after(response)};
    }
    void set_stop(std::stop_token stop) override { client_.set_stop(std::move(stop)); }
    [[nodiscard]] std::string endpoint() const override { return client_.shown_url(); }

  private:
    net::HttpClient client_;
};

}  // namespace

Result<std::unique_ptr<JsonRpcTransport>> make_http_transport(const std::string& url,
                                                              std::uint32_t timeout_ms) {
    net::HttpClientOptions options;
    options.base_url = url;
    options.timeout_ms = timeout_ms;
    auto client = net::HttpClient::create(std::move(options));
    if (!client) return fail(std::move(client).error().within("RPC address"));
    return std::make_unique<HttpTransport>(std::move(*client));
}

}  // namespace covenant::chain
