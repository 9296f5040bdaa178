#include "chain/rpc/client.hpp"

#include "chain/abi/revert.hpp"
#include "common/base/hex.hpp"

#include <algorithm>

namespace covenant::chain {
using codec::Json;

namespace {

constexpr std::size_t kMaxErrorText = 500;
constexpr std::size_t kMaxRevertData = 64 * 1024;
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

bool retryable_status(int status) {
    return status == 408 || status == 413 || status == 429 || status >= 500;
}

Json envelope(const RpcCall& call, std::uint64_t id) {
    Json out = Json::object();
    out.set("jsonrpc", "2.0").set("id", id).set("method", call.method).set("params", call.params);
    return out;
}

}  // namespace

Result<std::vector<RpcReply>> parse_rpc_reply(std::string_view body, std::uint64_t first_id,
                                              std::size_t count) {
    auto document = Json::parse(body, kReplyLimits);
    if (!document) return fail(std::move(document).error().within("JSON-RPC reply"));
    std::vector<Json> items;
    if (document->is_array()) {
        COVENANT_TRY(items, document->as_items());
    } else if (document->is_object()) {
        items.push_back(*document);
    }
    if (items.size() != count) {
        // A node that refuses a whole batch answers with one error object without an id.
        if (count > 1 && items.size() == 1 && items[0].is_object() && items[0].has("error")) {
            COVENANT_TRY(const RpcReply refusal, parse_one(items[0]));
            if (refusal.error) return fail(rpc_failure("batch", *refusal.error));
        }
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
      rng_(static_cast<std::uint64_t>(clock.unix_ms())) {}

Result<std::vector<RpcReply>> RpcClient::exchange(std::span<const RpcCall> calls) {
    const std::uint64_t first_id = next_id_;
    next_id_ += calls.size();
    std::string body;
    if (calls.size() == 1) {
        body = envelope(calls[0], first_id).dump();
    } else {
        Json list = Json::array();
        for (std::size_t i = 0; i < calls.size(); ++i) {
            list.push(envelope(calls[i], first_id + i));
        }
        body = list.dump();
    }
    auto replies =
        net::retry(options_.retry, *clock_, rng_, stop_, [&]() -> Result<std::vector<RpcReply>> {
            COVENANT_TRY(const TransportReply reply, transport_->post(body));
            if (retryable_status(reply.status)) {
                return fail(Errc::kUnavailable, "HTTP status " + std::to_string(reply.status));
            }
            if (reply.status < 200 || reply.status >= 300) {
                // geth answers some JSON-RPC errors with 4xx; without a JSON body it is a wrong
                // address.
                auto parsed = parse_rpc_reply(reply.body, first_id, calls.size());
                if (!parsed) {
                    return fail(Errc::kMalformed,
                                "HTTP status " + std::to_string(reply.status) +
                                    " and no JSON-RPC: is this address a node's?");
                }
                return parsed;
            }
            COVENANT_TRY(std::vector<RpcReply> parsed,
                         parse_rpc_reply(reply.body, first_id, calls.size()));
            for (std::size_t i = 0; i < parsed.size(); ++i) {
                if (parsed[i].error && parsed[i].error->failure == RpcFailure::kTransient) {
                    return fail(rpc_failure(calls[i].method, *parsed[i].error));
                }
            }
            return parsed;
        });
    if (!replies) {
        return fail(std::move(replies).error().within("RPC " + transport_->endpoint() + " " +
                                                      calls[0].method));
    }
    return replies;
}

Result<RpcReply> RpcClient::ask(std::string_view method, const Json& params) {
    const RpcCall call{std::string(method), params};
    COVENANT_TRY(std::vector<RpcReply> replies, exchange({&call, 1}));
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
    std::vector<RpcReply> out;
    out.reserve(calls.size());
    for (std::size_t begin = 0; begin < calls.size(); begin += options_.max_batch) {
        const std::size_t size = std::min(options_.max_batch, calls.size() - begin);
        COVENANT_TRY(std::vector<RpcReply> part, exchange(calls.subspan(begin, size)));
        std::move(part.begin(), part.end(), std::back_inserter(out));
    }
    return out;
}

}  // namespace covenant::chain
