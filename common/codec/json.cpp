#include "common/codec/json.hpp"

#include "common/base/assert.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_set>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

namespace covenant::codec {

struct Json::Node {
    using Array = std::vector<Node>;
    using Object = std::vector<std::pair<std::string, Node>>;
    // A non-negative integer is always the unsigned alternative, so equal numbers compare equal.
    std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array,
                 Object>
        value = nullptr;

    bool operator==(const Node&) const = default;

    [[nodiscard]] const Node* find(std::string_view key) const {
        const auto* object = std::get_if<Object>(&value);
        if (object == nullptr) return nullptr;
        for (const auto& [name, node] : *object) {
            if (name == key) return &node;
        }
        return nullptr;
    }
};

namespace {

constexpr std::string_view name_of(Json::Kind kind) {
    switch (kind) {
        case Json::Kind::kNull:
            return "null";
        case Json::Kind::kBool:
            return "a boolean";
        case Json::Kind::kInteger:
            return "an integer";
        case Json::Kind::kNumber:
            return "a fraction";
        case Json::Kind::kString:
            return "a string";
        case Json::Kind::kArray:
            return "an array";
        case Json::Kind::kObject:
            return "an object";
    }
    return "nothing";
}

std::string member_path(const std::string& path, std::string_view key) {
    constexpr std::size_t kShown = 64;
    return path + "." + std::string(key.substr(0, kShown)) + (key.size() > kShown ? "…" : "");
}

std::string quoted(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The shortest text that reads back as the same double, with a mark that it is no integer.
std::string fraction_text(double value) {
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    std::string text(buffer.data(), end);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

}  // namespace

// Receives the parser's events, so that every bound holds before anything is kept.
class Json::Builder : public nlohmann::json_sax<nlohmann::json> {
  public:
    explicit Builder(const Limits& limits) : limits_(limits) {}

    bool null() override { return add({nullptr}); }
    bool boolean(bool value) override { return add({value}); }
    bool number_integer(number_integer_t value) override {
        if (value >= 0) return add({static_cast<std::uint64_t>(value)});  // "-0"
        return add({std::int64_t{value}});
    }
    bool number_unsigned(number_unsigned_t value) override { return add({std::uint64_t{value}}); }
    bool number_float(number_float_t value, const string_t& text) override {
        if (text.find_first_of(".eE") == std::string::npos) {
            return refuse("the integer " + text.substr(0, 40) + " exceeds 64 bits");
        }
        return add({value});
    }
    bool string(string_t& value) override { return add({std::move(value)}); }
    bool binary(binary_t&) override { return refuse("binary value"); }

    bool start_object(std::size_t) override { return enter({Node::Object{}}); }
    bool key(string_t& value) override {
        if (!keys_.back().insert(value).second) {
            return refuse("duplicate key " + quoted(value.substr(0, 64)));
        }
        pending_key_ = std::move(value);
        return true;
    }
    bool end_object() override { return leave(); }
    bool start_array(std::size_t) override { return enter({Node::Array{}}); }
    bool end_array() override { return leave(); }
    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::detail::exception& error) override {
        // The library's text names where and what; its own prefix says nothing to our readers.
        std::string what = error.what();
        if (const auto end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
        return refuse("at byte " + std::to_string(position) + ": " + what.substr(0, 200));
    }

    Node root;
    std::string failure;

  private:
    bool refuse(std::string why) {
        failure = std::move(why);
        return false;
    }

    bool place(Node node, Node*& placed) {
        if (++values_ > limits_.max_values) {
            return refuse("more than " + std::to_string(limits_.max_values) + " values");
        }
        if (open_.empty()) {
            root = std::move(node);
            placed = &root;
        } else if (auto* array = std::get_if<Node::Array>(&open_.back()->value)) {
            placed = &array->emplace_back(std::move(node));
        } else {
            auto& object = std::get<Node::Object>(open_.back()->value);
            placed = &object.emplace_back(std::move(pending_key_), std::move(node)).second;
        }
        return true;
    }
    bool add(Node node) {
        Node* placed = nullptr;
        return place(std::move(node), placed);
    }
    bool enter(Node node) {
        if (open_.size() >= limits_.max_depth) {
            return refuse("nested deeper than " + std::to_string(limits_.max_depth) + " levels");
        }
        Node* placed = nullptr;
        if (!place(std::move(node), placed)) return false;
        open_.push_back(placed);  // stays valid: only the innermost open container grows
        keys_.emplace_back();
        return true;
    }
    bool leave() {
        open_.pop_back();
        keys_.pop_back();
        return true;
    }

    const Limits& limits_;
    std::vector<Node*> open_;
    std::vector<std::unordered_set<std::string>> keys_;
    std::string pending_key_;
    std::size_t values_ = 0;
};

Json::Json() : node_(std::make_shared<Node>()) {}
Json::Json(std::nullptr_t) : Json() {}
Json::Json(bool value) : node_(std::make_shared<Node>(Node{value})) {}
Json::Json(double value) : Json() {
    if (std::isfinite(value)) node_->value = value;
}
Json::Json(std::string value) : node_(std::make_shared<Node>(Node{std::move(value)})) {}
Json::Json(std::string_view value) : Json(std::string(value)) {}
Json::Json(const char* value) : Json(std::string(value)) {}
Json::Json(Exact, std::int64_t value) : Json() {
    if (value >= 0) {
        node_->value = static_cast<std::uint64_t>(value);
    } else {
        node_->value = value;
    }
}
Json::Json(Exact, std::uint64_t value) : node_(std::make_shared<Node>(Node{value})) {}
Json::Json(std::shared_ptr<Node> node, std::string path)
    : node_(std::move(node)), path_(std::move(path)) {}

Json Json::object() {
    return {std::make_shared<Node>(Node{Node::Object{}}), "$"};
}
Json Json::array() {
    return {std::make_shared<Node>(Node{Node::Array{}}), "$"};
}

Result<Json> Json::parse(std::string_view text, const Limits& limits) {
    if (text.size() > limits.max_bytes) {
        return covenant::fail(Errc::kMalformed, "JSON text of " + std::to_string(text.size()) +
                                                    " bytes, at most " +
                                                    std::to_string(limits.max_bytes) + " allowed");
    }
    // The parser below takes a zero byte for the end of the text and would not see what follows.
    if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
        return covenant::fail(Errc::kMalformed,
                              "JSON: a zero byte at byte " + std::to_string(zero + 1));
    }
    Builder builder(limits);
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
        return covenant::fail(Errc::kMalformed, "JSON: " + builder.failure);
    }
    return Json(std::make_shared<Node>(std::move(builder.root)), "$");
}

Json::Node& Json::own() {
    if (node_.use_count() != 1) node_ = std::make_shared<Node>(*node_);
    return *node_;
}

Json::Node Json::release(Json&& value) {
    const std::shared_ptr<Node> node = std::move(value.node_);
    return node.use_count() == 1 ? std::move(*node) : *node;
}

Json& Json::set(std::string_view key, Json value) {
    COVENANT_ASSERT(is_object(), "set() is for objects");
    Node child = release(std::move(value));
    auto& object = std::get<Node::Object>(own().value);
    for (auto& [name, node] : object) {
        if (name == key) {
            node = std::move(child);
            return *this;
        }
    }
    object.emplace_back(std::string(key), std::move(child));
    return *this;
}

Json& Json::push(Json value) {
    COVENANT_ASSERT(is_array(), "push() is for arrays");
    Node child = release(std::move(value));
    std::get<Node::Array>(own().value).push_back(std::move(child));
    return *this;
}

Json::Kind Json::kind() const {
    constexpr std::array kKinds{Kind::kNull,   Kind::kBool,   Kind::kInteger, Kind::kInteger,
                                Kind::kNumber, Kind::kString, Kind::kArray,   Kind::kObject};
    return kKinds[node_->value.index()];
}

std::size_t Json::size() const {
    if (const auto* array = std::get_if<Node::Array>(&node_->value)) return array->size();
    if (const auto* object = std::get_if<Node::Object>(&node_->value)) return object->size();
    return 0;
}

tl::unexpected<Error> Json::wrong_kind(std::string_view expected) const {
    return covenant::fail(Errc::kMalformed, path_ + ": expected " + std::string(expected) +
                                                ", found " + std::string(name_of(kind())));
}

Result<bool> Json::as_bool() const {
    if (const auto* value = std::get_if<bool>(&node_->value)) return *value;
    return wrong_kind("a boolean");
}

Result<std::int64_t> Json::as_i64() const {
    if (const auto* value = std::get_if<std::int64_t>(&node_->value)) return *value;
    if (const auto* value = std::get_if<std::uint64_t>(&node_->value)) {
        if (*value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
            return covenant::fail(Errc::kMalformed,
                                  path_ + ": " + std::to_string(*value) + " exceeds 63 bits");
        }
        return static_cast<std::int64_t>(*value);
    }
    return wrong_kind("an integer");
}

Result<std::uint64_t> Json::as_u64() const {
    if (const auto* value = std::get_if<std::uint64_t>(&node_->value)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(&node_->value)) {
        // The parser and the constructors store non-negative values as unsigned.
        return covenant::fail(Errc::kMalformed, path_ + ": expected an unsigned integer, found " +
                                                    std::to_string(*value));
    }
    return wrong_kind("an unsigned integer");
}

Result<double> Json::as_double() const {
    if (const auto* value = std::get_if<double>(&node_->value)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(&node_->value)) {
        return static_cast<double>(*value);
    }
    if (const auto* value = std::get_if<std::uint64_t>(&node_->value)) {
        return static_cast<double>(*value);
    }
    return wrong_kind("a number");
}

Result<std::string> Json::as_string() const {
    if (const auto* value = std::get_if<std::string>(&node_->value)) return *value;
    return wrong_kind("a string");
}

Result<std::vector<Json>> Json::as_items() const {
    auto* array = std::get_if<Node::Array>(&node_->value);
    if (array == nullptr) return wrong_kind("an array");
    std::vector<Json> out;
    out.reserve(array->size());
    for (std::size_t i = 0; i < array->size(); ++i) {
        out.push_back(Json(std::shared_ptr<Node>(node_, &(*array)[i]),
                           path_ + "[" + std::to_string(i) + "]"));
    }
    return out;
}

Result<std::vector<std::string>> Json::as_keys() const {
    const auto* object = std::get_if<Node::Object>(&node_->value);
    if (object == nullptr) return wrong_kind("an object");
    std::vector<std::string> out;
    out.reserve(object->size());
    for (const auto& member : *object) {
        out.push_back(member.first);
    }
    return out;
}

bool Json::has(std::string_view key) const {
    return node_->find(key) != nullptr;
}

Result<Json> Json::at(std::string_view key) const {
    if (!is_object()) return wrong_kind("an object");
    const Node* found = node_->find(key);
    if (found == nullptr) {
        return covenant::fail(Errc::kMalformed, member_path(path_, key) + ": missing");
    }
    return Json(std::shared_ptr<Node>(node_, const_cast<Node*>(found)), member_path(path_, key));
}

Result<Json> Json::at_index(std::size_t index) const {
    auto* array = std::get_if<Node::Array>(&node_->value);
    if (array == nullptr) return wrong_kind("an array");
    if (index >= array->size()) {
        return covenant::fail(Errc::kMalformed, path_ + "[" + std::to_string(index) +
                                                    "]: missing, the array has " +
                                                    std::to_string(array->size()) + " items");
    }
    return Json(std::shared_ptr<Node>(node_, &(*array)[index]),
                path_ + "[" + std::to_string(index) + "]");
}

Result<bool> Json::boolean(std::string_view key) const {
    COVENANT_TRY(const Json member, at(key));
    return member.as_bool();
}

Result<std::int64_t> Json::i64(std::string_view key) const {
    COVENANT_TRY(const Json member, at(key));
    return member.as_i64();
}

Result<std::uint64_t> Json::u64(std::string_view key) const {
    COVENANT_TRY(const Json member, at(key));
    return member.as_u64();
}

Result<double> Json::number(std::string_view key) const {
    COVENANT_TRY(const Json member, at(key));
    return member.as_double();
}

Result<std::string> Json::string(std::string_view key) const {
    COVENANT_TRY(const Json member, at(key));
    return member.as_string();
}

Result<std::vector<Json>> Json::items(std::string_view key) const {
    COVENANT_TRY(const Json member, at(key));
    return member.as_items();
}

Result<Bytes> Json::bytes(std::string_view key, std::size_t max_bytes) const {
    COVENANT_TRY(const Json member, at(key));
    COVENANT_TRY(const std::string text, member.as_string());
    auto value = from_hex(text, max_bytes);
    if (!value) return covenant::fail(std::move(value).error().within(member.path()));
    return value;
}

namespace {
// A member that counts: present and not null.
bool given(const Json& object, std::string_view key) {
    const auto member = object.at(key);
    return member && !member->is_null();
}
}  // namespace

Result<bool> Json::boolean_or(std::string_view key, bool fallback) const {
    if (is_object() && !given(*this, key)) return fallback;
    return boolean(key);
}

Result<std::uint64_t> Json::u64_or(std::string_view key, std::uint64_t fallback) const {
    if (is_object() && !given(*this, key)) return fallback;
    return u64(key);
}

Result<double> Json::number_or(std::string_view key, double fallback) const {
    if (is_object() && !given(*this, key)) return fallback;
    return number(key);
}

Result<std::string> Json::string_or(std::string_view key, std::string fallback) const {
    if (is_object() && !given(*this, key)) return fallback;
    return string(key);
}

Status Json::only_keys(std::initializer_list<std::string_view> known) const {
    const auto* object = std::get_if<Node::Object>(&node_->value);
    if (object == nullptr) return wrong_kind("an object");
    for (const auto& member : *object) {
        if (std::find(known.begin(), known.end(), member.first) == known.end()) {
            return covenant::fail(Errc::kMalformed,
                                  member_path(path_, member.first) + ": unknown key");
        }
    }
    return {};
}

namespace {

void new_line(std::string& out, Json::Style style, std::size_t depth) {
    if (style == Json::Style::kCompact) return;
    out += '\n';
    out.append(2 * depth, ' ');
}

template <typename Node>
void write(const Node& node, Json::Style style, std::size_t depth, std::string& out) {
    const auto separator = [&](bool first) {
        if (!first) out += ',';
        new_line(out, style, depth + 1);
    };
    if (const auto* array = std::get_if<typename Node::Array>(&node.value)) {
        out += '[';
        for (const Node& item : *array) {
            separator(&item == array->data());
            write(item, style, depth + 1, out);
        }
        if (!array->empty()) new_line(out, style, depth);
        out += ']';
    } else if (const auto* object = std::get_if<typename Node::Object>(&node.value)) {
        out += '{';
        for (const auto& member : *object) {
            separator(&member == object->data());
            out += quoted(member.first);
            out += style == Json::Style::kPretty ? ": " : ":";
            write(member.second, style, depth + 1, out);
        }
        if (!object->empty()) new_line(out, style, depth);
        out += '}';
    } else if (const auto* text = std::get_if<std::string>(&node.value)) {
        out += quoted(*text);
    } else if (const auto* fraction = std::get_if<double>(&node.value)) {
        out += fraction_text(*fraction);
    } else if (const auto* negative = std::get_if<std::int64_t>(&node.value)) {
        out += std::to_string(*negative);
    } else if (const auto* natural = std::get_if<std::uint64_t>(&node.value)) {
        out += std::to_string(*natural);
    } else if (const auto* truth = std::get_if<bool>(&node.value)) {
        out += *truth ? "true" : "false";
    } else {
        out += "null";
    }
}

}  // namespace

std::string Json::dump(Style style) const {
    std::string out;
    write(*node_, style, 0, out);
    return out;
}

bool Json::operator==(const Json& other) const {
    return *node_ == *other.node_;
}

}  // namespace covenant::codec
