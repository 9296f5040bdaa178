#include "tools/view/names.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/secp256k1.hpp"
#include "tests/support/sample_run.hpp"
#include "tests/support/temp_folder.hpp"

#include <gmock/gmock.h>

namespace covenant::view {
namespace {

using ::testing::HasSubstr;

Result<protocol::Uid> find(std::string_view text) {
    const Scene scene = sample::scene();
    return find_hotkey(scene.state, scene.folder, text);
}

TEST(FindHotkey, takes_names_uids_and_addresses) {
    EXPECT_EQ(*find("mallory"), sample::kMallory);
    EXPECT_EQ(*find("2"), sample::kVera);
    EXPECT_EQ(*find(to_0x(sample::hotkey_of(sample::kAlice))), sample::kAlice);
    EXPECT_EQ(*find(crypto::to_checksum_address(sample::hotkey_of(sample::kVera))), sample::kVera);
}

TEST(FindHotkey, says_what_there_is) {
    const auto uid = find("77");
    ASSERT_FALSE(uid);
    EXPECT_EQ(uid.error().code, Errc::kNotFound);
    EXPECT_THAT(uid.error().context, HasSubstr("alice, mallory, vera"));
    const auto address = find(to_0x(vectors::filled_address(0x99)));
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().code, Errc::kNotFound);
}

TEST(FindHotkey, refuses_what_is_none_of_the_three) {
    for (const char* text : {"", "eve", "-1", "1.5", " 1", "99999999999999999999999"}) {
        const auto found = find(text);
        ASSERT_FALSE(found) << text;
        EXPECT_EQ(found.error().code, Errc::kInvalidArgument) << text;
    }
    const auto cut = find("0x1234");
    ASSERT_FALSE(cut);
    EXPECT_EQ(cut.error().code, Errc::kMalformed);
}

TEST(FindHotkey, a_name_of_digits_wins_over_the_uid) {
    Scene scene = sample::scene();
    scene.folder.names["2"] = sample::kAlice;
    EXPECT_EQ(*find_hotkey(scene.state, scene.folder, "2"), sample::kAlice);
}

TEST(Label, is_the_name_or_the_short_address) {
    Scene scene = sample::scene();
    EXPECT_EQ(label(scene.state, scene.folder, sample::kAlice), "alice");
    scene.folder.names.clear();
    EXPECT_EQ(label(scene.state, scene.folder, sample::kAlice),
              to_short_hex(sample::hotkey_of(sample::kAlice).view()));
    EXPECT_EQ(label(scene.state, scene.folder, protocol::Uid(200)), "uid 200");
}

TEST(ReadFolder, reads_the_devnet_and_needs_none) {
    const testing::TempFolder folder;
    const auto none = read_folder(folder.path());
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->names.empty());
    EXPECT_FALSE(none->run);
    ASSERT_TRUE(write_file_durably(folder / "devnet.json", as_bytes(sample::devnet_json())));
    const auto known = read_folder(folder.path());
    ASSERT_TRUE(known) << known.error().context;
    EXPECT_EQ(known->names.at("mallory"), sample::kMallory);
    EXPECT_EQ(known->rounds, 3U);
    EXPECT_EQ(known->run, sample::run());
}

TEST(ReadFolder, names_what_is_wrong_in_the_file) {
    const testing::TempFolder folder;
    std::string text = sample::devnet_json();
    text.replace(text.find("\"uid\":2"), 7, "\"uid\":256");
    ASSERT_TRUE(write_file_durably(folder / "devnet.json", as_bytes(text)));
    const auto broken = read_folder(folder.path());
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Errc::kMalformed);
    EXPECT_THAT(broken.error().context, HasSubstr("256"));
    ASSERT_TRUE(
        write_file_durably(folder / "devnet.json", as_bytes("{"), {.overwrite = Overwrite::kYes}));
    EXPECT_FALSE(read_folder(folder.path()));
}

TEST(FolderIfWhole, tells_the_damage_and_goes_on) {
    const testing::TempFolder folder;
    EXPECT_EQ(folder_if_whole(folder.path()).damage, "");
    ASSERT_TRUE(write_file_durably(folder / "devnet.json", as_bytes("{")));
    const Folder damaged = folder_if_whole(folder.path());
    EXPECT_TRUE(damaged.names.empty());
    EXPECT_THAT(damaged.damage, HasSubstr("devnet.json"));
    ASSERT_TRUE(write_file_durably(folder / "devnet.json", as_bytes(sample::devnet_json()),
                                   {.overwrite = Overwrite::kYes}));
    EXPECT_EQ(folder_if_whole(folder.path()).names.size(), 3U);
}

TEST(ParseNumber, is_decimal_and_bounded) {
    EXPECT_EQ(*parse_number("0", "round", 5), 0U);
    EXPECT_EQ(*parse_number("5", "round", 5), 5U);
    for (const char* text : {"6", "", "+1", "0x1", "1 ", "18446744073709551616"}) {
        EXPECT_FALSE(parse_number(text, "round", 5)) << text;
    }
}

}  // namespace
}  // namespace covenant::view
