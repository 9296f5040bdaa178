#include "tools/covenant/engine/eval_report.hpp"

#include <gtest/gtest.h>

namespace covenant::tool {
namespace {

EvalReport sample_report() {
    EvalReport report;
    report.model = "round 4";
    report.parameters = 887'000;
    report.profile = "canon-bf16";
    report.windows = 16;
    report.tokens = 4096;
    report.bytes_per_token = 3.75;
    report.loss = 4.5;
    report.bits_per_byte = 1.73;
    return report;
}

TEST(EvalReport, fits_into_eighty_columns) {
    EvalReport large = sample_report();
    large.model = "checkpoint " + std::string(58, 'n');
    large.parameters = 1'000'000'000'000;
    large.windows = 1'000'000'000'000;
    large.tokens = large.windows * 65'536;
    large.loss = 700.0;  // the perplexity has 305 digits
    large.bits_per_byte = 1e6;
    large.posted_loss = 700.5F;
    for (const std::string& line : eval_lines(large)) {
        EXPECT_LE(line.size(), 80U) << line;
    }
}

TEST(EvalReport, compares_bits_with_what_was_posted) {
    EvalReport report = sample_report();
    EXPECT_EQ(report.same_as_posted(), std::nullopt);
    EXPECT_TRUE(eval_json(report).at("same_as_posted")->is_null());
    report.posted_loss = 4.5F;
    EXPECT_EQ(report.same_as_posted(), true);
    EXPECT_EQ(eval_lines(report).back(), "on chain   4.500000, the same bits");
    report.posted_loss = 4.500001F;
    EXPECT_EQ(report.same_as_posted(), false);
    EXPECT_EQ(eval_lines(report).back(), "on chain   4.500001, DIFFERENT");
    EXPECT_FALSE(eval_json(report).boolean("same_as_posted").value());
}

}  // namespace
}  // namespace covenant::tool
