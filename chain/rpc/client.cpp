#include "chain/rpc/client.hpp"

#include "chain/abi/revert.hpp"
#include "common/base/hex.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace covenant::chain {
using codec::Json;

namespace {

constexpr std::size_t kMaxErrorText = 500;
constexpr std::size_t kMaxRevertData = 64 * 1024;
constexpr unsigned kGoodBatches = 64;  // full ones before larger ones are tried again
constexpr net::RetryPolicy kRatePauses{0, Millis(1'000), Millis(15'000), 200, 50};
constexpr std::uint32_t kMaxAskedPause = 60;  // seconds of a Retry-After that are believed
constexpr Json::Limits kReplyLimits{std::size_t{16} << 20, 32, std::size_t{2} << 20};

// Revert data stands as "0x..." in data (geth, anvil) or deeper in data.data (some proxies).
Bytes revert_data(const Json& error) {
    if (!error.has("data")) return {};
    auto data = error.at("data");
    if (data && data->is_object() && data->has("data")) data = data->at("data");
    if (!data || !data->is_string()) return {};
    const auto text = data->as_string();
    if (!text || !text->starts_with("0x")) return {};
    auto bytes = from_hex(*text, kMaxRevertData);
    return bytes ? std::move(*bytes) : Bytes{};
}

Result<RpcReply> parse_one(const Json& value) {
    RpcReply out;
    if (value.has("error") && !value.at("error")->is_null()) {
        COVENANT_TRY(const Json error, value.at("error"));
        if (!error.is_object()) return fail(Errc::kMalformed, "the reply's error is no object");
        COVENANT_TRY(const std::int64_t code, error.i64("code"));
        COVENANT_TRY(std::string message, error.string_or("message", ""));
        if (message.size() > kMaxErrorText) message.resize(kMaxErrorText);
        Bytes data = revert_data(error);
        const RpcFailure failure = classify(code, message, data.size() >= 4);
        out.error = RpcError{code, std::move(message), std::move(data), failure};
        return out;
    }
    COVENANT_TRY(out.result, value.at("result"));
    return out;
}

// One error for all calls of a request: it has no id of ours.
bool speaks_for_all(const Json& item, std::uint64_t first_id, std::size_t count) {
    if (!item.is_object() || !item.has("error") || item.at("error")->is_null()) return false;
    const auto id =
        item.has("id") ? item.u64("id") : Result<std::uint64_t>(fail(Errc::kMalformed, ""));
    return !id || *id < first_id || *id - first_id >= count;
}

Error no_json(std::string_view body) {
    const auto first = body.find_first_not_of(" \t\r\n");
    std::string text = "the answer is empty";
    if (first != std::string_view::npos) {
        text = body[first] == '<' ? "the answer is a web page" : "the answer is no JSON";
    }
    return fail(Errc::kUnavailable, text + ": is this address a node's?").value();
}

RpcReply too_much(std::int64_t code, std::string text) {
    RpcReply out;
    out.error = RpcError{code, std::move(text), {}, RpcFailure::kTooManyResults};
    return out;
}

Json envelope(const RpcCall& call, std::uint64_t id) {
    Json out = Json::object();
    out.set("jsonrpc", "2.0").set("id", id).set("method", call.method).set("params", call.params);
    return out;
}

}  // namespace

Result<std::vector<RpcReply>> parse_rpc_reply(std::string_view body, std::uint64_t first_id,
                                              std::size_t count) {
    const auto first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || (body[first] != '{' && body[first] != '[')) {
        return fail(no_json(body));
    }
    auto document = Json::parse(body, kReplyLimits);
    if (!document) return fail(std::move(document).error().within("JSON-RPC reply"));
    std::vector<Json> items;
    if (document->is_array()) {
        COVENANT_TRY(items, document->as_items());
    } else {
        items.push_back(*document);
    }
    if (items.size() == 1 && speaks_for_all(items[0], first_id, count)) {
        COVENANT_TRY(RpcReply refusal, parse_one(items[0]));
        if (count == 1) return std::vector<RpcReply>{std::move(refusal)};
        Error error = rpc_failure("batch", *refusal.error);
        error.code = Errc::kRejected;
        error.retryable = refusal.error->failure == RpcFailure::kRateLimited;
        return fail(std::move(error));
    }
    if (items.size() != count) {
        return fail(Errc::kMalformed, "JSON-RPC reply has " + std::to_string(items.size()) +
                                          " answers to " + std::to_string(count) + " calls");
    }
    std::vector<std::optional<RpcReply>> slots(count);
    for (const Json& item : items) {
        if (!item.is_object()) {
            return fail(Errc::kMalformed, "JSON-RPC reply: " + item.path() + " is no object");
        }
        COVENANT_TRY(const std::uint64_t id, item.u64("id"));
        if (id < first_id || id - first_id >= count || slots[id - first_id]) {
            return fail(Errc::kMalformed, "JSON-RPC reply has the id " + std::to_string(id) +
                                              ", which was not asked or is answered twice");
        }
        COVENANT_TRY(slots[id - first_id], parse_one(item));
    }
    std::vector<RpcReply> out;
    out.reserve(count);
    for (auto& slot : slots) {
        out.push_back(std::move(*slot));
    }
    return out;
}

