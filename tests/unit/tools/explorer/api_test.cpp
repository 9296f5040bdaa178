#include "tools/explorer/api.hpp"

#include "common/base/hex.hpp"
#include "common/net/http_client.hpp"
#include "tests/support/sample_run.hpp"
#include "tests/support/temp_folder.hpp"

#include <set>

#include <gmock/gmock.h>

namespace covenant::explorer {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using ::testing::Not;

// A server over the sample run, asked over loopback.
class ApiTest : public ::testing::Test {
  protected:
    void SetUp() override {
        sample::write_index(index_path());
        auto snapshot = std::make_shared<Snapshot>();
        snapshot->scene = sample::scene();
        snapshot->events = 19;
        board.set(std::move(snapshot));
        auto started = net::HttpServer::start({}, routes({.board = &board, .index = index_path()}));
        ASSERT_TRUE(started) << started.error().context;
        server = std::move(*started);
        net::HttpClientOptions options;
        options.base_url = server->url();
        auto made = net::HttpClient::create(options);
        ASSERT_TRUE(made);
        client.emplace(std::move(*made));
    }
    [[nodiscard]] std::string index_path() const { return (folder / "index.sqlite").string(); }

    net::HttpResponse ask(const std::string& path, std::string_view method = "GET") {
        auto response = client->request(method, path, {}, "", {});
        EXPECT_TRUE(response) << path << ": " << response.error().context;
        return response.value_or(net::HttpResponse{});
    }
    Json get(const std::string& path) {
        const net::HttpResponse response = ask(path);
        EXPECT_EQ(response.status, 200) << path << ": " << response.text();
        EXPECT_EQ(response.content_type, "application/json");
        return Json::parse(response.text()).value_or(Json::object());
    }
    // The error's code.
    std::string refused(const std::string& path, int status) {
        const net::HttpResponse response = ask(path);
        EXPECT_EQ(response.status, status) << path << ": " << response.text();
        const auto json = Json::parse(response.text());
        EXPECT_TRUE(json && json->has("error")) << path;
        return json->at("error")->string("code").value_or("");
    }

