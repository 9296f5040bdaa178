// The results file: a finished run is a line of JSON, which begins with its key.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace covenant::bench {

struct RunRecord {
    std::string key;
    std::string grid;
    std::string optimiser;
    std::string support;  // p; empty where there is none, as are 0s below
    double alpha = 0.0;
    std::uint32_t keep = 0;
    std::uint32_t inner_steps = 0;
    std::uint64_t seed = 0;
    std::string profile;
    std::string preset;
    std::string text;  // name of the data set
    std::string data;  // its root
    std::uint64_t parameters = 0;
    std::size_t peers = 0;
    std::uint32_t steps = 0;
    std::uint64_t tokens = 0;  // of all peers
    double learning_rate = 0.0;
    double bytes_per_round = 0.0;  // of a peer
    double seconds = 0.0;
    double final_loss = 0.0;
    std::vector<std::pair<std::uint64_t, double>> curve;  // tokens of all peers, held-out nats
};

std::string to_line(const RunRecord& record);  // with its newline

// One thread at a time; several processes may append to one file.
class ResultsFile {
  public:
    // Reads the keys that are there; a last line that was cut off does not count. A missing file is
    // an empty one. kIo.
    static Result<ResultsFile> open(std::filesystem::path path);

    [[nodiscard]] bool has(std::string_view key) const;
    // One write at the end of the file, synchronised. kIo.
    Status append(const RunRecord& record);

  private:
    explicit ResultsFile(std::filesystem::path path) : path_(std::move(path)) {}
    std::filesystem::path path_;
    std::set<std::string, std::less<>> keys_;
};

}  // namespace covenant::bench
