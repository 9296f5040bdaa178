// The REST interface and the page: routes over a Board and an index. Every answer is JSON; errors
// are {"error":{"code","message"}} with the status. README.md lists the routes.
#pragma once

#include "common/net/http_server.hpp"
#include "tools/explorer/service.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace covenant::explorer {

inline constexpr std::uint64_t kDefaultLimit = 50;
inline constexpr std::uint64_t kMaxLimit = 500;

struct Sources {
    const Board* board = nullptr;  // outlives the routes
    std::filesystem::path index;
};

std::vector<net::Route> routes(const Sources& sources);

// 200 with the value, or the error's status: 404 for kNotFound, 400 for kInvalidArgument and
// kMalformed, 503 for what is retryable, 500 otherwise.
net::HttpReply reply(const Result<codec::Json>& value);

// The part [first, first + limit) of a list.
struct Page {
    std::uint64_t offset = 0;
    std::uint64_t limit = kDefaultLimit;
};
// "offset" and "limit" of the query. kInvalidArgument: no number, or more than kMaxLimit.
Result<Page> page_of(const net::HttpRequest& request);

// The query's number, if it is there. kInvalidArgument above `most`.
Result<std::optional<std::uint64_t>> number_of(const net::HttpRequest& request,
                                               std::string_view name, std::uint64_t most);

// The snapshot's scene with rounds [first, last] in its state: those that have left it are read
// from the index. Tallies and roster are the snapshot's.
Result<view::Scene> scene_with(const Sources& sources, const Snapshot& snapshot,
                               protocol::Round first, protocol::Round last);

// ---- in files of their own

// /api/events: kind, run, round, uid, after=BLOCK or BLOCK:LOG, limit.
Result<codec::Json> events_json(const Sources& sources, const net::HttpRequest& request);
// /api/search: rounds, uids, hotkeys, coldkeys, names, runs, artifacts, roots, transactions.
Result<codec::Json> search_json(const Sources& sources, std::string_view text);

}  // namespace covenant::explorer
