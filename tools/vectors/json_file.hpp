// One vector file: a description and a list of cases, one case a line so that diffs stay readable.
#pragma once

#include "common/base/hex.hpp"
#include "common/base/safe_math.hpp"
#include "common/codec/json.hpp"
#include "common/protocol/ids.hpp"
#include "tools/vectors/vectors.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace covenant::vectors {

class JsonFile {
  public:
    JsonFile(std::string name, std::string description)
        : name_(std::move(name)), description_(std::move(description)) {}

    void add(const codec::Json& entry) { cases_.push_back(entry.dump()); }

    [[nodiscard]] VectorFile finish() const {
        std::string text =
            "{\n\"description\": " + codec::Json(description_).dump() + ",\n\"cases\": [\n";
        for (std::size_t i = 0; i < cases_.size(); ++i) {
            text += cases_[i];
            text += i + 1 < cases_.size() ? ",\n" : "\n";
        }
        text += "]\n}\n";
        return {.name = name_, .text = text};
    }

  private:
    std::string name_;
    std::string description_;
    std::vector<std::string> cases_;
};

inline codec::Json hex_json(ByteView bytes) {
    return codec::Json(to_0x(bytes));
}
template <typename Fixed>
codec::Json hex_json(const Fixed& value) requires requires {
    Fixed::kSize;
}
{ return hex_json(value.view()); }
// Decimal text: JSON numbers are not exact beyond 2^53 in every reader.
inline codec::Json amount_json(Amount amount) {
    return codec::Json(to_decimal(amount.units));
}
template <typename Ids>
codec::Json id_list(const Ids& ids) {
    codec::Json out = codec::Json::array();
    for (const auto& id : ids)
        out.push(id.value);
    return out;
}
// As the contracts' uint256: 32 bytes, big-endian, bit i = uid i.
inline codec::Json uid_set_json(const protocol::UidSet& set) {
    Hash256 word;
    for (std::size_t i = 0; i < protocol::kMaxUids; ++i) {
        if (set[i]) {
            auto& byte = word.bytes[31 - i / 8];
            byte = static_cast<std::uint8_t>(byte | (1U << (i % 8)));
        }
    }
    return hex_json(word);
}

}  // namespace covenant::vectors
