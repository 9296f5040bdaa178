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
#include <unistd.h>

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

// A backup, a note, a folder, a copy, a link to nothing: none of them hides the keys beside it.
TEST_F(KeystoreFixture, WhatIsNoKeyHidesNoKey) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("x"), kCheap));
    std::filesystem::create_symlink("nowhere.json", folder / "keys" / "dangling.json");
    std::filesystem::create_directory(folder / "keys" / "old.json");
    std::ofstream(folder / "keys" / "notes.json") << "{}";
    std::ofstream(folder / "keys" / "backup.json") << R"({"version":3,"crypto":{}})";
    std::filesystem::copy(keys.path_of("a"), keys.path_of("copy"));
    ASSERT_EQ(::mkfifo((folder / "keys" / "fifo.json").c_str(), 0600), 0);
    const KeyFolder found = keys.scan().value();
    ASSERT_EQ(found.keys.size(), 1U);
    EXPECT_EQ(found.keys[0].name, "a");
    const std::pair<const char*, const char*> others[] = {
        {"backup.json", "covenant wallet import"},
        {"copy.json", "key 'a'"},
        {"dangling.json", "link to nothing"},
        {"fifo.json", "a FIFO, not a regular file"},
        {"notes.json", "format"},
        {"old.json", "a folder, not a regular file"}};
    ASSERT_EQ(found.others.size(), std::size(others));
    for (std::size_t i = 0; i < found.others.size(); ++i) {
        EXPECT_EQ(found.others[i].file.filename(), others[i].first);
        EXPECT_NE(found.others[i].why.context.find(others[i].second), std::string::npos)
            << found.others[i].why.context;
    }
    EXPECT_EQ(keys.describe("dangling").error().code, Errc::kIo);
    const auto none = keys.open("b", password("x"));
    EXPECT_EQ(none.error().code, Errc::kNotFound);
    EXPECT_NE(none.error().context.find("there are: a)"), std::string::npos)
        << none.error().context;
}

TEST_F(KeystoreFixture, ADamagedAddressIsSeenWithoutThePassword) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("x"), kCheap));
    const std::string whole = contents("a");
    const std::size_t digit = whole.find("0x") + 9;
    std::string damaged = whole;
    damaged[digit] = damaged[digit] == '3' ? '4' : '3';
    replace("a", damaged);
    EXPECT_EQ(keys.describe("a").error().code, Errc::kCorrupt);
    EXPECT_TRUE(keys.list()->empty());
    EXPECT_EQ(keys.scan()->others.size(), 1U);
}

// Files of builds that wrote no check are good as they are.
TEST_F(KeystoreFixture, AFileWithoutACheckOpens) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("x"), kCheap));
    std::string text = contents("a");
    const std::size_t comma = text.rfind(',');
    ASSERT_NE(text.find("\"check\"", comma), std::string::npos);
    text.erase(comma, text.rfind('}') - comma);
    replace("a", text);
    EXPECT_TRUE(keys.open("a", password("x")));
    EXPECT_EQ(keys.list()->size(), 1U);
}

TEST_F(KeystoreFixture, TheFolderIsPrivateWhateverTheUmask) {
    const mode_t before = ::umask(0);
    const auto made =
        Keystore(folder / "node" / "keys").create("a", KeyKind::kHotkey, password("x"), kCheap);
    ::umask(before);
    ASSERT_TRUE(made) << made.error().context;
    for (const char* name : {"node", "node/keys"}) {
        struct stat info {};
        ASSERT_EQ(::stat((folder / name).c_str(), &info), 0);
        EXPECT_EQ(info.st_mode & 0777U, 0700U) << name;
    }
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

crypto::SecretBytes written_and_read(const std::filesystem::path& path, std::string_view bytes,
                                     bool fresh, std::string& refused) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    ::chmod(path.c_str(), 0600);
    auto out = read_password({.file = path, .confirm = fresh}, "key 'a'");
    refused = out ? "" : out.error().context;
    return out ? std::move(*out) : crypto::SecretBytes();
}

