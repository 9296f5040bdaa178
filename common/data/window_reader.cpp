#include "common/data/window_reader.hpp"

#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"

#include <string>
#include <utility>

namespace covenant::data {
namespace {

// One split: its open shards, the leaves they were proven with.
struct Split {
    std::string_view name;
    std::uint32_t windows_per_shard = 0;
    std::uint64_t count = 0;
    std::vector<ShardReader> shards;
    std::vector<std::vector<Hash256>> leaves;
    std::vector<Hash256> shard_leaves;

    struct Place {
        std::size_t shard;
        std::uint32_t index;
    };
    [[nodiscard]] Result<Place> place(protocol::WindowIndex window) const {
        if (window.value >= count) {
            return fail(Errc::kInvalidArgument,
                        std::string(name) + " window " + std::to_string(window.value) +
                            " does not exist: there are " + std::to_string(count));
        }
        return Place{static_cast<std::size_t>(window.value / windows_per_shard),
                     static_cast<std::uint32_t>(window.value % windows_per_shard)};
    }

    // Appends the window's tokens, proven once more against the leaf found at opening.
    Status read(protocol::WindowIndex window, std::vector<Token>& out) const {
        COVENANT_TRY(const Place at, place(window));
        const ShardReader& shard = shards[at.shard];
        const std::vector<Token> tokens = shard.window(at.index);
        const std::uint32_t width = shard.shape().token_bytes;
        if (window_leaf(shard.number(), at.index, tokens, width) != leaves[at.shard][at.index]) {
            return fail(Errc::kCorrupt, std::string(name) + " window " +
                                            std::to_string(window.value) +
                                            ": its file changed since it was opened; restore the "
                                            "data folder");
        }
        out.insert(out.end(), tokens.begin(), tokens.end());
        return {};
    }

    [[nodiscard]] Result<std::vector<Token>> read_all(
        std::span<const protocol::WindowIndex> indices) const {
        std::vector<Token> out;
        if (!shards.empty()) out.reserve(indices.size() * shards.front().shape().window_tokens);
        for (const protocol::WindowIndex index : indices) {
            COVENANT_CHECK(read(index, out));
        }
        return out;
    }

