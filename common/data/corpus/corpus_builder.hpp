// Builds a data folder from documents: tokenizer, shards, held-out split, manifest. The folder
// appears whole or not at all; one that is already there and matches is checked and reused.
#pragma once

#include "common/base/result.hpp"
#include "common/data/corpus_manifest.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace covenant::data {

struct CorpusOptions {
    std::string name = "corpus";
    std::uint32_t vocab_size = 2048;
    std::uint32_t sequence_length = 128;  // T
    std::uint32_t windows_per_shard = kMaxShardWindows;
    std::uint32_t block_bytes = 16 * 1024;
    std::uint32_t heldout_ppm = 80'000;
    std::uint64_t min_heldout_windows = 1;  // fewer is kPrecondition
};

enum class CorpusStage : std::uint8_t { kRead, kTrainTokenizer, kEncode, kWrite, kVerify };
std::string_view to_string(CorpusStage stage);
// done of total, in the stage's own units (documents, blocks, shards).
using CorpusProgress =
    std::function<void(CorpusStage stage, std::uint64_t done, std::uint64_t total)>;

// The tokenizer is trained on the blocks that are not held out. kAlreadyExists: the folder holds
// something else; kInvalidArgument: an option out of range, naming it; kPrecondition: too little
// text for one window or for min_heldout_windows. Two processes may call it for one folder.
Result<CorpusManifest> build_corpus(const std::filesystem::path& folder,
                                    std::span<const std::string> documents,
                                    const CorpusOptions& options,
                                    const CorpusProgress& progress = {});

}  // namespace covenant::data
