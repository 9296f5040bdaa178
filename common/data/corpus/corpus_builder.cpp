#include "common/data/corpus/corpus_builder.hpp"

#include "common/base/assert.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"
#include "common/base/new_folder.hpp"
#include "common/codec/writer.hpp"
#include "common/crypto/sha256.hpp"
#include "common/data/corpus/corpus_tokenizer.hpp"
#include "common/data/window_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace covenant::data {
namespace {

namespace fs = std::filesystem;

struct Block {
    std::string_view text;
    bool heldout = false;
    bool last = false;  // of its document: the end token follows
};

std::vector<Block> blocks_of(std::span<const std::string> documents, const SplitTable& split) {
    std::vector<Block> blocks;
    for (const std::string& document : documents) {
        std::string_view rest = document;
        while (!rest.empty()) {
            std::size_t size = rest.size();
            if (size > split.block_bytes) {
                size = std::min(rest.find('\n', split.block_bytes - 1), rest.size() - 1) + 1;
            }
            const std::string_view text = rest.substr(0, size);
            const Hash256 hash = crypto::sha256_tagged("corpus-split", as_bytes(text));
            rest.remove_prefix(size);
            blocks.push_back(
                {text, load_le<std::uint64_t>(hash.bytes.data()) % 1'000'000 < split.heldout_ppm,
                 rest.empty()});
        }
    }
    return blocks;
}

// The windows of one split, cut into shards.
class SplitWriter {
  public:
    SplitWriter(const fs::path& folder, const CorpusManifest& manifest, std::uint32_t first_number,
                std::vector<ShardSummary>& summaries)
        : folder_(folder), manifest_(manifest), next_(first_number), summaries_(summaries) {}

    // Windows of T + 1 tokens that overlap by one; what fills none is left out.
    Status append(std::span<const Token> tokens) {
        const std::size_t width = manifest_.window_tokens;
        for (; tokens.size() >= width; tokens = tokens.subspan(width - 1)) {
            if (shard_.empty()) {
                shard_.emplace_back(shard_path(folder_, next_), next_, manifest_.window_tokens,
                                    token_bytes_for(manifest_.vocab_size));
                ++next_;
            }
            COVENANT_CHECK(shard_.back().append(tokens.first(width)));
            if (shard_.back().windows() == manifest_.windows_per_shard) COVENANT_CHECK(finish());
        }
        return {};
    }
    Status finish() {
        if (shard_.empty()) return {};
        COVENANT_TRY(const ShardSummary summary, shard_.back().finish());
        summaries_.push_back(summary);
        shard_.clear();
        return {};
    }

  private:
    const fs::path& folder_;
    const CorpusManifest& manifest_;
    std::uint32_t next_;
    std::vector<ShardSummary>& summaries_;
    std::vector<ShardWriter> shard_;  // none or one
};

Hash256 source_hash(std::span<const std::string> documents) {
    codec::Writer count;
    count.count(documents.size());
    crypto::Sha256 hash = crypto::Sha256::tagged("corpus-source");
    hash.update(count.view());
    for (const std::string& document : documents) {
        codec::Writer length;
        length.count(document.size());
        hash.update(length.view()).update(as_bytes(document));
    }
    return hash.finish();
}

Result<CorpusManifest> planned(std::span<const std::string> documents,
                               const CorpusOptions& options) {
    CorpusManifest manifest;
    manifest.name = options.name;
    manifest.vocab_size = options.vocab_size;
    // T = 2^32 - 1 would wrap to 0, which is out of range as well.
    manifest.window_tokens = options.sequence_length + 1;
    manifest.windows_per_shard = options.windows_per_shard;
    manifest.split.block_bytes = options.block_bytes;
    manifest.split.heldout_ppm = options.heldout_ppm;
    if (const std::string fault = manifest_fault(manifest); !fault.empty()) {
        return fail(Errc::kInvalidArgument, fault);
    }
    for (const std::string& document : documents) {
        if (document.size() > UINT32_MAX) {
            return fail(Errc::kInvalidArgument, "a document has " +
                                                    std::to_string(document.size()) +
                                                    " bytes, at most 4 GiB are allowed");
        }
    }
    manifest.source_hash = source_hash(documents);
    return manifest;
}

Status write_corpus(const fs::path& folder, std::span<const Block> blocks,
                    const CorpusOptions& options, const CorpusProgress& report,
                    CorpusManifest& manifest) {
    std::vector<std::string_view> training_texts;
    for (const Block& block : blocks) {
        if (!block.heldout) training_texts.push_back(block.text);
    }
    report(CorpusStage::kTrainTokenizer, 0, 1);
    COVENANT_TRY(const Bytes model, train_tokenizer(training_texts, options.vocab_size));
    COVENANT_TRY(const Tokenizer tokenizer, Tokenizer::from_bytes(model));
    manifest.tokenizer_hash = tokenizer.hash();
    COVENANT_CHECK(write_file_durably(tokenizer_path(folder), model));
    report(CorpusStage::kTrainTokenizer, 1, 1);

    SplitWriter training(folder, manifest, 0, manifest.shards);
    SplitWriter heldout(folder, manifest, kHeldoutShardBit, manifest.heldout_shards);
    std::uint64_t done = 0;
    for (const Block& block : blocks) {
        COVENANT_TRY(std::vector<Token> tokens, tokenizer.encode(block.text));
        if (block.heldout) {
            manifest.heldout_bytes += block.text.size();
            manifest.heldout_tokens += tokens.size();
        }
        if (block.last) tokens.push_back(kEndToken);
        COVENANT_CHECK((block.heldout ? heldout : training).append(tokens));
        report(CorpusStage::kEncode, ++done, blocks.size());
    }
    COVENANT_CHECK(training.finish());
    COVENANT_CHECK(heldout.finish());
    report(CorpusStage::kWrite, 0, 1);
    const std::uint64_t needed = std::max<std::uint64_t>(1, options.min_heldout_windows);
    if (manifest.window_count() == 0 || manifest.heldout_count() < needed) {
        return fail(Errc::kPrecondition,
                    "the text gives " + std::to_string(manifest.window_count()) + " training and " +
                        std::to_string(manifest.heldout_count()) + " held-out windows of " +
                        std::to_string(manifest.window_tokens) + " tokens; at least 1 and " +
                        std::to_string(needed) +
                        " are needed: give more text, smaller blocks or a larger held-out share");
    }
    const std::string json = manifest_json(manifest).dump(codec::Json::Style::kPretty) + "\n";
    COVENANT_CHECK(write_file_durably(folder / "manifest.json", as_bytes(json)));
    COVENANT_CHECK(write_file_durably(manifest_path(folder), encode_manifest(manifest)));
    report(CorpusStage::kWrite, 1, 1);
    return {};
}

// One builder at a time among the folders that have this parent, in all processes; the kernel
// releases the lock when the process ends in whatever way.
class FolderLock {
  public:
    static Result<FolderLock> take(const fs::path& folder) {
        const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool locked = false;
        int error = errno;
        if (fd >= 0) {
            do {
                locked = ::flock(fd, LOCK_EX) == 0;
                error = errno;
            } while (!locked && error == EINTR);
        }
        if (!locked) {
            if (fd >= 0) ::close(fd);
            return fail(Errc::kIo, "lock folder " + folder.string() + ": " +
                                       std::generic_category().message(error));
        }
        return FolderLock(fd);
    }
    FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    FolderLock& operator=(FolderLock&&) = delete;
    ~FolderLock() {
        if (fd_ >= 0) ::close(fd_);
    }