    [[nodiscard]] Result<WindowProof> proof(protocol::WindowIndex window) const {
        COVENANT_TRY(const Place at, place(window));
        WindowProof proof;
        proof.shard = shards[at.shard].number();
        proof.index = at.index;
        proof.shard_windows = shards[at.shard].shape().windows;
        proof.shard_count = static_cast<std::uint32_t>(shards.size());
        proof.within_shard = crypto::merkle_proof(leaves[at.shard], at.index);
        proof.within_split = crypto::merkle_proof(shard_leaves, at.shard);
        return proof;
    }
};

tl::unexpected<Error> differs(std::string_view what, const std::string& found,
                              const std::string& expected) {
    return fail(Errc::kMismatch, std::string(what) + " is " + found + ", the run's is " + expected +
                                     "; use the data folder that belongs to this run");
}

Status compare(const CorpusManifest& manifest, const protocol::DataSpec& expected) {
    const protocol::DataSpec found = manifest.data_spec();
    if (found.tokenizer_hash != expected.tokenizer_hash) {
        return differs("tokenizer hash", to_0x(found.tokenizer_hash),
                       to_0x(expected.tokenizer_hash));
    }
    if (found.window_count != expected.window_count) {
        return differs("number of windows", std::to_string(found.window_count),
                       std::to_string(expected.window_count));
    }
    if (found.heldout_count != expected.heldout_count) {
        return differs("number of held-out windows", std::to_string(found.heldout_count),
                       std::to_string(expected.heldout_count));
    }
    if (found.heldout_root != expected.heldout_root) {
        return differs("held-out root", to_0x(found.heldout_root), to_0x(expected.heldout_root));
    }
    if (found.dataset_root != expected.dataset_root) {
        return differs("data set root", to_0x(found.dataset_root), to_0x(expected.dataset_root));
    }
    return {};
}

// Every id that a window holds must be one of the vocabulary: the engine indexes with it.
bool tokens_below(const ShardReader& shard, std::uint32_t vocab_size) {
    for (std::uint32_t i = 0; i < shard.shape().windows; ++i) {
        for (const Token token : shard.window(i)) {
            if (token >= vocab_size) return false;
        }
    }
    return true;
}

Result<Split> open_split(const std::filesystem::path& folder, std::string_view name,
                         const CorpusManifest& manifest, std::span<const ShardSummary> summaries) {
    Split split;
    split.name = name;
    split.windows_per_shard = manifest.windows_per_shard;
    for (const ShardSummary& summary : summaries) {
        const std::filesystem::path path = shard_path(folder, summary.number);
        COVENANT_TRY(ShardReader shard, ShardReader::open(path, summary.number));
        const ShardShape expected{summary.windows, manifest.window_tokens,
                                  token_bytes_for(manifest.vocab_size)};
        if (shard.shape() != expected) {
            return fail(Errc::kCorrupt,
                        "shard " + path.string() + ": its shape is (" +
                            std::to_string(shard.shape().windows) + ", " +
                            std::to_string(shard.shape().window_tokens) + ") of " +
                            std::to_string(shard.shape().token_bytes) +
                            "-byte tokens, the manifest says (" + std::to_string(expected.windows) +
                            ", " + std::to_string(expected.window_tokens) + ") of " +
                            std::to_string(expected.token_bytes) + "; restore the file");
        }
        std::vector<Hash256> leaves = shard.leaves();
        if (const Hash256 root = crypto::merkle_root(leaves); root != summary.root) {
            return fail(Errc::kCorrupt, "shard " + path.string() + ": its root is " + to_0x(root) +
                                            ", the manifest says " + to_0x(summary.root) +
                                            "; restore the file");
        }
        if (!tokens_below(shard, manifest.vocab_size)) {
            return fail(Errc::kMalformed, "shard " + path.string() + ": it has a token id that " +
                                              "the vocabulary of " +
                                              std::to_string(manifest.vocab_size) + " does not");
        }
        split.count += summary.windows;
        split.shards.push_back(std::move(shard));
        split.leaves.push_back(std::move(leaves));
        split.shard_leaves.push_back(shard_leaf(summary));
    }
    return split;
}

}  // namespace

struct WindowReader::State {
    CorpusManifest manifest;
    Split training;
    Split heldout;
};

bool verify_window(const Hash256& split_root, const Hash256& leaf, const WindowProof& proof) {
    const std::uint32_t position = proof.shard & ~kHeldoutShardBit;
    if (proof.shard_windows == 0 || proof.shard_windows > kMaxShardWindows) return false;
    // The shard's root is not in the proof: it follows from the leaf, and the split root binds it.
    if (proof.index >= proof.shard_windows ||
        proof.within_shard.size() !=
            crypto::merkle_proof_length(proof.index, proof.shard_windows)) {
        return false;
    }
    Hash256 root = leaf;
    std::uint64_t index = proof.index;
    std::uint64_t count = proof.shard_windows;
    for (auto sibling = proof.within_shard.begin(); count > 1;
         index /= 2, count = (count + 1) / 2) {
        if (index % 2 == 1) {
            root = crypto::merkle_node(*sibling++, root);
        } else if (index + 1 < count) {
            root = crypto::merkle_node(root, *sibling++);
        }
    }
    const Hash256 shard = shard_leaf({proof.shard, proof.shard_windows, root});
    return crypto::merkle_verify(split_root, shard, position, proof.shard_count,
                                 proof.within_split);
}

WindowReader::WindowReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
WindowReader::WindowReader(WindowReader&&) noexcept = default;
WindowReader& WindowReader::operator=(WindowReader&&) noexcept = default;
WindowReader::~WindowReader() = default;

Result<WindowReader> WindowReader::open_checked(const std::filesystem::path& folder,
                                                const protocol::DataSpec* expected) {
    COVENANT_TRY(const Bytes bytes, read_file(manifest_path(folder), kMaxManifestBytes));
    auto manifest = decode_manifest(bytes);
    if (!manifest) {
        return fail(std::move(manifest).error().within(manifest_path(folder).string()));
    }
    if (expected != nullptr) COVENANT_CHECK(compare(*manifest, *expected));

    COVENANT_TRY(const Bytes model, read_file(tokenizer_path(folder), kMaxTokenizerBytes));
    if (const Hash256 hash = crypto::sha256(model); hash != manifest->tokenizer_hash) {
        return fail(Errc::kCorrupt, "tokenizer " + tokenizer_path(folder).string() +
                                        ": its hash is " + to_0x(hash) + ", the manifest says " +
                                        to_0x(manifest->tokenizer_hash) + "; restore the file");
    }
    COVENANT_TRY(Split training, open_split(folder, "training", *manifest, manifest->shards));
    COVENANT_TRY(Split heldout,
                 open_split(folder, "held-out", *manifest, manifest->heldout_shards));
    return WindowReader(std::make_unique<State>(
        State{std::move(*manifest), std::move(training), std::move(heldout)}));
}

Result<WindowReader> WindowReader::open(const std::filesystem::path& folder,
                                        const protocol::DataSpec* expected) {
    auto reader = open_checked(folder, expected);
    if (!reader)
        return fail(std::move(reader).error().within("open data folder " + folder.string()));
    return reader;
}

const CorpusManifest& WindowReader::manifest() const {
    return state_->manifest;
}

Result<std::vector<Token>> WindowReader::window(protocol::WindowIndex index) const {
    return windows({&index, 1});
}

Result<std::vector<Token>> WindowReader::heldout(protocol::WindowIndex index) const {
    return heldout_windows({&index, 1});
}

Result<std::vector<Token>> WindowReader::windows(
    std::span<const protocol::WindowIndex> indices) const {
    return state_->training.read_all(indices);
}

Result<std::vector<Token>> WindowReader::heldout_windows(
    std::span<const protocol::WindowIndex> indices) const {
    return state_->heldout.read_all(indices);
}

Result<Hash256> WindowReader::leaf(protocol::WindowIndex index) const {
    COVENANT_TRY(const Split::Place at, state_->training.place(index));
    return state_->training.leaves[at.shard][at.index];
}

Result<Hash256> WindowReader::window_root(std::span<const protocol::WindowIndex> indices) const {
    std::vector<Hash256> leaves;
    leaves.reserve(indices.size());
    for (const protocol::WindowIndex index : indices) {
        COVENANT_TRY(const Hash256 hash, leaf(index));
        leaves.push_back(hash);
    }
    return crypto::merkle_root(leaves);
}

Result<WindowProof> WindowReader::proof(protocol::WindowIndex index) const {
    return state_->training.proof(index);
}

Result<WindowProof> WindowReader::heldout_proof(protocol::WindowIndex index) const {
    return state_->heldout.proof(index);
}

}  // namespace covenant::data
