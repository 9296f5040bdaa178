#include "chain/indexer/queries.hpp"
#include "common/base/hex.hpp"
#include "tools/explorer/api.hpp"

namespace covenant::explorer {
namespace {

using codec::Json;

// A place between two events of the chain: what comes next is after it.
struct Place {
    std::uint64_t block = 0;
    std::optional<std::uint64_t> log;  // nothing: the whole block is before
};

Result<Place> parse_place(std::string_view text) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 62;
    Place place;
    const std::size_t colon = text.find(':');
    COVENANT_TRY(place.block, view::parse_number(text.substr(0, colon), "after", kMost));
    if (colon != std::string_view::npos) {
        COVENANT_TRY(place.log, view::parse_number(text.substr(colon + 1), "after", kMost));
    }
    return place;
}

Json event_json(const chain::EventRow& row) {
    Json out = Json::object();
    out.set("block", row.block.value)
        .set("log", row.log_index)
        .set("block_hash", to_0x(row.block_hash))
        .set("time", row.time.value)
        .set("transaction", to_0x(row.transaction))
        .set("confirmations", row.confirmations)
        .set("kind", row.kind)
        .set("body", row.body);
    return out;
}

Result<chain::EventFilter> filter_of(const net::HttpRequest& request) {
    chain::EventFilter filter;
    if (const auto kind = request.parameter("kind")) {
        filter.kind = std::string(*kind);
    }
    if (const auto run = request.parameter("run")) {
        COVENANT_TRY(filter.run, fixed_from_hex<Hash256>(*run));
    }
    COVENANT_TRY(const auto round, number_of(request, "round", std::uint64_t{1} << 40));
    if (round) {
        filter.round = protocol::Round(*round);
    }
    COVENANT_TRY(const auto uid, number_of(request, "uid", protocol::kMaxUids - 1));
    if (uid) {
        filter.uid = protocol::Uid(static_cast<std::uint16_t>(*uid));
    }
    return filter;
}

}  // namespace

Result<Json> events_json(const Sources& sources, const net::HttpRequest& request) {
    COVENANT_TRY(const Page page, page_of(request));
    COVENANT_TRY(chain::EventFilter filter, filter_of(request));
    Place after;
    bool bounded = false;
    if (const auto text = request.parameter("after")) {
        COVENANT_TRY(after, parse_place(*text));
        bounded = true;
        if (!after.log) {
            filter.above_block = after.block;
        } else if (after.block > 0) {
            filter.above_block = after.block - 1;
        }
    }
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(sources.index.string()));
    filter.offset = page.offset;
    filter.limit = kMaxLimit;
    std::vector<chain::EventRow> rows;
    bool more = true;
    // One row more than asked for tells whether there is a next page.
    while (more && rows.size() <= page.limit) {
        COVENANT_TRY(auto some, reader.events(filter));
        more = some.size() == filter.limit;
        filter.offset += some.size();
        for (chain::EventRow& row : some) {
            const bool before = bounded && after.log && row.block.value == after.block &&
                                row.log_index <= *after.log;
            if (!before && rows.size() <= page.limit) {
                rows.push_back(std::move(row));
            }
        }
    }
    const bool has_next = rows.size() > page.limit;
    if (has_next) {
        rows.pop_back();
    }
    Json list = Json::array();
    for (const chain::EventRow& row : rows) {
        list.push(event_json(row));
    }
    Json out = Json::object();
    out.set("events", std::move(list)).set("limit", page.limit);
    out.set("next_after", has_next ? Json(std::to_string(rows.back().block.value) + ":" +
                                          std::to_string(rows.back().log_index))
                                   : Json());
    return out;
}

}  // namespace covenant::explorer