  private:
    explicit FolderLock(int fd) : fd_(fd) {}
    int fd_;
};

// The manifest of what is there, when it was made from the same text with the same settings.
Result<CorpusManifest> reuse(const fs::path& folder, const CorpusManifest& plan,
                             const CorpusOptions& options, const CorpusProgress& report) {
    report(CorpusStage::kVerify, 0, 1);
    COVENANT_TRY(const WindowReader reader, WindowReader::open(folder));
    if (auto tokenizer = open_tokenizer(folder, reader.manifest()); !tokenizer) {
        return fail(std::move(tokenizer).error());
    }
    const CorpusManifest& found = reader.manifest();
    CorpusManifest comparable = plan;
    comparable.tokenizer_hash = found.tokenizer_hash;
    comparable.heldout_bytes = found.heldout_bytes;
    comparable.heldout_tokens = found.heldout_tokens;
    comparable.shards = found.shards;
    comparable.heldout_shards = found.heldout_shards;
    if (comparable != found || found.heldout_count() < options.min_heldout_windows) {
        return fail(Errc::kAlreadyExists,
                    folder.string() + " holds another data set, \"" + found.name + "\" with root " +
                        to_0x(found.dataset_root()) +
                        "; choose another folder, or remove this one to build it anew");
    }
    report(CorpusStage::kVerify, 1, 1);
    return found;
}

Result<CorpusManifest> build(const fs::path& folder, std::span<const std::string> documents,
                             const CorpusOptions& options, const CorpusProgress& report) {
    COVENANT_TRY(CorpusManifest manifest, planned(documents, options));
    const fs::path parent = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
    COVENANT_CHECK(create_folders_durably(parent));
    COVENANT_TRY(const FolderLock lock, FolderLock::take(parent));
    std::error_code error;
    if (fs::exists(manifest_path(folder), error)) return reuse(folder, manifest, options, report);
    // Takes the place of an empty folder, and of nothing else.
    COVENANT_TRY(NewFolder out, NewFolder::create(folder, Overwrite::kYes,
                                                  [](std::string_view) { return false; }));
    report(CorpusStage::kRead, 0, documents.size());
    const std::vector<Block> blocks = blocks_of(documents, manifest.split);
    report(CorpusStage::kRead, documents.size(), documents.size());
    COVENANT_CHECK(write_corpus(out.temporary(), blocks, options, report, manifest));
    COVENANT_CHECK(out.publish());
    return manifest;
}

}  // namespace

std::string_view to_string(CorpusStage stage) {
    switch (stage) {
        case CorpusStage::kRead:
            return "read";
        case CorpusStage::kTrainTokenizer:
            return "train tokenizer";
        case CorpusStage::kEncode:
            return "encode";
        case CorpusStage::kWrite:
            return "write";
        case CorpusStage::kVerify:
            return "verify";
    }
    return "unknown";
}

Result<CorpusManifest> build_corpus(const fs::path& folder, std::span<const std::string> documents,
                                    const CorpusOptions& options, const CorpusProgress& progress) {
    const CorpusProgress quiet = [](CorpusStage, std::uint64_t, std::uint64_t) {};
    // "a/b/" names the same folder as "a/b".
    const fs::path named = folder.has_filename() ? folder : folder.parent_path();
    auto manifest = build(named, documents, options, progress ? progress : quiet);
    if (!manifest) {
        return fail(std::move(manifest).error().within("build data set " + named.string()));
    }
    return manifest;
}

}  // namespace covenant::data
