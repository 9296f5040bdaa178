#include "common/store/open.hpp"

#include "tests/support/temp_folder.hpp"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace covenant::store {
namespace {

TEST(OpenStore, AFolderByPathAndByAddressIsOneStore) {
    const testing::TempFolder folder;
    const std::string path = (folder / "store").string();
    auto by_path = open(path);
    ASSERT_TRUE(by_path) << by_path.error().context;
    const Hash256 object = (*by_path)->put(as_bytes("bytes")).value();
    for (const std::string& address : {"file:" + path, "file://" + path}) {
        auto store = open(address);
        ASSERT_TRUE(store) << store.error().context;
        EXPECT_TRUE((*store)->has(object).value()) << address;
        EXPECT_EQ(folder_of(address).value(), path);
    }
    EXPECT_EQ(folder_of("file:" + path + "/not").value(), path + "/not");
    EXPECT_FALSE(std::filesystem::exists(path + "/not")) << "asked for its name only";
}

TEST(OpenStore, AColonInAPathIsNoScheme) {
    const testing::TempFolder folder;
    const std::string path = (folder / "a:b").string();
    ASSERT_TRUE(open(path));
    EXPECT_TRUE(std::filesystem::is_directory(path));
}

TEST(OpenStore, OtherSchemesAreRefusedByNameAndWithoutTheirSecrets) {
    for (const char* address : {"s3://key:PASSWORD@bucket", "https://u:PASSWORD@host/a", "ftp:x",
                                "file://host/path", "file:", "file://", ""}) {
        const auto store = open(address);
        ASSERT_FALSE(store) << address;
        EXPECT_EQ(store.error().code, Errc::kInvalidArgument);
        EXPECT_EQ(store.error().context.find("PASSWORD"), std::string::npos);
        EXPECT_NE(store.error().context.find("file:///path"), std::string::npos);
    }
    EXPECT_NE(open("s3://bucket").error().context.find("'s3:'"), std::string::npos);
}

}  // namespace
}  // namespace covenant::store