    testing::TempFolder folder;
    Board board;
    std::unique_ptr<net::HttpServer> server;
    std::optional<net::HttpClient> client;
};

TEST_F(ApiTest, health_tells_head_and_counts) {
    const Json json = get("/api/health");
    EXPECT_TRUE(json.boolean("ok").value());
    EXPECT_FALSE(json.boolean("following").value());
    EXPECT_EQ(json.u64("events").value(), 19U);
    EXPECT_EQ(json.at("head")->u64("number").value(), 10U);
}

TEST_F(ApiTest, health_answers_before_anything_was_read) {
    board.set(std::make_shared<const Snapshot>());
    EXPECT_TRUE(get("/api/health").at("head")->is_null());
    EXPECT_EQ(get("/api/rounds").u64("total").value(), 0U);
    EXPECT_EQ(get("/api/hotkeys").items("hotkeys")->size(), 0U);
}

TEST_F(ApiTest, runs_are_listed_and_shown) {
    EXPECT_EQ(get("/api/runs").items("runs")->size(), 1U);
    EXPECT_EQ(get("/api/runs/" + to_0x(sample::run())).string("name").value(), "sample run");
    EXPECT_EQ(refused("/api/runs/" + to_0x(vectors::filled_hash(3)), 404), "not_found");
    EXPECT_EQ(refused("/api/runs/12", 400), "malformed");
}

TEST_F(ApiTest, rounds_come_in_pages_from_either_end) {
    const Json all = get("/api/rounds");
    ASSERT_EQ(all.items("rounds")->size(), 2U);
    EXPECT_TRUE(all.at("next_offset")->is_null());
    const Json first = get("/api/rounds?limit=1");
    EXPECT_EQ(first.items("rounds")->at(0).u64("index").value(), 0U);
    EXPECT_EQ(first.u64("next_offset").value(), 1U);
    const Json newest = get("/api/rounds?limit=1&order=newest");
    EXPECT_EQ(newest.items("rounds")->at(0).u64("index").value(), 1U);
    EXPECT_EQ(get("/api/rounds?offset=99").items("rounds")->size(), 0U);
    EXPECT_EQ(get("/api/rounds/0"), all.items("rounds")->at(0));
}

TEST_F(ApiTest, bounds_are_kept) {
    EXPECT_EQ(refused("/api/rounds?limit=501", 400), "invalid_argument");
    EXPECT_EQ(refused("/api/rounds?limit=0", 400), "invalid_argument");
    EXPECT_EQ(refused("/api/rounds?offset=-1", 400), "invalid_argument");
    EXPECT_EQ(refused("/api/rounds?order=random", 400), "invalid_argument");
    EXPECT_EQ(refused("/api/rounds/2", 404), "not_found");
    EXPECT_EQ(refused("/api/rounds/zero", 400), "invalid_argument");
    EXPECT_EQ(refused("/api/scores/18446744073709551615", 400), "invalid_argument");
    EXPECT_EQ(refused("/api/nothing", 404), "not_found");
}

TEST_F(ApiTest, hotkeys_are_found_by_name_uid_and_address) {
    EXPECT_EQ(get("/api/hotkeys").items("hotkeys")->size(), 3U);
    for (const std::string& hotkey :
         {std::string("mallory"), std::string("1"), to_0x(sample::hotkey_of(sample::kMallory))}) {
        const Json json = get("/api/hotkeys/" + hotkey);
        EXPECT_EQ(json.u64("fails").value(), 1U);
        EXPECT_EQ(json.items("per_round")->size(), 2U);
    }
    EXPECT_EQ(refused("/api/hotkeys/99", 404), "not_found");
    EXPECT_EQ(refused("/api/hotkeys/eve", 400), "invalid_argument");
}

TEST_F(ApiTest, scores_audits_and_emission_tell_of_the_cheat) {
    EXPECT_EQ(get("/api/scores/0").items("failed")->at(0).u64("uid").value(), 1U);
    EXPECT_EQ(get("/api/audits").u64("total").value(), 2U);
    const Json audits = get("/api/audits?round=0&hotkey=mallory");
    ASSERT_EQ(audits.items("audits")->size(), 1U);
    EXPECT_EQ(audits.items("audits")->at(0).u64("segment").value(), 2U);
    EXPECT_EQ(get("/api/audits?round=1").u64("total").value(), 0U);
    EXPECT_EQ(get("/api/audits?limit=1").u64("next_offset").value(), 1U);
    EXPECT_EQ(get("/api/emission").at("total")->string("miners").value(), "60");
}

TEST_F(ApiTest, events_are_filtered) {
    EXPECT_EQ(get("/api/events?kind=credited").items("events")->size(), 2U);
    EXPECT_EQ(get("/api/events?uid=1&kind=miner_failed").items("events")->size(), 1U);
    EXPECT_EQ(get("/api/events?round=1").items("events")->size(), 0U);
    EXPECT_EQ(get("/api/events?after=9").items("events")->size(), 1U);
    EXPECT_EQ(refused("/api/events?after=x", 400), "invalid_argument");
    EXPECT_EQ(refused("/api/events?uid=256", 400), "invalid_argument");
}

TEST_F(ApiTest, pages_of_events_give_each_event_once) {
    const auto whole = get("/api/events?limit=500").items("events").value();
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
    std::string after;
    for (int page = 0; page < 40; ++page) {
        const Json json = get("/api/events?limit=2" + after);
        const auto events = json.items("events").value();
        for (const Json& event : events) {
            EXPECT_TRUE(seen.emplace(event.u64("block").value(), event.u64("log").value()).second);
        }
        if (json.at("next_after")->is_null()) {
            break;
        }
        EXPECT_EQ(events.size(), 2U);
        after = "&after=" + json.string("next_after").value();
    }
    EXPECT_EQ(seen.size(), whole.size());
}

TEST_F(ApiTest, rounds_that_left_the_state_are_read_from_the_index) {
    const std::vector<std::string> paths = {
        "/api/rounds",      "/api/rounds?order=newest", "/api/rounds/0", "/api/scores/0",
        "/api/audits",      "/api/audits?round=0",      "/api/emission", "/api/hotkeys/mallory",
        "/api/hotkeys/vera"};
    std::vector<std::string> whole;
    for (const std::string& path : paths)
        whole.push_back(get(path).dump());
    auto bounded = std::make_shared<Snapshot>();
    bounded->scene = sample::scene();
    protocol::RunState& state = bounded->scene.state;
    state.accepted_before = state.rounds.at(protocol::Round(0)).accepted;
    state.rounds.erase_first();
    state.first = protocol::Round(1);
    ASSERT_FALSE(state.rounds.contains(protocol::Round(0)));
    // What neuron rows show of the newest reveals is of a recent round.
    const std::string recent = get("/api/rounds/1").dump();
    board.set(std::move(bounded));
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (!paths[i].starts_with("/api/hotkeys")) {
            EXPECT_EQ(get(paths[i]).dump(), whole[i]) << paths[i];
            continue;
        }
        EXPECT_EQ(get(paths[i]).at("per_round")->dump(),
                  Json::parse(whole[i])->at("per_round")->dump());
    }
    EXPECT_EQ(get("/api/rounds/1").dump(), recent);
}

