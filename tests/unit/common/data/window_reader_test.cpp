#include "common/data/window_reader.hpp"

#include "common/base/durable_file.hpp"
#include "common/crypto/merkle.hpp"
#include "tests/support/corpus_fixture.hpp"
#include "tests/support/temp_folder.hpp"

#include <fstream>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::data {
namespace {

using covenant::testing::TempFolder;
using protocol::WindowIndex;

namespace fs = std::filesystem;

// One data folder for all tests of this file; a test that damages it works on a copy.
class WindowReaderTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        folder_ = std::make_unique<TempFolder>();
        const std::string text = testing::sample_text(40'000);
        manifest_ = build_corpus(original(), {&text, 1}, testing::small_options()).value();
    }
    static void TearDownTestSuite() { folder_.reset(); }
    static fs::path original() { return folder_->path() / "data"; }

    fs::path copy() {
        const fs::path path = scratch_ / "copy";
        fs::copy(original(), path);
        return path;
    }
    static void flip(const fs::path& path, std::uint64_t offset) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(static_cast<std::streamoff>(offset));
        const char byte = static_cast<char>(file.get() ^ 1);
        file.seekp(static_cast<std::streamoff>(offset));
        file.put(byte);
        ASSERT_TRUE(file.flush());
    }
    static void expect_refused(const fs::path& path, Errc code, std::string_view mention) {
        const auto reader = WindowReader::open(path, manifest_.data_spec());
        ASSERT_FALSE(reader);
        EXPECT_EQ(reader.error().code, code) << reader.error().context;
        EXPECT_NE(reader.error().context.find(mention), std::string::npos)
            << reader.error().context;
    }

    static inline std::unique_ptr<TempFolder> folder_;
    static inline CorpusManifest manifest_;
    TempFolder scratch_;
};

TEST_F(WindowReaderTest, GivesWindowsThatAreProven) {
    const auto reader = WindowReader::open(original(), manifest_.data_spec());
    ASSERT_TRUE(reader) << reader.error().context;
    ASSERT_GT(manifest_.shards.size(), 2U);
    EXPECT_EQ(reader->manifest(), manifest_);
    EXPECT_EQ(reader->window_tokens(), 17U);
    for (std::uint64_t i = 0; i < manifest_.window_count(); ++i) {
        const auto tokens = reader->window(WindowIndex(i));
        ASSERT_TRUE(tokens) << tokens.error().context;
        ASSERT_EQ(tokens->size(), 17U);
        const auto proof = reader->proof(WindowIndex(i));
        const Hash256 leaf = window_leaf(proof->shard, proof->index, *tokens, 2);
        EXPECT_EQ(reader->leaf(WindowIndex(i)).value(), leaf);
        EXPECT_TRUE(verify_window(manifest_.training_root(), leaf, *proof));
        EXPECT_FALSE(verify_window(manifest_.heldout_root(), leaf, *proof));
    }
}

TEST_F(WindowReaderTest, HeldOutWindowsAreProvenUnderTheirOwnRoot) {
    const auto reader = WindowReader::open(original());
    ASSERT_TRUE(reader) << reader.error().context;
    for (std::uint64_t i = 0; i < manifest_.heldout_count(); ++i) {
        const auto tokens = reader->heldout(WindowIndex(i)).value();
        const auto proof = reader->heldout_proof(WindowIndex(i)).value();
        const Hash256 leaf = window_leaf(proof.shard, proof.index, tokens, 2);
        EXPECT_TRUE(verify_window(manifest_.heldout_root(), leaf, proof));
        EXPECT_FALSE(verify_window(manifest_.training_root(), leaf, proof));
    }
}

TEST_F(WindowReaderTest, ForgedProofsFail) {
    const auto reader = WindowReader::open(original()).value();
    const WindowIndex index(70);
    const Hash256 leaf = reader.leaf(index).value();
    const WindowProof proof = reader.proof(index).value();
    const Hash256 root = manifest_.training_root();
    ASSERT_TRUE(verify_window(root, leaf, proof));
    const std::vector<std::function<void(WindowProof&)>> forgeries = {
        [](WindowProof& p) { ++p.shard; },
        [](WindowProof& p) { p.shard |= kHeldoutShardBit; },
        [](WindowProof& p) { ++p.index; },
        [](WindowProof& p) { p.index = p.shard_windows; },
        [](WindowProof& p) { --p.shard_windows; },
        [](WindowProof& p) { p.shard_windows = 0; },
        [](WindowProof& p) { p.shard_windows = kMaxShardWindows + 1; },
        [](WindowProof& p) { p.shard_count = 0; },
        [](WindowProof& p) { p.shard_count = 1; },
        [](WindowProof& p) { p.within_shard.pop_back(); },
        [](WindowProof& p) { p.within_shard.emplace_back(); },
        [](WindowProof& p) { p.within_shard.front().bytes[0] ^= 1; },
        [](WindowProof& p) { p.within_split.clear(); },
        [](WindowProof& p) { p.within_split.emplace_back(); },
        [](WindowProof& p) { p.within_split.front().bytes[31] ^= 1; },
    };
    for (std::size_t i = 0; i < forgeries.size(); ++i) {
        WindowProof forged = proof;
        forgeries[i](forged);
        EXPECT_FALSE(verify_window(root, leaf, forged)) << "forgery " << i;
    }
    EXPECT_FALSE(verify_window(root, reader.leaf(WindowIndex(71)).value(), proof));
}

