#include "tools/explorer/api.hpp"

#include "chain/indexer/queries.hpp"
#include "common/base/hex.hpp"
#include "common/node/output.hpp"
#include "tools/explorer/page.hpp"
#include "tools/view/round_report.hpp"

#include <algorithm>

namespace covenant::explorer {
namespace {

using codec::Json;
using net::HttpReply;
using net::HttpRequest;
using protocol::Round;
using protocol::Uid;

constexpr std::uint64_t kMaxRound = std::uint64_t{1} << 40;

int status_of(Errc code) {
    switch (code) {
        case Errc::kNotFound:
            return 404;
        case Errc::kInvalidArgument:
        case Errc::kMalformed:
            return 400;
        case Errc::kUnavailable:
        case Errc::kTimeout:
        case Errc::kPrecondition:
            return 503;
        default:
            return 500;
    }
}

HttpReply asset(std::string_view text, std::string content_type) {
    HttpReply out;
    out.body = std::string(text);
    out.content_type = std::move(content_type);
    out.headers = {{"Content-Security-Policy", std::string(kPagePolicy)},
                   {"Cache-Control", "no-cache"},
                   {"Referrer-Policy", "no-referrer"}};
    return out;
}

Result<Json> health_json(const Sources&, const Snapshot& snapshot, const HttpRequest&) {
    Json out = view::status_json(snapshot.scene);
    out.set("ok", true)
        .set("following", snapshot.following)
        .set("events", snapshot.events)
        .set("reorgs", snapshot.reorgs);
    return out;
}

// The followed run, or another one folded for this request.
Result<view::Scene> scene_of(const Sources& sources, const Snapshot& snapshot,
                             const protocol::RunId& run) {
    if (run == snapshot.scene.state.run) {
        return snapshot.scene;
    }
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(sources.index.string()));
    view::Scene scene;
    scene.chain_id = snapshot.scene.chain_id;
    scene.head = snapshot.scene.head;
    scene.live = snapshot.scene.live;
    COVENANT_TRY(scene.state, reader.state(run));
    return scene;
}

Result<Json> runs_json(const Sources& sources, const Snapshot& snapshot, const HttpRequest&) {
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(sources.index.string()));
    COVENANT_TRY(const auto runs, reader.runs());
    Json rows = Json::array();
    for (const protocol::RunId& run : runs) {
        COVENANT_TRY(const view::Scene scene, scene_of(sources, snapshot, run));
        Json row = view::run_json(scene);
        rows.push(std::move(row.set("followed", run == snapshot.scene.state.run)));
    }
    Json out = Json::object();
    return out.set("runs", std::move(rows));
}

Result<Json> run_json(const Sources& sources, const Snapshot& snapshot,
                      const HttpRequest& request) {
    COVENANT_TRY(const auto run, fixed_from_hex<Hash256>(request.capture("run")));
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(sources.index.string()));
    COVENANT_TRY(const auto runs, reader.runs());
    if (std::find(runs.begin(), runs.end(), run) == runs.end()) {
        return fail(Errc::kNotFound, "no run " + to_0x(run) + " on this chain; /api/runs has " +
                                         std::to_string(runs.size()));
    }
    COVENANT_TRY(const view::Scene scene, scene_of(sources, snapshot, run));
    return view::run_json(scene);
}

Result<Json> rounds_json(const Sources& sources, const Snapshot& snapshot,
                         const HttpRequest& request) {
    COVENANT_TRY(const Page page, page_of(request));
    const std::string_view order = request.parameter("order").value_or("oldest");
    if (order != "oldest" && order != "newest") {
        return fail(Errc::kInvalidArgument,
                    "order '" + std::string(order) + "' is neither oldest nor newest");
    }
    const std::uint64_t end = snapshot.scene.end().value;
    Json rows = Json::array();
    const std::uint64_t from = std::min(page.offset, end);
    const std::uint64_t to = from + std::min(page.limit, end - from);
    const bool newest = order == "newest";
    if (from < to) {
        COVENANT_TRY(const view::Scene scene,
                     scene_with(sources, snapshot, Round(newest ? end - to : from),
                                Round(newest ? end - 1 - from : to - 1)));
        for (std::uint64_t i = from; i < to; ++i) {
            const Round round(newest ? end - 1 - i : i);
            rows.push(view::round_json(scene.state, scene.round(round), scene.now()));
        }
    }
    const bool more = page.offset < end && end - page.offset > page.limit;
    Json out = Json::object();
    out.set("rounds", std::move(rows))
        .set("total", end)
        .set("offset", page.offset)
        .set("limit", page.limit)
        .set("next_offset", more ? Json(page.offset + page.limit) : Json());
    return out;
}

