// What both stores promise, on each of them.
#include "common/store/artifact_store.hpp"

#include "common/crypto/sha256.hpp"
#include "common/store/file_store.hpp"
#include "common/store/memory_store.hpp"
#include "tests/support/temp_folder.hpp"

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace covenant::store {
namespace {

using covenant::testing::TempFolder;

struct Kind {
    const char* name;
    std::function<std::unique_ptr<ArtifactStore>(const TempFolder&)> make;
};

class ArtifactStoreTest : public ::testing::TestWithParam<Kind> {
  protected:
    void SetUp() override {
        store_ = GetParam().make(folder_);
        ASSERT_NE(store_, nullptr);
    }
    static Hash256 address(std::string_view text) { return crypto::sha256(as_bytes(text)); }

    TempFolder folder_;
    std::unique_ptr<ArtifactStore> store_;
};

TEST_P(ArtifactStoreTest, KeepsObjectsByTheirHash) {
    const auto object = store_->put(as_bytes("artifact"));
    ASSERT_TRUE(object) << object.error().context;
    EXPECT_EQ(*object, address("artifact"));
    EXPECT_EQ(as_text(store_->get(*object, 8).value()), "artifact");
    EXPECT_TRUE(store_->has(*object).value());
    EXPECT_EQ(store_->put(as_bytes("artifact")).value(), *object);
    EXPECT_EQ(as_text(store_->get(*object, 8).value()), "artifact");
}

TEST_P(ArtifactStoreTest, KeepsTheEmptyObject) {
    const Hash256 object = store_->put({}).value();
    EXPECT_EQ(object, address(""));
    EXPECT_TRUE(store_->get(object, 0).value().empty());
}

TEST_P(ArtifactStoreTest, MissingObjectsAreNotFound) {
    const auto got = store_->get(address("nothing"), 100);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::kNotFound);
    EXPECT_FALSE(store_->has(address("nothing")).value());
}

TEST_P(ArtifactStoreTest, ObjectsBeyondTheBoundAreRefused) {
    const Hash256 object = store_->put(as_bytes("twelve bytes")).value();
    const auto got = store_->get(object, 11);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, Errc::kRejected);
    EXPECT_NE(got.error().context.find("12 bytes"), std::string::npos);
    EXPECT_TRUE(store_->get(object, 12));
}

TEST_P(ArtifactStoreTest, ErasedObjectsAreGoneAndTheirNamesStay) {
    const Hash256 object = store_->put(as_bytes("old")).value();
    ASSERT_TRUE(store_->publish("run/1/old", object));
    ASSERT_TRUE(store_->erase(object));
    ASSERT_TRUE(store_->erase(object));
    EXPECT_FALSE(store_->has(object).value());
    EXPECT_EQ(store_->resolve("run/1/old").value(), object);
}

TEST_P(ArtifactStoreTest, TheFirstNameWins) {
    const std::string name = "0x12ab/7/3/segment-2";
    ASSERT_TRUE(store_->publish(name, address("first")));
    EXPECT_TRUE(store_->publish(name, address("first")));
    const auto second = store_->publish(name, address("second"));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAlreadyExists);
    EXPECT_NE(second.error().context.find(name), std::string::npos);
    EXPECT_EQ(store_->resolve(name).value(), address("first"));
}

TEST_P(ArtifactStoreTest, UnknownNamesAreNotFound) {
    EXPECT_EQ(store_->resolve("never/published").error().code, Errc::kNotFound);
    ASSERT_TRUE(store_->publish("a/b", address("x")));
    EXPECT_EQ(store_->resolve("a").error().code, Errc::kNotFound);
    EXPECT_EQ(store_->resolve("a/b/c").error().code, Errc::kNotFound);
}

TEST_P(ArtifactStoreTest, ANameMayBeAnothersBeginning) {
    ASSERT_TRUE(store_->publish("a/b", address("1")));
    ASSERT_TRUE(store_->publish("a", address("2")));
    ASSERT_TRUE(store_->publish("a/b/c", address("3")));
    EXPECT_EQ(store_->resolve("a").value(), address("2"));
    EXPECT_EQ(store_->resolve("a/b").value(), address("1"));
    EXPECT_EQ(store_->resolve("a/b/c").value(), address("3"));
}

