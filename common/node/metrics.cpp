#include "common/node/metrics.hpp"

#include "common/base/assert.hpp"
#include "common/net/http_server.hpp"

#include <fmt/format.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace covenant::node {
namespace {

std::string full_name(const std::string& name) {
    bool good = !name.empty();
    for (const char c : name)
        good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
    COVENANT_ASSERT(good, "a metric's name is lower case words joined by '_'");
    return "covenant_" + name;
}

}  // namespace

class Metrics::Impl {
  public:
    prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
    std::unique_ptr<net::HttpServer> server;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() {
    stop();
}

void Counter::add(double amount) {
    static_cast<prometheus::Counter*>(handle_)->Increment(amount);
}
void Gauge::set(double value) {
    static_cast<prometheus::Gauge*>(handle_)->Set(value);
}
void Histogram::observe(double value) {
    static_cast<prometheus::Histogram*>(handle_)->Observe(value);
}

Counter Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
    auto& family =
        prometheus::BuildCounter().Name(full_name(name)).Help(help).Register(impl_->registry);
    return Counter(&family.Add(labels));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
    auto& family =
        prometheus::BuildGauge().Name(full_name(name)).Help(help).Register(impl_->registry);
    return Gauge(&family.Add(labels));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help,
                             const std::vector<double>& bounds, const Labels& labels) {
    auto& family =
        prometheus::BuildHistogram().Name(full_name(name)).Help(help).Register(impl_->registry);
    return Histogram(
        &family.Add(labels, prometheus::Histogram::BucketBoundaries(bounds.begin(), bounds.end())));
}

std::string Metrics::text() const {
    return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

Result<std::uint16_t> Metrics::serve(std::string_view endpoint, bool allow_non_loopback) {
    COVENANT_TRY(const auto place, net::parse_endpoint(endpoint));
    net::HttpServerOptions options;
    options.address = place.first;
    options.port = place.second;
    options.allow_non_loopback = allow_non_loopback;
    options.handler_threads = 1;
    options.max_body_bytes = 1024;
    auto page = [this](const net::HttpRequest&) {
        return net::HttpReply{200, text(), "text/plain; version=0.0.4; charset=utf-8", {}};
    };
    auto server = net::HttpServer::start(options, {net::get_route("/metrics", page)});
    if (!server) return fail(std::move(server).error().within("metrics"));
    impl_->server = std::move(*server);
    return impl_->server->port();
}

void Metrics::stop() {
    impl_->server.reset();
}

}  // namespace covenant::node
