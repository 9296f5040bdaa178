// The text of a grid: the King James Bible, or the .txt files of a folder, as a data folder that is
// made once.
#pragma once

#include "common/base/result.hpp"
#include "common/data/window_reader.hpp"
#include "tests/bench/optimiser/trainer.hpp"
#include "tests/bench/optimiser/variant.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace covenant::bench {

struct Text {
    std::string name;
    std::string root;  // of the data set, first 16 hex digits
    data::WindowReader reader;
};

// corpus: a folder of .txt files, each a document, in the order of their paths; empty: the King
// James text. The data folder stands below `cache`. kNotFound: no .txt file; what building fails
// with.
Result<Text> open_text(const std::filesystem::path& corpus, const std::filesystem::path& cache,
                       const Grid& grid);

// Windows by seed, peer and step; the same held-out windows for every run, evenly spread. reader
// outlives the source.
Result<Source> make_source(const data::WindowReader& reader, const Grid& grid, std::uint64_t seed);

}  // namespace covenant::bench
