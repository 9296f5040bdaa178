#include "common/net/router.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

namespace covenant::net {
namespace {

HttpHandler echo(std::string name) {
    return [name](const HttpRequest& request) {
        HttpReply reply;
        reply.body = name;
        for (const auto& [key, value] : request.captures)
            reply.body += " " + key + "=" + value;
        return reply;
    };
}

Router make_router() {
    return Router::create({get_route("/", echo("root")), get_route("/rounds", echo("list")),
                           get_route("/rounds/{round}", echo("one")),
                           get_route("/rounds/{round}/uids/{uid}", echo("uid")),
                           post_route("/rounds", echo("add")),
                           get_route("/assets/*", echo("asset")),
                           get_route("/boom",
                                     [](const HttpRequest&) -> HttpReply {
                                         throw std::runtime_error("secret detail");
                                     })})
        .value();
}

HttpReply ask(const Router& router, std::string method, std::string path) {
    HttpRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    return router.answer(request);
}

TEST(Router, FindsTheRouteAndItsCaptures) {
    const Router router = make_router();
    EXPECT_EQ(ask(router, "GET", "/").body, "root");
    EXPECT_EQ(ask(router, "GET", "/rounds").body, "list");
    EXPECT_EQ(ask(router, "POST", "/rounds").body, "add");
    EXPECT_EQ(ask(router, "GET", "/rounds/12").body, "one round=12");
    EXPECT_EQ(ask(router, "GET", "/rounds/12/uids/3").body, "uid round=12 uid=3");
    EXPECT_EQ(ask(router, "GET", "/assets/js/app.js").body, "asset *=js/app.js");
}

TEST(Router, UnknownPathsAre404) {
    const Router router = make_router();
    for (const char* path :
         {"/nothing", "/rounds/", "/rounds/1/2", "//", "/rounds/1/uids/", "/assets"}) {
        EXPECT_EQ(ask(router, "GET", path).status, 404) << path;
    }
    EXPECT_EQ(ask(router, "GET", "relative").status, 400);
    EXPECT_EQ(ask(router, "GET", "").status, 400);
}

TEST(Router, OtherMethodsAre405AndNamed) {
    const HttpReply reply = ask(make_router(), "DELETE", "/rounds");
    EXPECT_EQ(reply.status, 405);
    EXPECT_EQ(header_value(reply.headers, "allow"), "GET, POST");
}

TEST(Router, AThrowingHandlerIs500WithoutItsText) {
    const HttpReply reply = ask(make_router(), "GET", "/boom");
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
}

TEST(Router, RefusesBadRoutes) {
    EXPECT_EQ(Router::create({get_route("rounds", echo("x"))}).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(Router::create({get_route("/a", nullptr)}).error().code, Errc::kInvalidArgument);
    const auto twice = Router::create({get_route("/a", echo("x")), get_route("/a", echo("y"))});
    ASSERT_FALSE(twice);
    EXPECT_NE(twice.error().context.find("given twice"), std::string::npos);
}

TEST(ErrorReply, EscapesTheMessage) {
    EXPECT_EQ(error_reply(404, "not_found", "a \"b\"\n\\").body,
              R"({"error":{"code":"not_found","message":"a \"b\"\u000a\\"}})");
}

TEST(PercentDecode, DecodesAndRefuses) {
    EXPECT_EQ(percent_decode("a%20b%2fc+d", false).value(), "a b/c+d");
    EXPECT_EQ(percent_decode("a+b", true).value(), "a b");
    for (const char* bad : {"%", "%1", "%zz", "a%4", "%00"}) {
        EXPECT_EQ(percent_decode(bad, false).error().code, Errc::kMalformed) << bad;
    }
    EXPECT_EQ(percent_decode("%41", false).value(), "A");
}

TEST(Query, ParsesPairs) {
    const auto query = parse_query("a=1&b=x%26y&flag&a=2&&c=").value();
    EXPECT_EQ(query.at("a"), "2");
    EXPECT_EQ(query.at("b"), "x&y");
    EXPECT_EQ(query.at("flag"), "");
    EXPECT_EQ(query.at("c"), "");
    EXPECT_EQ(query.size(), 4U);
    EXPECT_FALSE(parse_query("a=%q0"));
}

TEST(Headers, CompareIgnoringCase) {
    const Headers headers{{"Content-Type", "Application/JSON; charset=utf-8"}, {"X", "1"}};
    EXPECT_EQ(header_value(headers, "content-TYPE"), "Application/JSON; charset=utf-8");
    EXPECT_EQ(header_value(headers, "none"), "");
    EXPECT_EQ(media_type(headers[0].second), "application/json");
    EXPECT_EQ(media_type("  "), "");
}

TEST(Endpoint, ParsesAndRefuses) {
    EXPECT_EQ(parse_endpoint("127.0.0.1:9090").value(),
              std::pair(std::string("127.0.0.1"), std::uint16_t{9090}));
    EXPECT_EQ(parse_endpoint(":0").value(), std::pair(std::string("127.0.0.1"), std::uint16_t{0}));
    EXPECT_EQ(parse_endpoint("[::1]:80").value(), std::pair(std::string("::1"), std::uint16_t{80}));
    for (const char* bad : {"", "9090", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000",
                            "127.0.0.1:1x", "::1:80", "example.org:80", "127.0.0.1:-1"}) {
        EXPECT_EQ(parse_endpoint(bad).error().code, Errc::kInvalidArgument) << bad;
    }
}

}  // namespace
}  // namespace covenant::net
