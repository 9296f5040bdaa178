// Kinds of files and small helpers for the tests of this folder.
#pragma once

#include "common/sqlite/database.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace covenant::sqlite {

inline constexpr FileKind kKept{.name = "ledger of deeds", .remedy = "restore it from a copy"};
inline constexpr FileKind kCache{.name = "cache of facts",
                                 .remedy = "delete it, it is made again",
                                 .durability = Durability::kRebuildable,
                                 .checked_pages = true};

inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void put_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline Database opened(const std::filesystem::path& path, const FileKind& kind) {
    auto database = Database::open(path.string(), kind);
    EXPECT_TRUE(database) << database.error().context;
    return std::move(*database);
}

}  // namespace covenant::sqlite
