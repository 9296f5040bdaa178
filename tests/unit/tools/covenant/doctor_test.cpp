#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/node/keystore.hpp"
#include "common/node/lifecycle.hpp"
#include "tests/support/temp_folder.hpp"
#include "tools/covenant/commands/doctor_checks.hpp"

#include <gmock/gmock.h>

namespace covenant::commands {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Doctor, knows_the_system_it_is_built_for) {
    EXPECT_EQ(check_system("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n"
                           "VERSION_ID=\"12\"\n")
                  .level,
              CheckLevel::kOk);
    const Check other = check_system("PRETTY_NAME=\"Other 3\"\nID=other\nVERSION_ID=\"3\"\n");
    EXPECT_EQ(other.level, CheckLevel::kWarn);
    EXPECT_EQ(other.found, "Other 3");
    EXPECT_EQ(check_system("").level, CheckLevel::kWarn);
}

TEST(Doctor, compares_memory_with_the_need) {
    const std::string meminfo = "MemTotal: 9000000 kB\nMemAvailable:    2000000 kB\n";
    EXPECT_EQ(check_memory(meminfo, 0).level, CheckLevel::kOk);
    const Check tight = check_memory(meminfo, std::uint64_t{4} << 30);
    EXPECT_EQ(tight.level, CheckLevel::kFail);
    EXPECT_FALSE(tight.fix.empty());
    EXPECT_EQ(check_memory("nonsense", 0).level, CheckLevel::kWarn);
}

TEST(Doctor, counts_cores_and_disk) {
    EXPECT_EQ(check_cores(1).level, CheckLevel::kWarn);
    EXPECT_EQ(check_cores(2).level, CheckLevel::kOk);
    const testing::TempFolder folder;
    EXPECT_EQ(check_disk(folder / "not/made/yet", 1).level, CheckLevel::kOk);
    EXPECT_EQ(check_disk(folder.path(), ~std::uint64_t{0}).level, CheckLevel::kFail);
}

TEST(Doctor, refuses_keys_that_others_may_read) {
    const testing::TempFolder folder;
    EXPECT_EQ(check_keys(folder.path()).level, CheckLevel::kWarn);
    node::Keystore keys(folder / "keys");
    const auto password = crypto::SecretBytes::copy_of(as_bytes("secret"));
    const crypto::Argon2Params quick{1, std::uint64_t{1} << 20};
    ASSERT_TRUE(keys.create("hotkey", node::KeyKind::kHotkey, password, quick));
    EXPECT_EQ(check_keys(folder.path()).level, CheckLevel::kOk);
    ASSERT_TRUE(keys.create("coldkey", node::KeyKind::kColdkey, password, quick));
    EXPECT_EQ(check_keys(folder.path()).level, CheckLevel::kWarn) << "both kinds in one folder";
    std::filesystem::permissions(keys.path_of("hotkey"), std::filesystem::perms(0644));
    const Check open = check_keys(folder.path());
    EXPECT_EQ(open.level, CheckLevel::kFail);
    EXPECT_THAT(open.fix, StartsWith("chmod 600 "));
}

TEST(Doctor, sees_a_broken_key_file) {
    const testing::TempFolder folder;
    ASSERT_TRUE(create_folders_durably(folder / "keys"));
    ASSERT_TRUE(write_file_durably(folder / "keys" / "hotkey.json", as_bytes("{")));
    std::filesystem::permissions(folder / "keys" / "hotkey.json", std::filesystem::perms(0600));
    EXPECT_EQ(check_keys(folder.path()).level, CheckLevel::kFail);
}

