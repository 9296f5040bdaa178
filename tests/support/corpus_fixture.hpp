// Text made up by rule, so that tests need no file and always see the same one.
#pragma once

#include "common/base/counter_rng.hpp"
#include "common/data/corpus/corpus_builder.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace covenant::data::testing {

inline std::string sample_text(std::size_t bytes, std::uint64_t seed = 1) {
    static constexpr std::array<std::string_view, 24> kWords = {
        "the",   "and",   "light", "of",    "waters",  "was",    "good", "day",
        "night", "earth", "a",     "house", "kingdom", "people", "said", "unto",
        "them",  "king",  "river", "stone", "bread",   "year",   "7",    "morning"};
    const CounterRng random(seed);
    std::string text;
    for (std::uint64_t i = 0; text.size() < bytes; ++i) {
        const auto words = random.block(i);
        for (const std::uint32_t word : words) {
            text.append(kWords[word % kWords.size()]).push_back(' ');
        }
        text.back() = words[0] % 3 == 0 ? '\n' : ' ';
    }
    text.back() = '\n';
    return text;
}

inline CorpusOptions small_options() {
    CorpusOptions options;
    options.name = "sample";
    options.vocab_size = 400;
    options.sequence_length = 16;
    options.windows_per_shard = 64;
    options.block_bytes = 512;
    options.heldout_ppm = 200'000;
    options.min_heldout_windows = 16;
    return options;
}

}  // namespace covenant::data::testing
