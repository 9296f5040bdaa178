#include "common/store/trace_record.hpp"

#include "tests/support/temp_folder.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace covenant::store {
namespace {

TraceRecord sample() {
    TraceRecord out;
    out.commitment_root.bytes.fill(9);
    for (std::uint8_t i = 0; i < 3; ++i) {
        protocol::SegmentRecord segment;
        segment.theta_root.bytes.fill(i);
        segment.m_root.bytes.fill(10);
        segment.v_root.bytes.fill(20);
        segment.adam_t = 2U * i;
        segment.cursor = 16U * i;
        segment.window_root.bytes.fill(30);
        segment.loss_bits = 0x40a00000;
        out.trace.push_back(segment);
    }
    out.feedback.payload_root.bytes.fill(40);
    out.feedback.norm_bits = 1;
    out.feedback.kept_per_chunk = 64;
    return out;
}

TEST(TraceRecord, SurvivesEncoding) {
    EXPECT_EQ(decode_trace_record(encode_trace_record(sample())).value(), sample());
    TraceRecord empty = sample();
    empty.trace.clear();
    EXPECT_EQ(decode_trace_record(encode_trace_record(empty)).value(), empty);
}

TEST(TraceRecord, EveryCutIsCorrupt) {
    const Bytes good = encode_trace_record(sample());
    for (std::size_t cut = 0; cut < good.size(); ++cut) {
        const auto record = decode_trace_record(ByteView(good).first(cut));
        ASSERT_FALSE(record) << cut;
        EXPECT_EQ(record.error().code, Errc::kCorrupt) << cut;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(decode_trace_record(longer).error().code, Errc::kCorrupt);
}

TEST(TraceRecord, AnotherVersionIsNamed) {
    Bytes other = encode_trace_record(sample());
    other[0] = 1;
    const auto record = decode_trace_record(other);
    ASSERT_FALSE(record);
    EXPECT_EQ(record.error().code, Errc::kCorrupt);
    EXPECT_NE(record.error().context.find("version 1"), std::string::npos)
        << record.error().context;
}

TEST(TraceRecord, ACountBeyondTheLimitTakesNoMemory) {
    Bytes huge = encode_trace_record(sample());
    std::fill_n(huge.begin() + 2 + Hash256::kSize, 4, std::uint8_t{0xff});
    EXPECT_EQ(decode_trace_record(huge).error().code, Errc::kCorrupt);
}

TEST(TraceRecord, IsKeptByRoundAndUid) {
    const testing::TempFolder folder;
    const auto index = IndexStore::open(folder / "index").value();
    const TraceRecord record = sample();
    TraceRecord other = record;
    other.commitment_root.bytes.fill(31);
    const protocol::Uid uid(2);
    ASSERT_TRUE(put_trace_record(*index, protocol::Round(1), uid, record));
    ASSERT_TRUE(put_trace_record(*index, protocol::Round(12), uid, other));
    EXPECT_EQ(get_trace_record(*index, protocol::Round(1), uid).value(), record);
    EXPECT_EQ(get_trace_record(*index, protocol::Round(12), uid).value(), other);
    EXPECT_EQ(get_trace_record(*index, protocol::Round(1), protocol::Uid(1)).error().code,
              Errc::kNotFound);
    EXPECT_TRUE(get_trace_record(*index, protocol::Round(1), uid, record.commitment_root));
    EXPECT_EQ(get_trace_record(*index, protocol::Round(1), uid, other.commitment_root).error().code,
              Errc::kNotFound);
    ASSERT_TRUE(put_trace_record(*index, protocol::Round(1), uid, other))
        << "another branch of the chain";
    EXPECT_EQ(get_trace_record(*index, protocol::Round(1), uid).value(), other);
}

}  // namespace
}  // namespace covenant::store