TEST(Doctor, names_all_that_is_no_key_and_a_damaged_one_first) {
    const testing::TempFolder folder;
    node::Keystore keys(folder / "keys");
    const auto password = crypto::SecretBytes::copy_of(as_bytes("secret"));
    const crypto::Argon2Params quick{1, std::uint64_t{1} << 20};
    ASSERT_TRUE(keys.create("hotkey", node::KeyKind::kHotkey, password, quick));
    const auto write = [&](const std::string& name, std::string_view text) {
        ASSERT_TRUE(write_file_durably(folder / "keys" / name, as_bytes(text)));
    };
    write("a.json", "{}");
    write("c.json", "{}");
    const Check foreign = check_keys(folder.path());
    EXPECT_EQ(foreign.level, CheckLevel::kWarn);
    EXPECT_THAT(foreign.found, HasSubstr("a.json is no key: "));
    EXPECT_THAT(foreign.found, HasSubstr("; nor is c.json"));
    std::string text = read_text_file(keys.path_of("hotkey"), 65536).value();
    const auto digit = text.find("\"0x") + 3;  // of the address
    text[digit] = text[digit] == '1' ? '2' : '1';
    ASSERT_TRUE(
        write_file_durably(keys.path_of("hotkey"), as_bytes(text), {.overwrite = Overwrite::kYes}));
    const Check damaged = check_keys(folder.path());
    EXPECT_EQ(damaged.level, CheckLevel::kFail);
    EXPECT_THAT(damaged.found, HasSubstr("hotkey.json is no key: "));
    EXPECT_THAT(damaged.found, HasSubstr("; nor is a.json; nor is c.json"));
}

TEST(Doctor, sees_who_holds_the_data_folder) {
    const testing::TempFolder folder;
    EXPECT_EQ(check_lock(folder / "missing").level, CheckLevel::kOk);
    {
        const auto held = node::DataDir::open(folder / "data", "a test");
        ASSERT_TRUE(held);
        EXPECT_EQ(check_lock(folder / "data").level, CheckLevel::kWarn);
    }
    EXPECT_EQ(check_lock(folder / "data").level, CheckLevel::kOk);
}

TEST(Doctor, compares_our_clock_with_the_chain) {
    EXPECT_EQ(check_clock(1'000, 1'005'000).level, CheckLevel::kOk);
    EXPECT_EQ(check_clock(1'005, 1'000'000).level, CheckLevel::kOk);
    EXPECT_EQ(check_clock(1'000, 1'100'000).level, CheckLevel::kWarn);
    EXPECT_THAT(check_clock(1'100, 1'000'000).found, HasSubstr("100 s behind"));
}

TEST(Doctor, a_missing_program_fails_with_the_command_that_builds_it) {
    const testing::TempFolder folder;
    const auto checks = check_programs(folder.path());
    const auto expect = [&](std::string_view name, CheckLevel level) {
        const auto found = std::find_if(checks.begin(), checks.end(),
                                        [&](const Check& check) { return check.name == name; });
        ASSERT_NE(found, checks.end()) << name;
        EXPECT_EQ(found->level, level) << name;
        EXPECT_EQ(found->fix, "tools/devnet") << name;
    };
    expect("covenant-miner", CheckLevel::kFail);
    expect("covenant-adversary", CheckLevel::kWarn);  // an installation has none
    expect("covenant-simulate", CheckLevel::kWarn);
}

TEST(Doctor, a_chain_that_does_not_answer_fails) {
    const testing::TempFolder folder;
    node::GlobalOptions global;
    global.datadir = folder.path().string();
    SystemClock clock;
    EXPECT_EQ(check_chain(global, clock).at(0).level, CheckLevel::kWarn) << "no network is given";
    ASSERT_TRUE(write_file_durably(folder / "network.json", as_bytes("{}")));
    EXPECT_EQ(check_chain(global, clock).at(0).level, CheckLevel::kFail);
}

TEST(Doctor, its_findings_are_json) {
    const auto json =
        to_json({{CheckLevel::kWarn, "a", "b", "c"}, {CheckLevel::kOk, "d", "e", ""}});
    EXPECT_EQ(json.at_index(0)->string("level").value(), "warn");
    EXPECT_TRUE(json.at_index(1)->at("fix")->is_null());
}

}  // namespace
}  // namespace covenant::commands
