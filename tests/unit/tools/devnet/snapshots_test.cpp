#include "tools/covenant/devnet/snapshots.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/codec/json.hpp"
#include "common/node/lifecycle.hpp"
#include "tests/support/temp_folder.hpp"

#include <gtest/gtest.h>

namespace covenant::devnet {
namespace {

std::string block(std::string_view number, std::string_view time) {
    return R"({"header":{"number":")" + std::string(number) + R"(","timestamp":")" +
           std::string(time) + R"("},"transactions":[{"nonce":18446744073709551615}]})";
}

std::string dump(std::initializer_list<std::string> blocks) {
    std::string out = R"({"block":{"number":"0x2"},"blocks":[)";
    for (const std::string& one : blocks) {
        out += (out.back() == '[' ? "" : ",") + one;
    }
    return out + R"(],"best_block_number":2})";
}

TEST(WithOneGenesis, LeavesAFirstStartsDumpAsItIs) {
    const std::string first = dump({block("0x1", "0x65"), block("0x0", "0x64")});
    const auto mended = with_one_genesis(first);
    ASSERT_TRUE(mended) << mended.error().context;
    EXPECT_EQ(*mended, first);
}

TEST(WithOneGenesis, DropsTheGenesisOfEveryLaterStart) {
    const std::string resumed =
        dump({block("0x0", "0x70"), block("0x2", "0x66"), block("0x0", "0x64"),
              block("0x1", "0x65"), block("0x0", "0x6f")});
    const auto mended = with_one_genesis(resumed);
    ASSERT_TRUE(mended) << mended.error().context;
    EXPECT_EQ(*mended, dump({block("0x2", "0x66"), block("0x0", "0x64"), block("0x1", "0x65")}));
}

TEST(WithOneGenesis, RefusesWhatIsNoDump) {
    for (const std::string& text :
         {std::string("{"), std::string("{}"), dump({}), dump({block("0x1", "0x65")}),
          dump({block("zero", "0x64")}), dump({block("0x0", "0x")}),
          dump({block("0x0", "0x11112222333344445")})}) {
        const auto mended = with_one_genesis(text);
        ASSERT_FALSE(mended) << text;
        EXPECT_EQ(mended.error().code, Errc::kMalformed) << text;
    }
}

TEST(Snapshots, StartFromTheNewestThatReads) {
    const testing::TempFolder folder;
    auto snapshots = Snapshots::open(folder.path() / "chain");
    ASSERT_TRUE(snapshots) << snapshots.error().context;
    auto none = snapshots->newest();
    ASSERT_TRUE(none) << none.error().context;
    EXPECT_FALSE(none->has_value());

    const auto write = [&](std::string_view name, std::string_view text) {
        ASSERT_TRUE(write_file_durably(folder.path() / "chain" / name, as_bytes(text),
                                       {.overwrite = Overwrite::kYes}));
    };
    write("state-9.json", dump({block("0x0", "0x64")}));
    write("state-10.json", dump({block("0x0", "0x70"), block("0x0", "0x64")}));
    write("state-11.json", dump({block("0x0", "0x64")}).substr(0, 40));
    const auto newest = snapshots->newest();
    ASSERT_TRUE(newest) << newest.error().context;
    ASSERT_TRUE(newest->has_value());
    EXPECT_EQ((*newest)->filename(), "state-10.json");
    const auto mended = read_text_file(**newest, 4096);
    ASSERT_TRUE(mended) << mended.error().context;
    EXPECT_EQ(*mended, dump({block("0x0", "0x64")}));
}

TEST(Snapshots, AllDamagedIsNoEmptyChain) {
    const testing::TempFolder folder;
    auto snapshots = Snapshots::open(folder.path());
    ASSERT_TRUE(snapshots) << snapshots.error().context;
    ASSERT_TRUE(write_file_durably(folder.path() / "state-1.json", as_bytes("{"),
                                   {.overwrite = Overwrite::kYes}));
    const auto newest = snapshots->newest();
    ASSERT_FALSE(newest);
    EXPECT_NE(newest.error().context.find("state-1.json"), std::string::npos);
}

}  // namespace
}  // namespace covenant::devnet