RpcClient::RpcClient(std::unique_ptr<JsonRpcTransport> transport, Clock& clock, RpcOptions options)
    : transport_(std::move(transport)),
      clock_(&clock),
      options_(options),
      rng_(static_cast<std::uint64_t>(clock.unix_ms())),
      batch_size_(options.max_batch) {}

void RpcClient::set_stop(std::stop_token stop) {
    transport_->set_stop(stop);
    stop_ = std::move(stop);
}

// ---- one HTTP request

void RpcClient::slow_down(std::uint32_t at_least_seconds) {
    const std::int64_t pause = net::retry_delay(kRatePauses, rate_limits_++, rng_).count();
    const std::int64_t asked = std::int64_t{std::min(at_least_seconds, kMaxAskedPause)} * 1'000;
    not_before_ms_ = clock_->unix_ms() + std::max(pause, asked);
}

Result<std::vector<RpcReply>> RpcClient::read(const TransportReply& reply, std::uint64_t first_id,
                                              std::size_t count) {
    const std::string status = "HTTP status " + std::to_string(reply.status);
    if (reply.status == 429) {
        slow_down(reply.retry_after_seconds);
        return fail(Errc::kUnavailable, status + ": too many requests");
    }
    if (reply.status == 413) {
        if (count > 1) return fail(Errc::kMalformed, status + ": the batch is too large");
        return std::vector<RpcReply>{too_much(413, status + ": too much was asked for at once")};
    }
    auto parsed = parse_rpc_reply(reply.body, first_id, count);
    // geth answers some JSON-RPC errors with 4xx.
    const bool fine = reply.status >= 200 && reply.status < 300;
    if (parsed || fine || parsed.error().code == Errc::kRejected) return parsed;
    if (count > 1 && reply.status < 500) return fail(Errc::kMalformed, status + " for a batch");
    return fail(Errc::kUnavailable, reply.status >= 500
                                        ? status
                                        : status + " and no JSON-RPC: is this address a node's?");
}

// kRejected and kMalformed: the node does not answer so many calls at once.
Result<std::vector<RpcReply>> RpcClient::request(std::span<const RpcCall> calls) {
    if (const std::int64_t wait = not_before_ms_ - clock_->unix_ms();
        wait > 0 && !clock_->sleep_for(Millis(wait), stop_)) {
        return fail(Errc::kInterrupted, "stopped while the node's rate limit was waited for");
    }
    const std::uint64_t first_id = next_id_;
    Json body = Json::array();
    for (std::size_t i = 0; calls.size() > 1 && i < calls.size(); ++i) {
        body.push(envelope(calls[i], first_id + i));
    }
    const bool single = calls.size() == 1;
    auto reply = transport_->post((single ? envelope(calls[0], first_id) : body).dump());
    if (!reply && reply.error().code == Errc::kMalformed && single) {  // above our own bound
        return std::vector<RpcReply>{too_much(0, reply.error().context)};
    }
    if (!reply) return fail(std::move(reply).error());
    auto out = read(*reply, first_id, calls.size());
    if (!out && out.error().code == Errc::kMalformed && single) {
        out.error().code = Errc::kUnavailable;  // an odd answer, perhaps of one member of a pool
        out.error().retryable = true;
    }
    const bool limited =
        out ? std::any_of(out->begin(), out->end(),
                          [](const RpcReply& r) {
                              return r.error && r.error->failure == RpcFailure::kRateLimited;
                          })
            : out.error().code == Errc::kRejected && out.error().retryable;
    if (limited) {
        slow_down(reply->retry_after_seconds);
    } else if (out) {
        rate_limits_ = 0;
    }
    return out;
}

// ---- many calls, until each has an answer

struct RpcClient::Exchange {
    std::span<const RpcCall> calls;
    OnTransient on_transient;
    std::vector<RpcReply> replies;
    std::vector<std::size_t> open;  // calls without an answer, ascending
    std::optional<Error> trouble;   // why, of the last pass

