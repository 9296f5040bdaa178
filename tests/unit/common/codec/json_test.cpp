#include "common/codec/json.hpp"

#include "common/base/counter_rng.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace covenant::codec {
namespace {

constexpr std::uint64_t kU64Max = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t kI64Min = std::numeric_limits<std::int64_t>::min();

Json parsed(std::string_view text) {
    auto result = Json::parse(text);
    EXPECT_TRUE(result) << result.error().context;
    return result.value_or(Json());
}

template <typename T>
std::string error_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    if (result) return {};
    EXPECT_EQ(result.error().code, Errc::kMalformed);
    return result.error().context;
}

TEST(JsonParse, AZeroByteIsNoEndOfTheText) {
    for (const std::string_view text :
         {std::string_view("{}\0", 3), std::string_view("{}\0\0\0{", 6),
          std::string_view("\0{}", 3), std::string_view("[1,\0 2]", 7), std::string_view("\0", 1),
          std::string_view("\"a\0b\"", 5)}) {
        const auto json = Json::parse(text);
        ASSERT_FALSE(json) << text.size();
        EXPECT_EQ(json.error().code, Errc::kMalformed);
        EXPECT_NE(json.error().context.find("zero byte"), std::string::npos);
    }
}

TEST(Json, BuildsAndPrintsInOrder) {
    Json out = Json::object();
    out.set("zeta", 1).set("alpha", "two").set("list", Json::array().push(true).push(nullptr));
    out.set("nested", Json::object().set("x", 0.5));
    EXPECT_EQ(out.dump(), R"({"zeta":1,"alpha":"two","list":[true,null],"nested":{"x":0.5}})");
    EXPECT_EQ(out.dump(Json::Style::kPretty),
              "{\n  \"zeta\": 1,\n  \"alpha\": \"two\",\n  \"list\": [\n    true,\n    null\n  ],\n"
              "  \"nested\": {\n    \"x\": 0.5\n  }\n}");
    out.set("zeta", 2);  // keeps its place
    EXPECT_EQ(out.dump().substr(0, 10), R"({"zeta":2,)");
    EXPECT_EQ(Json::object().dump(Json::Style::kPretty), "{}");
    EXPECT_EQ(Json::array().dump(Json::Style::kPretty), "[]");
}

TEST(Json, KeepsKeyOrderFromText) {
    const std::string text = R"({"b":1,"a":{"d":[],"c":{}}})";
    EXPECT_EQ(parsed(text).dump(), text);
    EXPECT_EQ(*parsed(text).as_keys(), (std::vector<std::string>{"b", "a"}));
}

TEST(Json, IntegersOf64BitsAreExact) {
    const Json doc = parsed(R"({"max":18446744073709551615,"min":-9223372036854775808,"small":7})");
    EXPECT_EQ(*doc.u64("max"), kU64Max);
    EXPECT_EQ(*doc.i64("min"), kI64Min);
    EXPECT_EQ(*doc.i64("small"), 7);
    EXPECT_EQ(*doc.number("small"), 7.0);
    EXPECT_EQ(doc.dump(), R"({"max":18446744073709551615,"min":-9223372036854775808,"small":7})");
    EXPECT_EQ(Json(kU64Max).dump(), "18446744073709551615");
    EXPECT_EQ(Json(kI64Min).dump(), "-9223372036854775808");
    EXPECT_EQ(error_of(doc.i64("max")), "$.max: 18446744073709551615 exceeds 63 bits");
    EXPECT_EQ(error_of(doc.u64("min")),
              "$.min: expected an unsigned integer, found -9223372036854775808");
    EXPECT_NE(error_of(Json::parse("18446744073709551616")).find("exceeds 64 bits"),
              std::string::npos);
    EXPECT_NE(error_of(Json::parse("-9223372036854775809")).find("exceeds 64 bits"),
              std::string::npos);
}

TEST(Json, FractionsRoundTripAndStayFractions) {
    for (const double value : {0.1, 1e300, -2.5e-308, 5e-324, 4.0, 123456789.125}) {
        const std::string text = Json(value).dump();
        const Json back = parsed(text);
        EXPECT_EQ(*back.as_double(), value) << text;
        EXPECT_FALSE(back.as_u64()) << text;
    }
    EXPECT_EQ(Json(4.0).dump(), "4.0");
    EXPECT_TRUE(Json(std::nan("")).is_null());
    EXPECT_TRUE(Json(std::numeric_limits<double>::infinity()).is_null());
    EXPECT_FALSE(Json::parse("1e999"));
}

