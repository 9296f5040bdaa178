#include "common/node/keystore.hpp"

#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/prompt.hpp"
#include "tests/support/temp_folder.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace covenant::node {
namespace {

constexpr crypto::Argon2Params kCheap{1, 8192};
constexpr crypto::ScryptParams kCheapScrypt{1024, 8, 1};

crypto::SecretBytes password(std::string_view text) {
    return crypto::SecretBytes::copy_of(as_bytes(text));
}

struct KeystoreFixture : ::testing::Test {
    testing::TempFolder folder;
    Keystore keys{folder / "keys"};

    std::string contents(std::string_view name) {
        return read_text_file(keys.path_of(name), Keystore::kMaxFileBytes).value();
    }
    void replace(std::string_view name, const std::string& text) {
        std::ofstream(keys.path_of(name), std::ios::trunc) << text;
    }
};

TEST_F(KeystoreFixture, CreatesAndOpens) {
    const auto address = keys.create("default", KeyKind::kHotkey, password("pw"), kCheap);
    ASSERT_TRUE(address) << address.error().context;
    const auto key = keys.open("default", password("pw"));
    ASSERT_TRUE(key) << key.error().context;
    EXPECT_EQ(key->address(), *address);
    struct stat info {};
    ASSERT_EQ(::stat(keys.path_of("default").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat(keys.directory().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST_F(KeystoreFixture, TheFileHoldsNoSecret) {
    const auto key = crypto::SecretKey::from_seed(Hash256{});
    ASSERT_TRUE(keys.store("a", KeyKind::kHotkey, key, password("hunter2"), kCheap));
    const std::string text = contents("a");
    EXPECT_EQ(text.find(to_hex(key.expose())), std::string::npos);
    EXPECT_EQ(text.find("hunter2"), std::string::npos);
    EXPECT_NE(text.find(to_0x(key.address())), std::string::npos);
}

TEST_F(KeystoreFixture, AWrongPasswordSaysSo) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("right"), kCheap));
    const auto key = keys.open("a", password("wrong"));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, Errc::kPermission);
    EXPECT_NE(key.error().context.find("wrong password for key 'a'"), std::string::npos);
}

TEST_F(KeystoreFixture, NeverOverwrites) {
    const auto first = keys.create("a", KeyKind::kHotkey, password("1"), kCheap);
    const auto second = keys.create("a", KeyKind::kColdkey, password("2"), kCheap);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_EQ(keys.open("a", password("1"))->address(), *first);
}

TEST_F(KeystoreFixture, RefusesBadNamesAndEmptyPasswords) {
    const std::vector<std::string> names{
        "", "A", "../a", "a/b", "a.json", "a b", std::string(65, 'a')};
    for (const std::string& name : names) {
        EXPECT_EQ(keys.create(name, KeyKind::kHotkey, password("x"), kCheap).error().code,
                  Errc::kInvalidArgument)
            << name;
        EXPECT_EQ(keys.open(name, password("x")).error().code, Errc::kInvalidArgument) << name;
    }
    EXPECT_EQ(keys.create("a", KeyKind::kHotkey, {}, kCheap).error().code, Errc::kInvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(folder / "keys"));
}

TEST_F(KeystoreFixture, AMissingKeyNamesThoseThatExist) {
    EXPECT_NE(keys.open("alice", password("x")).error().context.find("there are none"),
              std::string::npos);
    ASSERT_TRUE(keys.create("alice", KeyKind::kHotkey, password("x"), kCheap));
    const auto key = keys.open("alcie", password("x"));
    EXPECT_EQ(key.error().code, Errc::kNotFound);
    EXPECT_NE(key.error().context.find("did you mean 'alice'?"), std::string::npos);
}

TEST_F(KeystoreFixture, ListsByNameWithoutPasswords) {
    EXPECT_TRUE(keys.list()->empty());
    ASSERT_TRUE(keys.create("b", KeyKind::kColdkey, password("x"), kCheap));
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("y"), kCheap));
    std::ofstream(folder / "keys" / "notes.txt") << "not a key";
    std::ofstream(folder / "keys" / ".a.json.tmp") << "a leftover";
    const auto list = keys.list().value();
    ASSERT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].name, "a");
    EXPECT_EQ(list[0].kind, KeyKind::kHotkey);
    EXPECT_EQ(list[1].kind, KeyKind::kColdkey);
}