    [[nodiscard]] bool is_answer(const RpcReply& reply) const {
        if (!reply.error || (reply.error->failure == RpcFailure::kTransient &&
                             on_transient == OnTransient::kReturn)) {
            return true;
        }
        return reply.error->failure != RpcFailure::kTransient &&
               reply.error->failure != RpcFailure::kRateLimited;
    }
};

void RpcClient::grow_batch(std::size_t size) {
    if (size < batch_size_ || batch_size_ >= options_.max_batch) return;
    if (++good_batches_ < kGoodBatches) return;
    good_batches_ = 0;
    batch_size_ = std::min(batch_size_ * 2, options_.max_batch);
}

// Asks once for every open call. Fails with what no further pass mends.
Status RpcClient::pass(Exchange& work) {
    const std::vector<std::size_t> asked = std::exchange(work.open, {});
    for (std::size_t at = 0; at < asked.size();) {
        std::vector<RpcCall> group;
        while (group.size() < batch_size_ && at + group.size() < asked.size()) {
            group.push_back(work.calls[asked[at + group.size()]]);
        }
        auto replies = request(group);
        if (!replies) {
            Error error = std::move(replies).error();
            const bool too_many = error.code == Errc::kMalformed ||
                                  (error.code == Errc::kRejected && !error.retryable);
            if (too_many && group.size() > 1) {
                batch_size_ = group.size() / 2;
                good_batches_ = 0;
                continue;
            }
            if (!error.retryable) return fail(std::move(error));
            if (error.code == Errc::kRejected) error.code = Errc::kUnavailable;
            work.trouble = std::move(error);
            work.open.insert(work.open.end(), asked.begin() + static_cast<std::ptrdiff_t>(at),
                             asked.end());
            return {};
        }
        for (std::size_t i = 0; i < group.size(); ++i) {
            RpcReply& reply = (*replies)[i];
            if (work.is_answer(reply)) {
                work.replies[asked[at + i]] = std::move(reply);
                continue;
            }
            work.open.push_back(asked[at + i]);
            work.trouble = rpc_failure(group[i].method, *reply.error);
        }
        grow_batch(group.size());
        at += group.size();
    }
    return {};
}

Result<std::vector<RpcReply>> RpcClient::exchange(std::span<const RpcCall> calls,
                                                  OnTransient on_transient) {
    Exchange work{calls, on_transient, std::vector<RpcReply>(calls.size()), {}, {}};
    work.open.resize(calls.size());
    std::iota(work.open.begin(), work.open.end(), std::size_t{0});
    const std::string where = "RPC " + transport_->endpoint() + " " + calls[0].method;
    unsigned passes = 0;
    for (unsigned idle = 0; !work.open.empty(); ++passes) {
        if (passes > 0 &&
            !clock_->sleep_for(net::retry_delay(options_.retry, passes - 1, rng_), stop_)) {
            return fail(Errc::kInterrupted,
                        where + ": stopped while retrying: " + work.trouble->context);
        }
        const std::size_t before = work.open.size();
        if (Status done = pass(work); !done) return fail(std::move(done).error().within(where));
        idle = work.open.size() < before ? 0 : idle + 1;
        if (idle >= options_.retry.attempts && !work.open.empty()) {
            const std::string tried =
                passes == 0 ? "" : ": after " + std::to_string(passes + 1) + " attempts";
            return fail(std::move(*work.trouble).within(where + tried));
        }
    }
    next_id_ += calls.size();
    return std::move(work.replies);
}

Result<RpcReply> RpcClient::ask(std::string_view method, const Json& params,
                                OnTransient on_transient) {
    const RpcCall call{std::string(method), params};
    COVENANT_TRY(std::vector<RpcReply> replies, exchange({&call, 1}, on_transient));
    return std::move(replies.front());
}

Result<Json> RpcClient::call(std::string_view method, const Json& params) {
    COVENANT_TRY(RpcReply reply, ask(method, params));
    if (!reply.error) return std::move(reply.result);
    if (reply.error->failure == RpcFailure::kReverted && !reply.error->data.empty()) {
        return fail(Errc::kRejected,
                    std::string(method) + ": " + describe_revert(reply.error->data));
    }
    return fail(rpc_failure(method, *reply.error));
}

Result<std::vector<RpcReply>> RpcClient::batch(std::span<const RpcCall> calls) {
    if (calls.empty()) return std::vector<RpcReply>{};
    return exchange(calls, OnTransient::kRetry);
}

}  // namespace covenant::chain
