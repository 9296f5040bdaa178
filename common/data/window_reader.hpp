// Windows from a data folder on this machine, each proven against the run's roots before it is
// handed out. Thread-safe after opening. Never loads SentencePiece (see
// corpus_tokenizer.hpp for why that matters): training needs token ids only.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/merkle.hpp"
#include "common/data/corpus_manifest.hpp"
#include "common/data/shard_reader.hpp"
#include "common/data/windows.hpp"
#include "common/protocol/run_spec.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace covenant::data {

// Shows that a window belongs to a split of the data set.
struct WindowProof {
    std::uint32_t shard = 0;
    std::uint32_t index = 0;  // within the shard
    std::uint32_t shard_windows = 0;
    std::uint32_t shard_count = 0;     // of the split
    crypto::MerkleProof within_shard;  // leaf to shard root
    crypto::MerkleProof within_split;  // shard leaf to split root
};

// leaf: window_leaf of the claimed tokens with proof.shard and proof.index. Any input is safe.
bool verify_window(const Hash256& split_root, const Hash256& leaf, const WindowProof& proof);

class WindowReader final : public Windows {
  public:
    // Opens a data folder and checks everything: manifest against `expected` (kMismatch, naming
    // the field and both values), tokenizer against its hash, every shard against its root
    // (kCorrupt, naming the file). kNotFound, kMalformed, kIo.
    static Result<WindowReader> open(const std::filesystem::path& folder,
                                     const protocol::DataSpec& expected) {
        return open(folder, &expected);
    }
    // The same without a run: against the folder's own manifest. For building a RunSpec.
    static Result<WindowReader> open(const std::filesystem::path& folder) {
        return open(folder, nullptr);
    }

    WindowReader(WindowReader&&) noexcept;
    WindowReader& operator=(WindowReader&&) noexcept;
    WindowReader(const WindowReader&) = delete;
    WindowReader& operator=(const WindowReader&) = delete;
    ~WindowReader() override;

    [[nodiscard]] const CorpusManifest& manifest() const;
    [[nodiscard]] std::uint32_t window_tokens() const { return manifest().window_tokens; }

    // kCorrupt: the bytes changed since opening.
    [[nodiscard]] Result<std::vector<Token>> windows(
        std::span<const protocol::WindowIndex> indices) const override;
    [[nodiscard]] Result<std::vector<Token>> heldout_windows(
        std::span<const protocol::WindowIndex> indices) const override;
    [[nodiscard]] Result<Hash256> window_root(
        std::span<const protocol::WindowIndex> indices) const override;
    // One window, T + 1 tokens.
    [[nodiscard]] Result<std::vector<Token>> window(protocol::WindowIndex index) const;
    [[nodiscard]] Result<std::vector<Token>> heldout(protocol::WindowIndex index) const;

    // Leaf hash of an assignable window.
    [[nodiscard]] Result<Hash256> leaf(protocol::WindowIndex index) const;
    [[nodiscard]] Result<WindowProof> proof(protocol::WindowIndex index) const;
    [[nodiscard]] Result<WindowProof> heldout_proof(protocol::WindowIndex index) const;

  private:
    struct State;
    explicit WindowReader(std::unique_ptr<State> state);
    static Result<WindowReader> open(const std::filesystem::path& folder,
                                     const protocol::DataSpec* expected);
    static Result<WindowReader> open_checked(const std::filesystem::path& folder,
                                             const protocol::DataSpec* expected);
    std::unique_ptr<State> state_;
};

}  // namespace covenant::data