TEST_F(KeystoreFixture, RefusesHalfWrittenFiles) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("x"), kCheap));
    const std::string whole = contents("a");
    for (std::size_t size = 0; size + 2 < whole.size(); size += 7) {
        replace("a", whole.substr(0, size));
        const auto key = keys.open("a", password("x"));
        ASSERT_FALSE(key) << size;
        EXPECT_EQ(key.error().code, Errc::kMalformed) << size << key.error().context;
    }
}

TEST_F(KeystoreFixture, AChangedFileDoesNotOpen) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("x"), kCheap));
    ASSERT_TRUE(keys.create("b", KeyKind::kHotkey, password("x"), kCheap));
    KeyFile a = keys.describe("a").value();
    const KeyFile b = keys.describe("b").value();
    // Another key's box, another kind, a flipped bit: all look like a wrong password.
    KeyFile swapped = a;
    swapped.box = b.box;
    replace("a", to_text(swapped));
    EXPECT_EQ(keys.open("a", password("x")).error().code, Errc::kPermission);
    KeyFile promoted = a;
    promoted.kind = KeyKind::kColdkey;
    replace("a", to_text(promoted));
    EXPECT_EQ(keys.open("a", password("x")).error().code, Errc::kPermission);
    KeyFile flipped = a;
    flipped.box.back() ^= 1;
    replace("a", to_text(flipped));
    EXPECT_EQ(keys.open("a", password("x")).error().code, Errc::kPermission);
    KeyFile renamed = a;
    renamed.name = "b";
    replace("a", to_text(renamed));
    EXPECT_EQ(keys.open("a", password("x")).error().code, Errc::kMalformed);
    replace("a", to_text(a));
    EXPECT_TRUE(keys.open("a", password("x")));
}

TEST_F(KeystoreFixture, RefusesFilesThatOthersMayRead) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("x"), kCheap));
    ASSERT_EQ(::chmod(keys.path_of("a").c_str(), 0640), 0);
    const auto key = keys.open("a", password("x"));
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, Errc::kPermission);
    EXPECT_NE(key.error().context.find("chmod 600"), std::string::npos);
}

TEST_F(KeystoreFixture, RefusesAKeyThatDemandsTooMuchMemory) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("x"), kCheap));
    KeyFile file = keys.describe("a").value();
    store_le<std::uint64_t>(std::uint64_t{1} << 40, file.box.data() + 16);
    replace("a", to_text(file));
    EXPECT_EQ(keys.open("a", password("x")).error().code, Errc::kMalformed);
}

TEST_F(KeystoreFixture, Web3FilesComeAndGo) {
    const auto address = keys.create("a", KeyKind::kColdkey, password("x"), kCheap);
    const auto json = keys.export_web3("a", password("x"), password("web3"), kCheapScrypt);
    ASSERT_TRUE(json) << json.error().context;
    EXPECT_EQ(
        keys.import_web3("b", KeyKind::kHotkey, *json, password("web3"), password("y"), kCheap)
            .value(),
        *address);
    EXPECT_EQ(keys.open("b", password("y"))->address(), *address);
    EXPECT_EQ(keys.import_web3("c", KeyKind::kHotkey, *json, password("no"), password("y"), kCheap)
                  .error()
                  .code,
              Errc::kPermission);
    EXPECT_EQ(keys.import_web3("c", KeyKind::kHotkey, "{}", password("no"), password("y"), kCheap)
                  .error()
                  .code,
              Errc::kMalformed);
    EXPECT_FALSE(std::filesystem::exists(keys.path_of("c")));
    EXPECT_EQ(keys.export_web3("a", password("x"), {}, kCheapScrypt).error().code,
              Errc::kInvalidArgument);
    EXPECT_EQ(keys.export_web3("a", password("no"), password("w"), kCheapScrypt).error().code,
              Errc::kPermission);
}