TEST(Json, StringsEscapeAndSurviveBadUtf8) {
    EXPECT_EQ(Json("a\"b\\\n\x01").dump(), R"("a\"b\\\n\u0001")");
    EXPECT_EQ(*parsed(R"("\u00e9\ud83d\ude00")").as_string(), "é😀");
    EXPECT_EQ(Json(std::string("\xFF")).dump(), "\"\xEF\xBF\xBD\"");
    EXPECT_FALSE(Json::parse("\"\xFF\""));
}

TEST(Json, ErrorsNameThePath) {
    const Json doc = parsed(R"({"result":{"blocks":[{"time":1},{"time":"x"}]},"flag":1})");
    const Json blocks = *doc.at("result")->at("blocks");
    EXPECT_EQ(blocks.path(), "$.result.blocks");
    EXPECT_EQ(error_of(blocks.at_index(1)->u64("time")),
              "$.result.blocks[1].time: expected an unsigned integer, found a string");
    EXPECT_EQ(error_of((*blocks.as_items())[0].string("time")),
              "$.result.blocks[0].time: expected a string, found an integer");
    EXPECT_EQ(error_of(blocks.at_index(2)), "$.result.blocks[2]: missing, the array has 2 items");
    EXPECT_EQ(error_of(doc.u64("round")), "$.round: missing");
    EXPECT_EQ(error_of(doc.at("flag")->at("x")), "$.flag: expected an object, found an integer");
    EXPECT_EQ(error_of(doc.boolean("flag")), "$.flag: expected a boolean, found an integer");
    EXPECT_EQ(error_of(doc.items("result")), "$.result: expected an array, found an object");
    EXPECT_EQ(error_of(doc.number("result")), "$.result: expected a number, found an object");
    EXPECT_EQ(error_of(doc.at("flag")->as_keys()), "$.flag: expected an object, found an integer");
}

TEST(Json, HexValues) {
    const Json doc =
        parsed(R"({"root":"0x)" + std::string(64, 'a') + R"(","data":"0x0102","bad":"0xzz"})");
    EXPECT_EQ(doc.fixed<Hash256>("root")->bytes[31], 0xAA);
    EXPECT_EQ(*doc.bytes("data", 2), (Bytes{1, 2}));
    EXPECT_NE(error_of(doc.bytes("data", 1)).find("$.data: "), std::string::npos);
    EXPECT_NE(error_of(doc.fixed<Address>("root")).find("$.root: "), std::string::npos);
    EXPECT_NE(error_of(doc.bytes("bad", 9)).find("$.bad: "), std::string::npos);
}

TEST(Json, DefaultsAreForMissingAndNullOnly) {
    const Json doc = parsed(R"({"n":5,"null":null,"s":"x","b":true,"d":1.5})");
    EXPECT_EQ(*doc.u64_or("n", 1), 5U);
    EXPECT_EQ(*doc.u64_or("missing", 1), 1U);
    EXPECT_EQ(*doc.u64_or("null", 1), 1U);
    EXPECT_FALSE(doc.u64_or("s", 1));
    EXPECT_EQ(*doc.string_or("s", "y"), "x");
    EXPECT_EQ(*doc.string_or("missing", "y"), "y");
    EXPECT_TRUE(*doc.boolean_or("b", false));
    EXPECT_FALSE(*doc.boolean_or("missing", false));
    EXPECT_EQ(*doc.number_or("d", 0), 1.5);
    EXPECT_EQ(*doc.number_or("missing", 2), 2);
    EXPECT_FALSE(parsed("[]").u64_or("n", 1));
}

TEST(Json, UnknownKeysCanBeRefused) {
    const Json doc = parsed(R"({"a":1,"b":2})");
    EXPECT_TRUE(doc.only_keys({"a", "b", "c"}));
    EXPECT_EQ(error_of(doc.only_keys({"a"})), "$.b: unknown key");
}

