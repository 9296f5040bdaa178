#include "tools/covenant/devnet/printing.hpp"

#include "tests/support/sample_run.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace covenant::devnet {
namespace {

using protocol::Role;
using protocol::Round;
using ::testing::HasSubstr;

class PrintingTest : public ::testing::Test {
  protected:
    // The lines printed since the last call; none but commands has more than 80 columns.
    std::vector<std::string> lines() {
        std::vector<std::string> all;
        std::istringstream text(std::exchange(out_, std::ostringstream{}).str());
        for (std::string line; std::getline(text, line);) {
            const auto columns = std::ranges::count_if(
                line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
            if (line.find("/b/covenant") == std::string::npos) {
                EXPECT_LE(columns, 80) << line;
            }
            all.push_back(std::move(line));
        }
        return all;
    }
    std::string round_line(const Record& record) {
        print_round(output, record, state, Round(0));
        return lines().at(0);
    }

    protocol::RunState state = sample::scene().state;
    node::Output output{{}, out_, err_};

  private:
    std::ostringstream out_;
    std::ostringstream err_;
};

Record record(std::vector<Participant> participants) {
    Record out;
    out.seed = 7;
    out.rounds = 1;
    out.participants = std::move(participants);
    out.uids = {{"alice", sample::kAlice}, {"mallory", sample::kMallory}, {"vera", sample::kVera}};
    return out;
}

TEST_F(PrintingTest, ADevnetsOwnMinersArePaidByName) {
    const Record small = record({{"alice", Role::kMiner, "none"},
                                 {"mallory", Role::kMiner, "half-batch"},
                                 {"vera", Role::kValidator, "none"}});
    print_header(output, small, Layout{"/a"});
    const auto header = lines();
    EXPECT_THAT(header.back(), HasSubstr("failed             COV alice/mallory"));
    EXPECT_THAT(header, ::testing::Contains("cheat     mallory: half-batch"));
    EXPECT_EQ(round_line(small),
              "    0    4.500     2/2    2/2       2  mallory segment 2  60.00/0.00");
}

TEST_F(PrintingTest, AMinerThatJoinedIsCounted) {
    EXPECT_EQ(round_line(record({{"mallory", Role::kMiner, "none"}})),
              "    0    4.500     2/2    2/2       2  mallory segment 2  60.00 to 1 of 2");
}

TEST_F(PrintingTest, TheLargestDevnetFitsIntoEightyColumns) {
    Options options;
    options.miners = options.validators = 16;
    options.cheat = "a-kind-of-cheat";
    Record large = record(participants(options).value());
    protocol::RoundRecord& round = state.rounds[Round(0)];
    auto& reveal = round.reveals.at(sample::kVera);
    reveal.findings.clear();
    std::map<std::string, Amount> balances;
    std::uint16_t uid = 0;
    for (const Participant& one : large.participants) {
        const protocol::Uid at(uid++);
        large.uids[one.name] = at;
        balances[one.name] = sample::tokens(123'456) + Amount{1};
        if (one.role == Role::kMiner) {
            round.commitments[at] = round.commitments.at(sample::kAlice);
            round.credits[at] = sample::tokens(1'000);
            reveal.findings.push_back({at, protocol::kFindingFail, protocol::Segment(99), {}});
        }
    }
    print_header(output, large, Layout{"/a"});
    EXPECT_THAT(lines().back(), HasSubstr("COV to miners"));
    EXPECT_THAT(round_line(large), HasSubstr("16 miners          16000.00 to 16 of 16"));
    print_closing(output, large, state, Layout{"/a"}, Programs{"/b", "/c"}, balances, "9999.9 s");
    EXPECT_THAT(lines(), ::testing::Contains(HasSubstr("   123456.00 COV")));
}

}  // namespace
}  // namespace covenant::devnet