TEST(KeyFileText, RoundTripsAndRefuses) {
    KeyFile file;
    file.name = "a";
    file.box = Bytes(100, 7);
    const KeyFile back = parse_key_file(to_text(file)).value();
    EXPECT_EQ(back.name, "a");
    EXPECT_EQ(back.box, file.box);
    for (
        const char* bad :
        {"", "[]", "{}", "null", R"({"format":"other"})",
         R"({"format":"covenant-key","version":2,"kind":"hotkey","name":"a","address":"0x00","box":""})",
         R"({"format":"covenant-key","version":1,"kind":"warmkey","name":"a","address":"0x0000000000000000000000000000000000000000","box":""})",
         R"({"format":"covenant-key","version":1,"kind":"hotkey","name":"../a","address":"0x0000000000000000000000000000000000000000","box":""})",
         R"({"format":"covenant-key","version":1,"kind":"hotkey","name":"a","address":"0x00","box":""})",
         R"({"format":"covenant-key","version":1,"kind":"hotkey","name":"a","address":"0x0000000000000000000000000000000000000000","box":"","x":1})"}) {
        EXPECT_EQ(parse_key_file(bad).error().code, Errc::kMalformed) << bad;
    }
    EXPECT_EQ(parse_key_file(std::string(100'000, ' ')).error().code, Errc::kMalformed);
    file.box = Bytes(5000, 7);
    EXPECT_EQ(parse_key_file(to_text(file)).error().code, Errc::kMalformed);
}

TEST(Password, ComesFromAFileOthersCannotRead) {
    const testing::TempFolder folder;
    const auto path = folder / "password";
    std::ofstream(path) << "open sesame\r\nsecond line\n";
    ::chmod(path.c_str(), 0600);
    EXPECT_TRUE(read_password({path, false, false}, "key 'a'")->equals(as_bytes("open sesame")));
    ::chmod(path.c_str(), 0644);
    const auto open = read_password({path, false, false}, "key 'a'");
    ASSERT_FALSE(open);
    EXPECT_EQ(open.error().code, Errc::kPermission);
    EXPECT_EQ(open.error().context.find("sesame"), std::string::npos);
    EXPECT_EQ(read_password({folder / "none", false, false}, "x").error().code, Errc::kNotFound);
    std::ofstream(path, std::ios::trunc) << "\n";
    ::chmod(path.c_str(), 0600);
    EXPECT_EQ(read_password({path, false, false}, "x").error().code, Errc::kInvalidArgument);
    std::ofstream(path, std::ios::trunc) << std::string(1025, 'x');
    EXPECT_EQ(read_password({path, false, false}, "x").error().code, Errc::kInvalidArgument);
    std::ofstream(path, std::ios::trunc) << std::string(1024, 'x');
    EXPECT_EQ(read_password({path, false, false}, "x")->size(), 1024U);
}

TEST(Password, NothingIsAskedUnderJson) {
    const auto answer = read_password({{}, false, true}, "key 'a'");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::kPrecondition);
    EXPECT_NE(answer.error().context.find("--password-file"), std::string::npos);
    EXPECT_TRUE(confirm("go on?", true, true).value());
    const auto unasked = confirm("go on?", false, true);
    EXPECT_EQ(unasked.error().code, Errc::kPrecondition);
    EXPECT_NE(unasked.error().context.find("--yes"), std::string::npos);
}

}  // namespace
}  // namespace covenant::node
