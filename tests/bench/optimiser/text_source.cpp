#include "tests/bench/optimiser/text_source.hpp"

#include "common/base/counter_rng.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/data/corpus/corpus_builder.hpp"
#include "common/data/corpus/king_james.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace covenant::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxDocument = std::uint64_t{1} << 30;
constexpr std::uint64_t kDrawKey = std::uint64_t{0xB1} << 32;  // apart from the genesis draws

Result<std::vector<std::string>> read_documents(const fs::path& folder) {
    std::error_code error;
    std::vector<fs::path> paths;
    fs::recursive_directory_iterator at(folder, error);
    for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
        if (at->is_regular_file(error) && at->path().extension() == ".txt")
            paths.push_back(at->path());
    }
    if (error) return fail(Errc::kIo, fmt::format("read {}: {}", folder.string(), error.message()));
    if (paths.empty()) {
        return fail(Errc::kNotFound,
                    fmt::format("{} holds no .txt file to train on", folder.string()));
    }
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> documents;
    for (const fs::path& path : paths) {
        COVENANT_TRY(const Bytes bytes, read_file(path, kMaxDocument));
        documents.emplace_back(bytes.begin(), bytes.end());
    }
    return documents;
}

Result<std::vector<std::uint32_t>> heldout(const data::WindowReader& reader, std::uint64_t wanted) {
    const std::uint64_t count = reader.manifest().heldout_count();
    const std::uint64_t taken = std::min(wanted, count);
    std::vector<protocol::WindowIndex> windows;
    for (std::uint64_t i = 0; i < taken; ++i)
        windows.emplace_back(i * count / taken);
    return reader.heldout_windows(windows);
}

}  // namespace

Result<Text> open_text(const fs::path& corpus, const fs::path& cache, const Grid& grid) {
    const bool king_james = corpus.empty();
    data::CorpusOptions options = king_james ? data::king_james_options() : data::CorpusOptions{};
    const fs::path named = corpus.has_filename() ? corpus : corpus.parent_path();
    if (!king_james) options.name = named.filename().string();
    options.vocab_size = grid.vocab_size;
    options.sequence_length = grid.sequence_length;
    options.min_heldout_windows = grid.curve_windows;
    const fs::path folder = cache / fmt::format("{}-v{}-t{}", options.name, options.vocab_size,
                                                options.sequence_length);
    if (king_james) {
        COVENANT_CHECK(data::prepare_king_james(folder, options));
    } else {
        COVENANT_TRY(const std::vector<std::string> documents, read_documents(corpus));
        COVENANT_CHECK(data::build_corpus(folder, documents, options));
    }
    COVENANT_TRY(data::WindowReader reader, data::WindowReader::open(folder));
    const Hash256 root = reader.manifest().dataset_root();
    return Text{options.name, to_hex(root.view().first(8)), std::move(reader)};
}

Result<Source> make_source(const data::WindowReader& reader, const Grid& grid, std::uint64_t seed) {
    Source source;
    const std::uint64_t count = reader.manifest().window_count();
    const std::uint32_t windows = grid.windows;
    source.batch = [&reader, count, windows, seed](std::size_t peer, std::uint64_t step) {
        CounterRng rng(kDrawKey | seed, (std::uint64_t{peer} << 32) | step);
        std::vector<protocol::WindowIndex> drawn;
        for (std::uint32_t i = 0; i < windows; ++i)
            drawn.emplace_back(rng.below(count));
        return reader.windows(drawn);
    };
    COVENANT_TRY(source.curve_tokens, heldout(reader, grid.curve_windows));
    COVENANT_TRY(source.final_tokens, heldout(reader, grid.final_windows));
    return source;
}

}  // namespace covenant::bench
