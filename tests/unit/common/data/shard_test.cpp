#include "common/base/durable_file.hpp"
#include "common/crypto/merkle.hpp"
#include "common/crypto/sha256.hpp"
#include "common/data/shard_format.hpp"
#include "common/data/shard_reader.hpp"
#include "common/data/shard_writer.hpp"
#include "tests/support/temp_folder.hpp"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace covenant::data {
namespace {

using covenant::testing::TempFolder;

constexpr ShardShape kShape{3, 5, 2};

Bytes sample_file(const ShardShape& shape = kShape) {
    Bytes bytes = encode_shard_header(shape);
    bytes.resize(bytes.size() + shape.data_bytes(), 7);
    return bytes;
}

Result<ShardHeader> decode(const Bytes& file) {
    return decode_shard_header(ByteView(file).first(std::min(file.size(), kMaxShardHeaderBytes)),
                               file.size());
}

// The same header with other text, padded to 64 as numpy does.
Bytes with_text(std::string text, std::size_t data_bytes = kShape.data_bytes()) {
    while ((10 + text.size() + 1) % 64 != 0)
        text.push_back(' ');
    text.push_back('\n');
    Bytes file(as_bytes(std::string_view("\x93NUMPY\x01\x00", 8)).begin(),
               as_bytes(std::string_view("\x93NUMPY\x01\x00", 8)).end());
    file.push_back(static_cast<std::uint8_t>(text.size()));
    file.push_back(static_cast<std::uint8_t>(text.size() >> 8));
    append(file, as_bytes(text));
    file.resize(file.size() + data_bytes);
    return file;
}

TEST(ShardFormat, HeaderIsWhatNumpyReads) {
    const Bytes header = encode_shard_header(kShape);
    ASSERT_EQ(header.size(), 128U);
    EXPECT_TRUE(as_text(header).substr(10).starts_with(
        "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 5), }   "));
    EXPECT_EQ(header.back(), '\n');
    EXPECT_EQ(load_le<std::uint16_t>(header.data() + 8), 118);
}

TEST(ShardFormat, HeaderRoundTripsAtTheLimits) {
    for (const ShardShape shape : {kShape, ShardShape{1, 2, 4}, ShardShape{kMaxShardWindows, 2, 2},
                                   ShardShape{1, kMaxWindowTokens, 4}}) {
        const Bytes header = encode_shard_header(shape);
        EXPECT_EQ(header.size(), 128U);
        const auto decoded = decode_shard_header(header, header.size() + shape.data_bytes());
        ASSERT_TRUE(decoded) << decoded.error().context;
        EXPECT_EQ(decoded->shape, shape);
        EXPECT_EQ(decoded->data_offset, 128U);
    }
}

TEST(ShardFormat, TakesNumpysOwnPadding) {
    EXPECT_TRUE(decode(with_text("{'descr': '<u2', 'fortran_order': False, 'shape': (3, 5), }")));
}

TEST(ShardFormat, EveryCutIsRefused) {
    const Bytes file = sample_file();
    for (std::size_t size = 0; size < file.size(); ++size) {
        const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
        const auto decoded = decode(cut);
        ASSERT_FALSE(decoded) << size;
        EXPECT_EQ(decoded.error().code, Errc::kMalformed);
    }
    Bytes longer = file;
    longer.push_back(0);
    EXPECT_FALSE(decode(longer));
}

TEST(ShardFormat, EveryFlippedHeaderBitIsRefused) {
    const Bytes file = sample_file();
    ASSERT_TRUE(decode(file));
    for (std::size_t bit = 0; bit < 128 * 8; ++bit) {
        Bytes bad = file;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        EXPECT_FALSE(decode(bad)) << "bit " << bit;
    }
}

struct Hostile {
    const char* what;
    std::string text;
};

class HostileHeader : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileHeader, IsRefused) {
    const auto decoded = decode(with_text(GetParam().text));
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Errc::kMalformed);
}

INSTANTIATE_TEST_SUITE_P(
    ShardFormat, HostileHeader,
    ::testing::Values(
        Hostile{"Empty", ""},
        Hostile{"BigEndian", "{'descr': '>u2', 'fortran_order': False, 'shape': (3, 5), }"},
        Hostile{"Signed", "{'descr': '<i2', 'fortran_order': False, 'shape': (3, 5), }"},
        Hostile{"OneByte", "{'descr': '<u1', 'fortran_order': False, 'shape': (3, 10), }"},
        Hostile{"EightBytes", "{'descr': '<u8', 'fortran_order': False, 'shape': (3, 5), }"},
        Hostile{"Pickle", "{'descr': '|O', 'fortran_order': False, 'shape': (3, 5), }"},
        Hostile{"FortranOrder", "{'descr': '<u2', 'fortran_order': True, 'shape': (3, 5), }"},
        Hostile{"OneDimension", "{'descr': '<u2', 'fortran_order': False, 'shape': (15,), }"},
        Hostile{"ThreeDimensions",
                "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 5, 1), }"},
        Hostile{"Swapped", "{'fortran_order': False, 'descr': '<u2', 'shape': (3, 5), }"},
        Hostile{"NoWindows", "{'descr': '<u2', 'fortran_order': False, 'shape': (0, 5), }"},
        Hostile{"NoTokens", "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 0), }"},
        Hostile{"Negative", "{'descr': '<u2', 'fortran_order': False, 'shape': (-3, 5), }"},
        Hostile{"LeadingZero", "{'descr': '<u2', 'fortran_order': False, 'shape': (03, 5), }"},
        Hostile{"Wraps32", "{'descr': '<u2', 'fortran_order': False, 'shape': (4294967299, 5), }"},
        Hostile{"Wraps64",
                "{'descr': '<u2', 'fortran_order': False, 'shape': (18446744073709551619, 5), }"},
        Hostile{"TooMany", "{'descr': '<u2', 'fortran_order': False, 'shape': (65537, 5), }"},
        Hostile{"TooLong", "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 131074), }"},
        Hostile{"Suffix", "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 5), } x"},
        Hostile{"ExtraKey", "{'descr': '<u2', 'fortran_order': False, 'shape': (3, 5), 'a': 1}"},
        Hostile{"LongText", std::string(2000, ' ')}),
    [](const auto& header) { return std::string(header.param.what); });

