// What `covenant eval` found, as JSON and as text of at most 80 columns.
#pragma once

#include "common/base/bytes.hpp"
#include "common/codec/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace covenant::tool {

struct EvalReport {
    std::string model;
    Hash256 root;
    std::uint64_t parameters = 0;
    std::string profile;
    std::uint64_t windows = 0;
    std::uint64_t tokens = 0;  // predicted
    double bytes_per_token = 0.0;
    double loss = 0.0;  // nats a token
    double bits_per_byte = 0.0;
    std::optional<float> posted_loss;  // on the same windows by the same arithmetic

    [[nodiscard]] double perplexity() const;
    // Nothing where nothing comparable was posted.
    [[nodiscard]] std::optional<bool> same_as_posted() const;
};

codec::Json eval_json(const EvalReport& report);
std::vector<std::string> eval_lines(const EvalReport& report);

}  // namespace covenant::tool