Result<Round> round_of(const Snapshot& snapshot, std::string_view text) {
    COVENANT_TRY(const std::uint64_t round, view::parse_number(text, "round", kMaxRound));
    if (round >= snapshot.scene.end().value) {
        return fail(Errc::kNotFound, "round " + std::to_string(round) + " has not begun; " +
                                         std::to_string(snapshot.scene.end().value) +
                                         " rounds have");
    }
    return Round(round);
}

Result<Json> round_json(const Sources& sources, const Snapshot& snapshot,
                        const HttpRequest& request) {
    COVENANT_TRY(const Round round, round_of(snapshot, request.capture("round")));
    COVENANT_TRY(const view::Scene scene, scene_with(sources, snapshot, round, round));
    return view::round_json(scene.state, scene.round(round), scene.now());
}

// All rounds that have begun.
Result<view::Scene> whole_scene(const Sources& sources, const Snapshot& snapshot) {
    return scene_with(sources, snapshot, Round{}, snapshot.scene.end());
}

Result<Json> hotkey_json(const Sources& sources, const Snapshot& snapshot,
                         const HttpRequest& request) {
    const std::string& text = request.capture("hotkey");
    const view::Scene& scene = snapshot.scene;
    COVENANT_TRY(const Uid uid, view::find_hotkey(scene.state, scene.folder, text));
    for (const chain::NeuronRow& row : chain::neuron_rows(scene.state, scene.now())) {
        if (row.uid == uid) {
            Json json = view::neuron_json(scene, row);
            if (scene.state.spec) {
                COVENANT_TRY(const view::Scene whole, whole_scene(sources, snapshot));
                json.set("per_round", view::hotkey_rounds_json(whole, uid));
            }
            return json;
        }
    }
    return fail(Errc::kNotFound, "no hotkey " + text);
}

Result<Json> hotkeys_json(const Sources&, const Snapshot& snapshot, const HttpRequest&) {
    Json json = Json::object();
    return json.set("hotkeys", view::neurons_json(snapshot.scene));
}

Result<Json> scores_json(const Sources& sources, const Snapshot& snapshot,
                         const HttpRequest& request) {
    COVENANT_TRY(const Round round, round_of(snapshot, request.capture("round")));
    COVENANT_TRY(const view::Scene scene, scene_with(sources, snapshot, round, round));
    return view::scores_json(scene, scene.round(round));
}

Result<Json> emission_json(const Sources& sources, const Snapshot& snapshot, const HttpRequest&) {
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(sources.index.string()));
    COVENANT_TRY(const auto settlements, reader.settlements(snapshot.scene.state.run));
    return view::emission_json(snapshot.scene, settlements);
}

Result<Json> audits_json(const Sources& sources, const Snapshot& snapshot,
                         const HttpRequest& request) {
    COVENANT_TRY(const Page page, page_of(request));
    view::AuditFilter filter;
    COVENANT_TRY(const auto round, number_of(request, "round", kMaxRound));
    if (round) {
        filter.round = Round(*round);
    }
    COVENANT_TRY(const view::Scene scene,
                 round ? scene_with(sources, snapshot, Round(*round), Round(*round))
                       : whole_scene(sources, snapshot));
    if (const auto hotkey = request.parameter("hotkey")) {
        COVENANT_TRY(filter.miner, view::find_hotkey(scene.state, scene.folder, *hotkey));
    }
    const auto rows = view::audit_rows(scene, filter);
    Json list = Json::array();
    for (std::uint64_t i = page.offset; i < rows.size() && i - page.offset < page.limit; ++i) {
        list.push(view::audit_json(scene, rows[i]));
    }
    const bool more = page.offset < rows.size() && rows.size() - page.offset > page.limit;
    Json out = Json::object();
    out.set("audits", std::move(list))
        .set("total", rows.size())
        .set("offset", page.offset)
        .set("limit", page.limit)
        .set("next_offset", more ? Json(page.offset + page.limit) : Json());
    return out;
}

}  // namespace