TEST_F(ApiTest, search_answers_any_pasted_text) {
    const auto kinds = [this](const std::string& query) {
        std::set<std::string> out;
        const auto matches = get("/api/search?q=" + query).items("matches").value();
        for (const Json& match : matches) {
            out.insert(match.string("kind").value());
            EXPECT_EQ(ask(match.string("url").value()).status, 200);
        }
        return out;
    };
    using Kinds = std::set<std::string>;
    EXPECT_EQ(kinds("alice"), Kinds{"hotkey"});
    EXPECT_EQ(kinds("1"), (Kinds{"round", "uid"}));
    EXPECT_EQ(kinds(to_0x(vectors::filled_address(0xc0))), Kinds{"coldkey"});
    EXPECT_EQ(kinds(to_0x(sample::run())), Kinds{"run"});
    EXPECT_EQ(kinds(to_hex(vectors::filled_hash(0x21).view())), Kinds{"artifact"});
    EXPECT_EQ(kinds(to_0x(vectors::filled_hash(0xd0))), Kinds{"parameters_root"});
    EXPECT_EQ(kinds(to_0x(vectors::filled_hash(0xee))), Kinds{"evidence"});
    EXPECT_EQ(kinds(to_0x(sample::transaction_hash(4))), Kinds{"transaction"});
    EXPECT_EQ(kinds("nothing%20of%20the%20kind"), Kinds{});
    EXPECT_EQ(refused("/api/search", 400), "invalid_argument");
    EXPECT_EQ(refused("/api/search?q=" + std::string(81, 'a'), 400), "invalid_argument");
}

TEST_F(ApiTest, head_is_answered_and_writing_is_not) {
    const net::HttpResponse head = ask("/api/health", "HEAD");
    EXPECT_EQ(head.status, 200);
    EXPECT_TRUE(head.body.empty());
    EXPECT_EQ(ask("/api/health", "POST").status, 405);
}

TEST_F(ApiTest, the_page_runs_nothing_that_is_not_ours) {
    const net::HttpResponse page = ask("/");
    EXPECT_EQ(page.content_type, "text/html");
    EXPECT_THAT(std::string(net::header_value(page.headers, "content-security-policy")),
                HasSubstr("default-src 'self'"));
    const std::string html(page.text());
    EXPECT_THAT(html, Not(HasSubstr("http://")));
    EXPECT_THAT(html, Not(HasSubstr("https://")));
    EXPECT_THAT(html, Not(HasSubstr("<script>")));
    for (const char* file : {"/page.css", "/page.js"}) {
        EXPECT_THAT(html, HasSubstr(file));
        EXPECT_EQ(ask(file).status, 200);
        EXPECT_FALSE(ask(file).body.empty());
    }
    EXPECT_EQ(ask("/page.js").content_type, "text/javascript");
    EXPECT_THAT(std::string(ask("/page.js").text()), Not(HasSubstr("innerHTML")));
}

}  // namespace
}  // namespace covenant::explorer