TEST(ShardFormat, LeafIsTheSpecifiedHash) {
    const Token tokens[] = {1, 258, 65535};
    const std::uint8_t preimage[] = {0, 9, 0, 0, 0x80, 4, 3, 2, 1, 1, 0, 2, 1, 0xff, 0xff};
    const Hash256 expected = crypto::sha256(preimage);
    EXPECT_EQ(window_leaf(kHeldoutShardBit | 9, 0x01020304, tokens, 2), expected);
    EXPECT_EQ(window_leaf(kHeldoutShardBit | 9, 0x01020304, ByteView(preimage).subspan(9)),
              expected);
    EXPECT_NE(window_leaf(9, 0x01020304, tokens, 2), expected);
    EXPECT_NE(window_leaf(kHeldoutShardBit | 9, 0x01020304, tokens, 4), expected);
    const Token wide[] = {65536};
    EXPECT_TRUE(window_leaf(0, 0, wide, 2).is_zero());
    EXPECT_FALSE(window_leaf(0, 0, wide, 4).is_zero());
}

TEST(ShardFormat, TokenWidthFollowsTheVocabulary) {
    EXPECT_EQ(token_bytes_for(65'536), 2U);
    EXPECT_EQ(token_bytes_for(65'537), 4U);
}

std::vector<Token> window_of(std::uint32_t first, std::size_t size) {
    std::vector<Token> tokens(size);
    std::iota(tokens.begin(), tokens.end(), first);
    return tokens;
}

class ShardFile : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(ShardFile, IsReadBackAndProven) {
    const std::uint32_t width = GetParam();
    const std::uint32_t base = width == 2 ? 60'000 : 70'000;
    const TempFolder folder;
    ShardWriter writer(folder / "s.npy", 4, 5, width);
    for (std::uint32_t i = 0; i < 11; ++i)
        ASSERT_TRUE(writer.append(window_of(base + i, 5)));
    const auto summary = writer.finish();
    ASSERT_TRUE(summary) << summary.error().context;
    EXPECT_EQ(summary->windows, 11U);

    const auto reader = ShardReader::open(folder / "s.npy", 4);
    ASSERT_TRUE(reader) << reader.error().context;
    EXPECT_EQ(reader->shape(), (ShardShape{11, 5, width}));
    EXPECT_EQ(reader->root(), summary->root);
    for (std::uint32_t i = 0; i < 11; ++i) {
        EXPECT_EQ(reader->window(i), window_of(base + i, 5));
        const Hash256 leaf = window_leaf(4, i, window_of(base + i, 5), width);
        EXPECT_EQ(reader->leaf(i), leaf);
        const auto proof = reader->proof(i);
        EXPECT_TRUE(crypto::merkle_verify(summary->root, leaf, i, 11, proof));
        EXPECT_FALSE(crypto::merkle_verify(summary->root, leaf, (i + 1) % 11, 11, proof));
    }
    EXPECT_NE(ShardReader::open(folder / "s.npy", 5)->root(), summary->root);
}

INSTANTIATE_TEST_SUITE_P(Widths, ShardFile, ::testing::Values(2U, 4U));

TEST(ShardWriter, RefusesWhatDoesNotFit) {
    const TempFolder folder;
    ShardWriter writer(folder / "s.npy", 0, 5, 2);
    EXPECT_EQ(writer.append(window_of(0, 4)).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(writer.append(window_of(65'533, 5)).error().code, Errc::kInvalidArgument);
    EXPECT_EQ(writer.finish().error().code, Errc::kInvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(folder / "s.npy"));
    ASSERT_TRUE(writer.append(window_of(65'531, 5)));
    EXPECT_EQ(writer.windows(), 1U);
    ASSERT_TRUE(writer.finish());
    EXPECT_EQ(ShardReader::open(folder / "s.npy", 0)->window(0), window_of(65'531, 5));
}

TEST(ShardReader, NamesTheFileThatItCannotOpen) {
    const TempFolder folder;
    const auto missing = ShardReader::open(folder / "none.npy", 0);
    EXPECT_EQ(missing.error().code, Errc::kNotFound);
    EXPECT_NE(missing.error().context.find("none.npy"), std::string::npos);
    ASSERT_TRUE(write_file_durably(folder / "empty.npy", {}));
    EXPECT_EQ(ShardReader::open(folder / "empty.npy", 0).error().code, Errc::kMalformed);
    EXPECT_EQ(ShardReader::open(folder.path(), 0).error().code, Errc::kIo);
    ASSERT_TRUE(write_file_durably(folder / "text.npy", as_bytes("no shard")));
    const auto text = ShardReader::open(folder / "text.npy", 0);
    EXPECT_EQ(text.error().code, Errc::kMalformed);
    EXPECT_NE(text.error().context.find("text.npy"), std::string::npos);
}

}  // namespace
}  // namespace covenant::data
