// JSON for people and for other programs (configuration, RPC, --json output). Never hashed:
// canonical bytes come from writer.hpp. A Json is a handle with value semantics: copies are cheap,
// a change never shows through another copy. A value that was read out of a document knows where it
// stood, so every error names its path: "$.result.block.timestamp: expected an unsigned integer,
// found a string".
//
//   Json out = Json::object();
//   out.set("round", 7u).set("loss", 4.5).set("ok", true);
//   puts(out.dump(Json::Style::kPretty).c_str());
//
//   COVENANT_TRY(const Json doc, Json::parse(text));
//   COVENANT_TRY(const std::uint64_t round, doc.u64("round"));
//   COVENANT_TRY(const std::vector<Json> rows, doc.items("rows"));
//
// Objects keep the order in which keys were set or read. Integers of 64 bits, signed and unsigned,
// are exact. All reading errors are Errc::kMalformed.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/hex.hpp"
#include "common/base/result.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace covenant::codec {

class Json {
  public:
    enum class Kind : std::uint8_t { kNull, kBool, kInteger, kNumber, kString, kArray, kObject };
    enum class Style : std::uint8_t { kCompact, kPretty };  // one line, or two spaces an indent

    struct Limits {
        std::size_t max_bytes = std::size_t{16} << 20;
        std::size_t max_depth = 64;
        std::size_t max_values = std::size_t{1} << 20;
    };

    Json();  // null
    Json(std::nullptr_t);
    Json(bool value);
    Json(double value);  // an infinity or NaN becomes null: JSON has neither
    Json(std::string value);
    Json(std::string_view value);
    Json(const char* value);
    template <std::signed_integral T>
    Json(T value) : Json(Exact{}, static_cast<std::int64_t>(value)) {}
    template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>) Json(T value)
        : Json(Exact{}, static_cast<std::uint64_t>(value)) {}
    template <typename T>
    Json(const std::optional<T>& value) : Json() {
        if (value) *this = Json(*value);
    }
    template <typename T>
    Json(const T*) = delete;  // a pointer is not a truth value

    static Json object();
    static Json array();
    // Strict JSON, UTF-8, no comments, no duplicate keys, integers within 64 bits, bounded.
    static Result<Json> parse(std::string_view text, const Limits& limits);
    static Result<Json> parse(std::string_view text) { return parse(text, Limits{}); }

    // Building. set replaces the value of a present key; both require an object (array): using them
    // on another kind is a bug of the caller.
    Json& set(std::string_view key, Json value);
    Json& push(Json value);

    // The value itself.
    [[nodiscard]] Kind kind() const;
    [[nodiscard]] bool is_null() const { return kind() == Kind::kNull; }
    [[nodiscard]] bool is_object() const { return kind() == Kind::kObject; }
    [[nodiscard]] bool is_array() const { return kind() == Kind::kArray; }
    [[nodiscard]] bool is_string() const { return kind() == Kind::kString; }
    [[nodiscard]] std::size_t size() const;  // members or items; 0 for other kinds
    [[nodiscard]] Result<bool> as_bool() const;
    [[nodiscard]] Result<std::int64_t> as_i64() const;
    [[nodiscard]] Result<std::uint64_t> as_u64() const;
    [[nodiscard]] Result<double> as_double() const;  // integers convert
    [[nodiscard]] Result<std::string> as_string() const;
    [[nodiscard]] Result<std::vector<Json>> as_items() const;        // of an array
    [[nodiscard]] Result<std::vector<std::string>> as_keys() const;  // of an object, in order

    // Members of an object. A missing key is an error; has() asks without one.
    [[nodiscard]] bool has(std::string_view key) const;
    [[nodiscard]] Result<Json> at(std::string_view key) const;
    [[nodiscard]] Result<Json> at_index(std::size_t index) const;
    [[nodiscard]] Result<bool> boolean(std::string_view key) const;
    [[nodiscard]] Result<std::int64_t> i64(std::string_view key) const;
    [[nodiscard]] Result<std::uint64_t> u64(std::string_view key) const;
    [[nodiscard]] Result<double> number(std::string_view key) const;
    [[nodiscard]] Result<std::string> string(std::string_view key) const;
    [[nodiscard]] Result<std::vector<Json>> items(std::string_view key) const;
    // Hex text, with or without 0x: of any length up to max_bytes, or of a fixed-size type.
    [[nodiscard]] Result<Bytes> bytes(std::string_view key, std::size_t max_bytes) const;
    template <typename Fixed>
    [[nodiscard]] Result<Fixed> fixed(std::string_view key) const {
        COVENANT_TRY(const Json member, at(key));
        COVENANT_TRY(const std::string text, member.as_string());
        auto value = fixed_from_hex<Fixed>(text);
        if (!value) return covenant::fail(std::move(value).error().within(member.path()));
        return *value;
    }
    // Missing or null gives the default; a value of another kind is still an error.
    [[nodiscard]] Result<bool> boolean_or(std::string_view key, bool fallback) const;
    [[nodiscard]] Result<std::uint64_t> u64_or(std::string_view key, std::uint64_t fallback) const;
    [[nodiscard]] Result<double> number_or(std::string_view key, double fallback) const;
    [[nodiscard]] Result<std::string> string_or(std::string_view key, std::string fallback) const;
    // kMalformed, naming the key, when the object has one that is not in `known`.
    [[nodiscard]] Status only_keys(std::initializer_list<std::string_view> known) const;

    // "$" for a document, "$.a.b[3]" for a value inside one.
    [[nodiscard]] const std::string& path() const { return path_; }

    // UTF-8; bytes that are not are written as U+FFFD.
    [[nodiscard]] std::string dump(Style style = Style::kCompact) const;

    bool operator==(const Json& other) const;  // by value; paths do not count

  private:
    struct Node;
    struct Exact {};
    class Builder;
    Json(Exact, std::int64_t value);
    Json(Exact, std::uint64_t value);
    Json(std::shared_ptr<Node> node, std::string path);
    Node& own();                        // the node, unshared
    static Node release(Json&& value);  // its content, moved out unless it is shared
    [[nodiscard]] tl::unexpected<Error> wrong_kind(std::string_view expected) const;

    std::shared_ptr<Node> node_;
    std::string path_ = "$";
};

}  // namespace covenant::codec