TEST(Json, CopiesAreIndependent) {
    Json original = Json::object().set("list", Json::array().push(1));
    Json copy = original;
    copy.set("list", 2);
    EXPECT_EQ(original.dump(), R"({"list":[1]})");
    Json part = *original.at("list");
    part.push(5);
    EXPECT_EQ(original.dump(), R"({"list":[1]})");
    EXPECT_EQ(part.dump(), "[1,5]");
    Json self = Json::object();
    self.set("self", self);
    EXPECT_EQ(self.dump(), R"({"self":{}})");
    Json outlives;
    {
        const Json doc = parsed(R"({"a":{"b":[1,2]}})");
        outlives = *doc.at("a")->at("b");
    }
    EXPECT_EQ(outlives.dump(), "[1,2]");
}

TEST(Json, EqualityIsByValue) {
    EXPECT_EQ(Json(1), Json(std::uint64_t{1}));
    EXPECT_EQ(parsed(R"({"a":[1,-2,"x",null,true,1.5]})"),
              parsed(R"( { "a" : [1,-2,"x",null,true,1.5] } )"));
    EXPECT_NE(parsed("1"), parsed("1.0"));
    EXPECT_EQ(parsed("-0"), parsed("0"));
    EXPECT_EQ(*parsed("-0").as_u64(), 0U);
    EXPECT_EQ(Json(std::optional<int>()), Json(nullptr));
    EXPECT_EQ(Json(std::optional<int>(3)), Json(3));
}

TEST(Json, RefusesWhatIsNotStrictJson) {
    for (const char* bad : {"", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "01", "+1", "nul",
                            "1 2", "// c\n1", "[1", "\"\\x\"", "NaN", "{\"a\" 1}", "\"\t\""}) {
        const std::string context = error_of(Json::parse(bad));
        EXPECT_EQ(context.find("JSON: "), 0U) << bad << " -> " << context;
    }
    EXPECT_EQ(error_of(Json::parse(R"({"a":{"b":1,"b":2}})")), "JSON: duplicate key \"b\"");
}

TEST(Json, IsBounded) {
    Json::Limits limits;
    limits.max_depth = 3;
    EXPECT_TRUE(Json::parse("[[[1]]]", limits));
    EXPECT_EQ(error_of(Json::parse("[[[[1]]]]", limits)), "JSON: nested deeper than 3 levels");
    EXPECT_NE(error_of(Json::parse(std::string(100000, '['))).find("nested deeper"),
              std::string::npos);
    limits.max_values = 4;
    EXPECT_TRUE(Json::parse("[1,2,3]", limits));
    EXPECT_EQ(error_of(Json::parse("[1,2,3,4]", limits)), "JSON: more than 4 values");
    limits.max_bytes = 5;
    EXPECT_TRUE(Json::parse("12345", limits));
    EXPECT_FALSE(Json::parse("123456", limits));
}

TEST(JsonDeathTest, BuildingOnAnotherKindIsABug) {
    EXPECT_DEATH(Json(1).set("a", 1), "for objects");
    EXPECT_DEATH(Json::object().push(1), "for arrays");
}

Json random_json(CounterRng& rng, int depth) {
    switch (rng.below(depth > 0 ? 8 : 6)) {
        case 0:
            return nullptr;
        case 1:
            return rng.below(2) == 1;
        case 2:
            return rng.next_u64();
        case 3:
            return static_cast<std::int64_t>(rng.next_u64());
        case 4:
            return static_cast<double>(rng.next_u32()) / 1024.0;
        case 5:
            return "s" + std::to_string(rng.below(1000));
        case 6: {
            Json out = Json::array();
            for (std::uint64_t n = rng.below(4); n > 0; --n) {
                out.push(random_json(rng, depth - 1));
            }
            return out;
        }
        default: {
            Json out = Json::object();
            for (std::uint64_t n = rng.below(4); n > 0; --n) {
                out.set("k" + std::to_string(n), random_json(rng, depth - 1));
            }
            return out;
        }
    }
}

TEST(Json, RandomDocumentsRoundTrip) {
    CounterRng rng(5);
    for (int i = 0; i < 300; ++i) {
        const Json doc = random_json(rng, 4);
        EXPECT_EQ(parsed(doc.dump()), doc);
        EXPECT_EQ(parsed(doc.dump(Json::Style::kPretty)), doc);
    }
}

}  // namespace
}  // namespace covenant::codec