TEST_P(ArtifactStoreTest, ListsByPrefixInOrder) {
    for (const char* name : {"run/10/a", "run/1/b", "run/1/a", "other/1", "run/1-x", "run/1/a/z"}) {
        ASSERT_TRUE(store_->publish(name, address(name)));
    }
    const auto names = [&](std::string_view prefix, std::size_t max = 100) {
        std::string out;
        const auto listed = store_->list(prefix, max);
        for (const NamedObject& named : listed.value()) {
            EXPECT_EQ(named.object, address(named.name));
            out += named.name + " ";
        }
        return out;
    };
    EXPECT_EQ(names("run/1/"), "run/1/a run/1/a/z run/1/b ");
    EXPECT_EQ(names("run/1"), "run/1-x run/1/a run/1/a/z run/1/b run/10/a ");
    EXPECT_EQ(names("run/1/a"), "run/1/a run/1/a/z ");
    EXPECT_EQ(names(""), "other/1 run/1-x run/1/a run/1/a/z run/1/b run/10/a ");
    EXPECT_EQ(names("", 2), "other/1 run/1-x ");
    EXPECT_EQ(names("run/2"), "");
    EXPECT_EQ(names("absent/deep/"), "");
}

TEST_P(ArtifactStoreTest, BadNamesAreRefusedEverywhere) {
    const std::string bad[] = {"",
                               "/",
                               "/a",
                               "a/",
                               "a//b",
                               ".",
                               "..",
                               "a/../b",
                               "a/./b",
                               "a b",
                               "a\\b",
                               "a@b",
                               "@a",
                               "a\nb",
                               "caf\xc3\xa9",
                               std::string("a\0b", 3),
                               std::string(kMaxNamePartBytes + 1, 'a'),
                               std::string(kMaxNameBytes, 'a')};
    for (const std::string& name : bad) {
        EXPECT_EQ(check_name(name).error().code, Errc::kInvalidArgument) << name;
        EXPECT_EQ(store_->publish(name, address("x")).error().code, Errc::kInvalidArgument) << name;
        EXPECT_EQ(store_->resolve(name).error().code, Errc::kInvalidArgument) << name;
    }
    EXPECT_EQ(store_->list("../").error().code, Errc::kInvalidArgument);
    EXPECT_EQ(store_->list("a//").error().code, Errc::kInvalidArgument);
    EXPECT_EQ(store_->list("a b").error().code, Errc::kInvalidArgument);
    EXPECT_TRUE(store_->list("").value().empty());
}

TEST_P(ArtifactStoreTest, NamesAtTheLimitsAreFine) {
    const std::string part(kMaxNamePartBytes, 'p');
    const std::string longest = part + "/" + part + "/" + std::string(kMaxNameBytes - 402, 'q');
    ASSERT_EQ(longest.size(), kMaxNameBytes);
    ASSERT_TRUE(store_->publish(longest, address("x")));
    EXPECT_EQ(store_->resolve(longest).value(), address("x"));
    EXPECT_TRUE(store_->publish("...", address("x")));
    EXPECT_TRUE(store_->publish("a/..b/.c", address("x")));
    EXPECT_EQ(store_->list("a/..").value().size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    Stores, ArtifactStoreTest,
    ::testing::Values(Kind{"Memory",
                           [](const TempFolder&) { return std::make_unique<MemoryStore>(); }},
                      Kind{"File",
                           [](const TempFolder& folder) -> std::unique_ptr<ArtifactStore> {
                               auto store = FileStore::open(folder / "store");
                               return store ? std::move(*store) : nullptr;
                           }}),
    [](const auto& kind) { return std::string(kind.param.name); });

TEST(MemoryStore, DamageIsCaughtAndMended) {
    MemoryStore store;
    const Hash256 object = store.put(as_bytes("object")).value();
    ASSERT_TRUE(store.corrupt(object));
    EXPECT_EQ(store.get(object, 100).error().code, Errc::kCorrupt);
    ASSERT_TRUE(store.put(as_bytes("object")));
    EXPECT_TRUE(store.get(object, 100));
    const Hash256 empty = store.put({}).value();
    ASSERT_TRUE(store.corrupt(empty));
    EXPECT_EQ(store.get(empty, 100).error().code, Errc::kCorrupt);
    EXPECT_EQ(store.corrupt(crypto::sha256(as_bytes("absent"))).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace covenant::store
