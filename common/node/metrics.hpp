// Counters, gauges and histograms served in Prometheus' text format. Off unless an address is
// given.
//
// Names: "covenant_" is put in front; base units; _total, _seconds, _bytes, _ratio. Labels take few
// values: never a hotkey, a round or a hash.
#pragma once

#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace covenant::node {

using Labels = std::map<std::string, std::string>;

// Handles stay valid as long as the Metrics they came from. Thread-safe.
class Counter {
  public:
    void add(double amount = 1.0);
    explicit Counter(void* handle) : handle_(handle) {}

  private:
    void* handle_;
};
class Gauge {
  public:
    void set(double value);
    explicit Gauge(void* handle) : handle_(handle) {}

  private:
    void* handle_;
};
class Histogram {
  public:
    void observe(double value);
    explicit Histogram(void* handle) : handle_(handle) {}

  private:
    void* handle_;
};

class Metrics {
  public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    // The same name and labels give the same metric. Asserts on a malformed name or a kind that
    // changed.
    Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
    Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
    // Upper bounds ascending.
    Histogram histogram(const std::string& name, const std::string& help,
                        const std::vector<double>& bounds, const Labels& labels = {});

    [[nodiscard]] std::string text() const;  // the exposition format, version 0.0.4

    // Serves GET /metrics on "127.0.0.1:9090"; the port that was taken. Errors as
    // HttpServer::start.
    Result<std::uint16_t> serve(std::string_view endpoint, bool allow_non_loopback = false);
    void stop();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::node
