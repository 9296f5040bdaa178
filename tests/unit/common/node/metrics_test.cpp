#include "common/node/metrics.hpp"

#include "common/net/http_client.hpp"

#include <gtest/gtest.h>

namespace covenant::node {
namespace {

TEST(Metrics, TextHasNamesHelpTypesAndLabels) {
    Metrics metrics;
    metrics.counter("tokens_total", "tokens trained").add(5);
    metrics.counter("tokens_total", "tokens trained").add();
    metrics.gauge("loss", "training loss").set(3.5);
    metrics.histogram("round_stage_seconds", "time in a stage", {1.0, 10.0}, {{"stage", "execute"}})
        .observe(4);
    const std::string text = metrics.text();
    EXPECT_NE(text.find("# HELP covenant_tokens_total tokens trained"), std::string::npos) << text;
    EXPECT_NE(text.find("# TYPE covenant_tokens_total counter"), std::string::npos);
    EXPECT_NE(text.find("covenant_tokens_total 6"), std::string::npos) << text;
    EXPECT_NE(text.find("covenant_loss 3.5"), std::string::npos);
    EXPECT_NE(text.find("covenant_round_stage_seconds_bucket{stage=\"execute\",le=\"1\"} 0"),
              std::string::npos);
    EXPECT_NE(text.find("covenant_round_stage_seconds_bucket{stage=\"execute\",le=\"10\"} 1"),
              std::string::npos);
}

TEST(Metrics, LabelsSeparate) {
    Metrics metrics;
    metrics.counter("audits_total", "audits", {{"verdict", "pass"}}).add(2);
    metrics.counter("audits_total", "audits", {{"verdict", "fail"}}).add(1);
    EXPECT_NE(metrics.text().find("covenant_audits_total{verdict=\"pass\"} 2"), std::string::npos);
    EXPECT_NE(metrics.text().find("covenant_audits_total{verdict=\"fail\"} 1"), std::string::npos);
}

TEST(Metrics, ServesAScrape) {
    Metrics metrics;
    metrics.gauge("round", "current round").set(7);
    const auto port = metrics.serve("127.0.0.1:0");
    ASSERT_TRUE(port) << port.error().context;
    net::HttpClientOptions options;
    options.base_url = "http://127.0.0.1:" + std::to_string(*port);
    auto client = net::HttpClient::create(options).value();
    const auto reply = client.get("/metrics");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->content_type, "text/plain");
    EXPECT_NE(reply->text().find("covenant_round 7"), std::string::npos);
    EXPECT_EQ(client.get("/")->status, 404);
    metrics.stop();
    EXPECT_FALSE(client.get("/metrics"));
}

TEST(Metrics, BadAddressesAreErrors) {
    Metrics metrics;
    EXPECT_EQ(metrics.serve("nonsense").error().code, Errc::kInvalidArgument);
    EXPECT_EQ(metrics.serve("0.0.0.0:0").error().code, Errc::kInvalidArgument);
}

TEST(MetricsDeath, AMalformedNameIsABug) {
    Metrics metrics;
    EXPECT_DEATH(metrics.counter("Bad-Name", "x"), "lower case");
}

}  // namespace
}  // namespace covenant::node