// Nobody types them again, so a new password has none; a password that is there already may.
TEST(Password, ANewOneHoldsNothingUnseen) {
    const testing::TempFolder folder;
    using namespace std::string_view_literals;
    const std::pair<std::string_view, const char*> cases[] = {
        {"\xef\xbb\xbfsecret\n"sv, "begins with a byte order mark"},
        {"\xff\xfes\0e\0\n"sv, "is not UTF-8"},
        {"sec\0ret\n"sv, "holds a zero byte"},
        {"one\rtwo\n"sv, "holds a carriage return"},
        {"tab\t\n"sv, "holds a control character"},
        {"zero\xe2\x80\x8bwidth\n"sv, "holds an invisible character"},
        {"surrogate\xed\xa0\x80\n"sv, "is not UTF-8"},
        {"\xc0\xaf\n"sv, "is not UTF-8"},
        {"cut\xe2\x82\n"sv, "is not UTF-8"},
    };
    std::string refused;
    for (const auto& [bytes, words] : cases) {
        written_and_read(folder / "pw", bytes, true, refused);
        EXPECT_NE(refused.find(words), std::string::npos) << words << ": " << refused;
        EXPECT_NE(refused.find((folder / "pw").string()), std::string::npos);
        EXPECT_FALSE(written_and_read(folder / "pw", bytes, false, refused).empty()) << words;
    }
    for (const std::string_view good :
         {"secret\r\n"sv, "gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80 dich\n"sv}) {
        EXPECT_FALSE(written_and_read(folder / "pw", good, true, refused).empty()) << refused;
    }
}

TEST_F(KeystoreFixture, AWrongPasswordWithAMarkSaysSo) {
    ASSERT_TRUE(keys.create("a", KeyKind::kHotkey, password("secret"), kCheap));
    const auto key = keys.open("a", password("\xef\xbb\xbfsecret"));
    EXPECT_EQ(key.error().code, Errc::kPermission);
    EXPECT_NE(key.error().context.find("byte order mark"), std::string::npos);
}

TEST(Password, MayBeEmptyOnlyForAFileThatSomebodyElseMade) {
    const testing::TempFolder folder;
    std::ofstream(folder / "pw") << "\n";
    ::chmod((folder / "pw").c_str(), 0600);
    EXPECT_EQ(read_password({.file = folder / "pw"}, "x").error().code, Errc::kInvalidArgument);
    EXPECT_TRUE(read_password({.file = folder / "pw", .allow_empty = true}, "x")->empty());
}

// A service manager hands secrets over as files of mode 0440 in a folder of mode 0500.
TEST(Password, AFolderThatOnlyItsOwnerEntersKeepsOthersOut) {
    const testing::TempFolder folder;
    const auto path = folder / "credentials" / "pw";
    std::filesystem::create_directory(folder / "credentials");
    std::ofstream(path) << "secret\n";
    ::chmod(path.c_str(), 0440);
    ::chmod((folder / "credentials").c_str(), 0500);
    EXPECT_TRUE(read_password({.file = path}, "x"));
    ::chmod((folder / "credentials").c_str(), 0755);
    const auto open = read_password({.file = path}, "x");
    EXPECT_EQ(open.error().code, Errc::kPermission);
    EXPECT_NE(open.error().context.find("only you may enter"), std::string::npos);
    ::chmod((folder / "credentials").c_str(), 0700);
    for (const mode_t mode : {0620U, 0444U}) {
        ::chmod(path.c_str(), mode);
        EXPECT_EQ(read_password({.file = path}, "x").error().code, Errc::kPermission);
    }
}

TEST(Password, ComesThroughAPipeAndWaitsForNoWriter) {
    const testing::TempFolder folder;
    ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(read_password({.file = folder / "fifo"}, "x").error().code, Errc::kInvalidArgument);
    EXPECT_EQ(read_password({.file = folder.path()}, "x").error().code, Errc::kIo);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], "secret\n", 7), 7);
    const std::string name = "/dev/fd/" + std::to_string(ends[0]);
    EXPECT_TRUE(read_password({.file = name}, "x")->equals(as_bytes("secret")));
    ::close(ends[0]);
    ::close(ends[1]);
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
