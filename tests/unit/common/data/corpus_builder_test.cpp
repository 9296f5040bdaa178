#include "common/data/corpus/corpus_builder.hpp"

#include "common/base/file.hpp"
#include "common/crypto/sha256.hpp"
#include "common/data/corpus/corpus_tokenizer.hpp"
#include "common/data/corpus/king_james.hpp"
#include "common/data/window_reader.hpp"
#include "tests/support/corpus_fixture.hpp"
#include "tests/support/temp_folder.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace covenant::data {
namespace {

using covenant::testing::TempFolder;
using protocol::WindowIndex;

namespace fs = std::filesystem;

Result<CorpusManifest> build(const fs::path& folder, const std::vector<std::string>& documents,
                             const CorpusOptions& options = testing::small_options()) {
    return build_corpus(folder, documents, options);
}

Bytes contents(const fs::path& path) {
    return read_file(path, 1 << 24).value();
}

void write_program(const fs::path& path, const std::string& script) {
    std::ofstream(path) << "#!/bin/sh\n" << script;
    ::chmod(path.c_str(), 0755);
}

TEST(CorpusBuilder, IsDeterministic) {
    const TempFolder folder;
    const std::vector<std::string> documents = {testing::sample_text(20'000)};
    const auto first = build(folder / "a", documents);
    const auto second = build(folder / "b", documents);
    ASSERT_TRUE(first) << first.error().context;
    EXPECT_EQ(*first, *second);
    for (const auto& entry : fs::directory_iterator(folder / "a")) {
        EXPECT_EQ(contents(entry.path()), contents(folder / "b" / entry.path().filename()))
            << entry.path();
    }
}

// Re-does the split from its description and compares all windows.
TEST(CorpusBuilder, SplitsAndCutsAsTheManifestSays) {
    const TempFolder folder;
    const std::vector<std::string> documents = {testing::sample_text(15'000, 1),
                                                testing::sample_text(5'000, 2) + "no last newline"};
    const auto manifest = build(folder / "data", documents).value();
    const auto reader = WindowReader::open(folder / "data", manifest.data_spec()).value();
    const Tokenizer tokenizer = open_tokenizer(folder / "data", manifest).value();

    std::vector<std::vector<Token>> training;
    std::vector<std::vector<Token>> heldout;
    std::uint64_t heldout_bytes = 0;
    for (const std::string& document : documents) {
        std::string block;
        for (std::size_t at = 0; at < document.size(); ++at) {
            block.push_back(document[at]);
            const bool last = at + 1 == document.size();
            if (!last && (block.size() < 512 || block.back() != '\n')) continue;
            const Hash256 hash = crypto::sha256_tagged("corpus-split", as_bytes(block));
            const bool held = load_le<std::uint64_t>(hash.bytes.data()) % 1'000'000 < 200'000;
            auto tokens = tokenizer.encode(block).value();
            if (last) tokens.push_back(kEndToken);
            for (std::size_t start = 0; start + 17 <= tokens.size(); start += 16) {
                (held ? heldout : training)
                    .emplace_back(tokens.begin() + static_cast<std::ptrdiff_t>(start),
                                  tokens.begin() + static_cast<std::ptrdiff_t>(start + 17));
            }
            if (held) heldout_bytes += block.size();
            block.clear();
        }
    }
    ASSERT_EQ(training.size(), manifest.window_count());
    ASSERT_EQ(heldout.size(), manifest.heldout_count());
    EXPECT_EQ(heldout_bytes, manifest.heldout_bytes);
    for (std::size_t i = 0; i < training.size(); ++i) {
        EXPECT_EQ(reader.window(WindowIndex(i)).value(), training[i]) << i;
    }
    for (std::size_t i = 0; i < heldout.size(); ++i) {
        EXPECT_EQ(reader.heldout(WindowIndex(i)).value(), heldout[i]) << i;
    }
    EXPECT_GT(manifest.bytes_per_token(), 1.0);
    EXPECT_LT(manifest.bytes_per_token(), 8.0);
}

TEST(CorpusTokenizer, IsCheckedAgainstTheManifest) {
    const TempFolder folder;
    const std::vector<std::string> documents = {testing::sample_text(20'000)};
    auto manifest = build(folder / "data", documents).value();
    EXPECT_TRUE(open_tokenizer(folder / "data", manifest));
    manifest.vocab_size += 1;
    EXPECT_EQ(open_tokenizer(folder / "data", manifest).error().code, Errc::kMalformed);
    manifest.tokenizer_hash.bytes[0] ^= 1;
    EXPECT_EQ(open_tokenizer(folder / "data", manifest).error().code, Errc::kCorrupt);
    EXPECT_EQ(open_tokenizer(folder / "nothing", manifest).error().code, Errc::kNotFound);
}

TEST(CorpusBuilder, ReusesWhatIsThere) {
    const TempFolder folder;
    const std::vector<std::string> documents = {testing::sample_text(20'000)};
    const auto first = build(folder / "data", documents).value();
    const auto written = fs::last_write_time(manifest_path(folder / "data"));
    std::set<CorpusStage> stages;
    const auto again = build_corpus(
        folder.path() / "data/", documents, testing::small_options(),
        [&](CorpusStage stage, std::uint64_t, std::uint64_t) { stages.insert(stage); });
    ASSERT_TRUE(again) << again.error().context;
    EXPECT_EQ(*again, first);
    EXPECT_EQ(stages, std::set<CorpusStage>{CorpusStage::kVerify});
    EXPECT_EQ(fs::last_write_time(manifest_path(folder / "data")), written);
}

TEST(CorpusBuilder, NeverOverwritesSomethingElse) {
    const TempFolder folder;
    const std::vector<std::string> documents = {testing::sample_text(20'000)};
    ASSERT_TRUE(build(folder / "data", documents));
    const Bytes before = contents(manifest_path(folder / "data"));
    EXPECT_EQ(build(folder / "data", {testing::sample_text(20'000, 2)}).error().code,
              Errc::kAlreadyExists);
    CorpusOptions options = testing::small_options();
    options.vocab_size = 401;
    EXPECT_EQ(build(folder / "data", documents, options).error().code, Errc::kAlreadyExists);
    EXPECT_EQ(contents(manifest_path(folder / "data")), before);

    fs::create_directory(folder / "mine");
    std::ofstream(folder / "mine/letter.txt") << "dear";
    EXPECT_EQ(build(folder / "mine", documents).error().code, Errc::kAlreadyExists);
    EXPECT_TRUE(fs::exists(folder / "mine/letter.txt"));

    fs::create_directory(folder / "empty");
    EXPECT_TRUE(build(folder / "empty", documents));
}

TEST(CorpusBuilder, ReusedDataIsChecked) {
    const TempFolder folder;
    const std::vector<std::string> documents = {testing::sample_text(20'000)};
    ASSERT_TRUE(build(folder / "data", documents));
    fs::resize_file(shard_path(folder / "data", 0), 200);
    EXPECT_EQ(build(folder / "data", documents).error().code, Errc::kMalformed);
}

TEST(CorpusBuilder, NothingIsLeftAfterAFailure) {
    const TempFolder folder;
    const auto failed = build(folder / "data", {testing::sample_text(2'000)});
    ASSERT_FALSE(failed);
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(CorpusBuilder, TooLittleTextSaysWhatIsMissing) {
    const TempFolder folder;
    CorpusOptions options = testing::small_options();
    options.min_heldout_windows = 1'000'000;
    const auto failed = build(folder / "data", {testing::sample_text(20'000)}, options);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::kPrecondition);
    EXPECT_NE(failed.error().context.find("1000000"), std::string::npos);
}

TEST(CorpusBuilder, RefusesOptionsOutOfRange) {
    const TempFolder folder;
    const std::function<void(CorpusOptions&)> changes[] = {
        [](CorpusOptions& o) { o.name.clear(); },
        [](CorpusOptions& o) { o.vocab_size = 10; },
        [](CorpusOptions& o) { o.sequence_length = 0; },
        [](CorpusOptions& o) { o.sequence_length = 0xffffffff; },
        [](CorpusOptions& o) { o.windows_per_shard = 0; },
        [](CorpusOptions& o) { o.block_bytes = 0; },
        [](CorpusOptions& o) { o.heldout_ppm = 0; },
        [](CorpusOptions& o) { o.heldout_ppm = 1'000'000; },
    };
    for (std::size_t i = 0; i < std::size(changes); ++i) {
        CorpusOptions options = testing::small_options();
        changes[i](options);
        const auto failed = build(folder / "data", {testing::sample_text(20'000)}, options);
        ASSERT_FALSE(failed) << "change " << i;
        EXPECT_EQ(failed.error().code, Errc::kInvalidArgument) << "change " << i;
    }
}

bool only_finished(const fs::path& folder) {
    return std::none_of(fs::directory_iterator(folder), fs::directory_iterator(),
                        [](const fs::directory_entry& entry) {
                            return entry.path().filename().string().starts_with(".writing-");
                        });
}

// A builder that dies at any stage leaves nothing that the next one trips over.
TEST(CorpusBuilder, SurvivesADeadBuilder) {
    const TempFolder folder;
    const std::vector<std::string> documents = {testing::sample_text(20'000)};
    for (const CorpusStage stage :
         {CorpusStage::kTrainTokenizer, CorpusStage::kEncode, CorpusStage::kWrite}) {
        const fs::path data = folder / std::string(to_string(stage));
        const pid_t child = ::fork();
        if (child == 0) {
            const auto ignored =
                build_corpus(data, documents, testing::small_options(),
                             [&](CorpusStage at, std::uint64_t done, std::uint64_t) {
                                 if (at == stage && done > 0) ::_exit(9);
                             });
            ::_exit(ignored ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_EQ(WEXITSTATUS(status), 9);
        EXPECT_FALSE(fs::exists(data));
        const auto manifest = build(data, documents);
        ASSERT_TRUE(manifest) << manifest.error().context;
        EXPECT_TRUE(WindowReader::open(data, manifest->data_spec()));
        EXPECT_TRUE(only_finished(folder.path()));
    }
}

TEST(CorpusBuilder, TwoBuildersOfOneFolderAgree) {
    const TempFolder folder;
    const std::vector<std::string> documents = {testing::sample_text(20'000)};
    const pid_t child = ::fork();
    if (child == 0) ::_exit(build(folder / "data", documents) ? 0 : 1);
    const auto manifest = build(folder / "data", documents);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    ASSERT_TRUE(manifest) << manifest.error().context;
    EXPECT_TRUE(WindowReader::open(folder / "data", manifest->data_spec()));
}

TEST(KingJames, MissingPackageNamesTheCommand) {
    const auto text = read_king_james("no-such-program-here");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Errc::kPrecondition);
    EXPECT_NE(text.error().context.find("apt-get install bible-kjv bible-kjv-text"),
              std::string::npos);
}

TEST(KingJames, AFailingProgramIsAnError) {
    const TempFolder folder;
    write_program(folder / "fails", "echo 'Ge1:1 In the beginning'; exit 3\n");
    EXPECT_EQ(read_king_james((folder / "fails").string()).error().code, Errc::kIo);
    write_program(folder / "short", "echo 'Ge1:1 In the beginning'\n");
    const auto text = read_king_james((folder / "short").string());
    EXPECT_EQ(text.error().code, Errc::kIo);
    EXPECT_NE(text.error().context.find("1 verses"), std::string::npos);
}

TEST(KingJames, TextHasNoVerseMarks) {
    const auto text = read_king_james();
    if (!text && text.error().code == Errc::kPrecondition) GTEST_SKIP() << text.error().context;
    ASSERT_TRUE(text) << text.error().context;
    EXPECT_TRUE(text->starts_with("In the beginning God created the heaven and the earth.\n"));
    EXPECT_TRUE(text->ends_with("be with you all. Amen.\n"));
    EXPECT_EQ(text->find("Rev22:21"), std::string::npos);
}

}  // namespace
}  // namespace covenant::data