Result<view::Scene> scene_with(const Sources& sources, const Snapshot& snapshot, Round first,
                               Round last) {
    view::Scene scene = snapshot.scene;
    if (first >= scene.state.first) {
        return scene;
    }
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(sources.index.string()));
    COVENANT_TRY(protocol::RunState history, reader.rounds(scene.state.run, first, last));
    history.roster = scene.state.roster;
    history.tallies = scene.state.tallies;
    scene.state = std::move(history);
    return scene;
}

HttpReply reply(const Result<Json>& value) {
    if (!value) {
        return net::error_reply(status_of(value.error().code),
                                covenant::to_string(value.error().code), value.error().context);
    }
    HttpReply out;
    out.body = value->dump() + "\n";
    out.headers = {{"Cache-Control", "no-store"}};
    return out;
}

Result<std::optional<std::uint64_t>> number_of(const HttpRequest& request, std::string_view name,
                                               std::uint64_t most) {
    const auto text = request.parameter(name);
    if (!text) {
        return std::nullopt;
    }
    COVENANT_TRY(const std::uint64_t value, view::parse_number(*text, name, most));
    return value;
}

Result<Page> page_of(const HttpRequest& request) {
    Page page;
    COVENANT_TRY(const auto offset, number_of(request, "offset", std::uint64_t{1} << 40));
    COVENANT_TRY(const auto limit, number_of(request, "limit", kMaxLimit));
    page.offset = offset.value_or(0);
    page.limit = limit.value_or(kDefaultLimit);
    if (page.limit == 0) {
        return fail(Errc::kInvalidArgument, "limit 0 asks for nothing");
    }
    return page;
}

std::vector<net::Route> routes(const Sources& sources) {
    const auto answer = [sources](auto function) {
        return [sources, function](const HttpRequest& request) -> HttpReply {
            return reply(function(sources, *sources.board->get(), request));
        };
    };
    std::vector<net::Route> out;
    out.push_back(net::get_route(
        "/", [](const HttpRequest&) { return asset(page_html(), "text/html; charset=utf-8"); }));
    out.push_back(net::get_route("/page.css", [](const HttpRequest&) {
        return asset(page_css(), "text/css; charset=utf-8");
    }));
    out.push_back(net::get_route("/page.js", [](const HttpRequest&) {
        return asset(page_js(), "text/javascript; charset=utf-8");
    }));
    out.push_back(net::get_route("/api/health", answer(health_json)));
    out.push_back(net::get_route("/api/runs", answer(runs_json)));
    out.push_back(net::get_route("/api/runs/{run}", answer(run_json)));
    out.push_back(net::get_route("/api/rounds", answer(rounds_json)));
    out.push_back(net::get_route("/api/rounds/{round}", answer(round_json)));
    out.push_back(net::get_route("/api/hotkeys", answer(hotkeys_json)));
    out.push_back(net::get_route("/api/hotkeys/{hotkey}", answer(hotkey_json)));
    out.push_back(net::get_route("/api/scores/{round}", answer(scores_json)));
    out.push_back(net::get_route("/api/audits", answer(audits_json)));
    out.push_back(net::get_route("/api/emission", answer(emission_json)));
    out.push_back(net::get_route("/api/events", [sources](const HttpRequest& request) {
        return reply(events_json(sources, request));
    }));
    out.push_back(net::get_route("/api/search", [sources](const HttpRequest& request) {
        return reply(search_json(sources, request.parameter("q").value_or("")));
    }));
    return out;
}

}  // namespace covenant::explorer