TEST_F(WindowReaderTest, BatchesFollowTheGivenOrder) {
    const auto reader = WindowReader::open(original()).value();
    const std::vector<WindowIndex> order = {WindowIndex(65), WindowIndex(2), WindowIndex(65)};
    const auto batch = reader.windows(order).value();
    std::vector<Token> expected;
    std::vector<Hash256> leaves;
    for (const WindowIndex index : order) {
        const auto tokens = reader.window(index).value();
        expected.insert(expected.end(), tokens.begin(), tokens.end());
        leaves.push_back(reader.leaf(index).value());
    }
    EXPECT_EQ(batch, expected);
    EXPECT_EQ(reader.window_root(order).value(), crypto::merkle_root(leaves));
    EXPECT_TRUE(reader.window_root({}).value().is_zero());
    const std::vector<WindowIndex> other = {WindowIndex(2), WindowIndex(65), WindowIndex(65)};
    EXPECT_NE(reader.window_root(other).value(), reader.window_root(order).value());
}

TEST_F(WindowReaderTest, RefusesIndicesOutside) {
    const auto reader = WindowReader::open(original()).value();
    const WindowIndex outside(manifest_.window_count());
    EXPECT_EQ(reader.window(outside).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(reader.leaf(outside).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(reader.proof(outside).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(reader.window_root({&outside, 1}).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(reader.heldout(WindowIndex(manifest_.heldout_count())).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(reader.window(WindowIndex(~std::uint64_t{0})).error().code, Errc::kInvalidArgument);
}

TEST_F(WindowReaderTest, RefusesAnotherRunsData) {
    const std::pair<const char*, std::function<void(protocol::DataSpec&)>> changes[] = {
        {"data set root", [](protocol::DataSpec& s) { s.dataset_root.bytes[0] ^= 1; }},
        {"held-out root", [](protocol::DataSpec& s) { s.heldout_root.bytes[0] ^= 1; }},
        {"tokenizer hash", [](protocol::DataSpec& s) { s.tokenizer_hash.bytes[0] ^= 1; }},
        {"number of windows", [](protocol::DataSpec& s) { ++s.window_count; }},
        {"number of held-out windows", [](protocol::DataSpec& s) { ++s.heldout_count; }},
    };
    for (const auto& [mention, change] : changes) {
        protocol::DataSpec spec = manifest_.data_spec();
        change(spec);
        const auto reader = WindowReader::open(original(), spec);
        ASSERT_FALSE(reader) << mention;
        EXPECT_EQ(reader.error().code, Errc::kMismatch);
        EXPECT_NE(reader.error().context.find(mention), std::string::npos);
    }
}

TEST_F(WindowReaderTest, AFlippedTokenIsCaught) {
    for (const std::uint32_t number : {0U, 2U, kHeldoutShardBit}) {
        const fs::path path = copy();
        const fs::path shard = shard_path(path, number);
        flip(shard, fs::file_size(shard) - 5);
        expect_refused(path, Errc::kCorrupt, shard.filename().string());
        fs::remove_all(path);
    }
}

TEST_F(WindowReaderTest, AFileThatChangesWhileOpenIsCaught) {
    const fs::path path = copy();
    const auto reader = WindowReader::open(path, manifest_.data_spec()).value();
    ASSERT_TRUE(reader.window(WindowIndex(1)));
    flip(shard_path(path, 0), 128 + 17 * 2 + 3);
    EXPECT_EQ(reader.window(WindowIndex(1)).error().code, Errc::kCorrupt);
    EXPECT_TRUE(reader.window(WindowIndex(0)));
    EXPECT_TRUE(reader.window(WindowIndex(2)));
}

TEST_F(WindowReaderTest, DamagedFilesAreNamed) {
    const fs::path path = copy();
    flip(tokenizer_path(path), 100);
    expect_refused(path, Errc::kCorrupt, "tokenizer.model");
    fs::copy(tokenizer_path(original()), tokenizer_path(path),
             fs::copy_options::overwrite_existing);

    fs::remove(shard_path(path, 1));
    expect_refused(path, Errc::kNotFound, "train-00001.npy");
    fs::copy(shard_path(original(), 2), shard_path(path, 1));
    expect_refused(path, Errc::kCorrupt, "train-00001.npy");
    fs::copy(shard_path(original(), 0), shard_path(path, 1), fs::copy_options::overwrite_existing);
    expect_refused(path, Errc::kCorrupt, "train-00001.npy");

    fs::resize_file(manifest_path(path), 40);
    expect_refused(path, Errc::kMalformed, "manifest.bin");
    fs::remove(manifest_path(path));
    expect_refused(path, Errc::kNotFound, "manifest.bin");
    expect_refused(scratch_ / "none", Errc::kNotFound, "none");
}

// A publisher may sign a shard with ids that the model has no row for.
TEST_F(WindowReaderTest, TokensOutsideTheVocabularyAreRefused) {
    const fs::path path = copy();
    CorpusManifest manifest = manifest_;
    ShardSummary& last = manifest.shards.back();
    fs::remove(shard_path(path, last.number));  // no writer replaces a shard
    ShardWriter writer(shard_path(path, last.number), last.number, 17, 2);
    for (std::uint32_t i = 0; i < last.windows; ++i) {
        ASSERT_TRUE(writer.append(std::vector<Token>(17, manifest.vocab_size)));
    }
    last = writer.finish().value();
    ASSERT_TRUE(write_file_durably(manifest_path(path), encode_manifest(manifest),
                                   {.overwrite = Overwrite::kYes}));
    const auto reader = WindowReader::open(path);
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().code, Errc::kMalformed);
}

}  // namespace
}  // namespace covenant::data
