// One bit of a file, as a failing disk changes it.
#pragma once

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace covenant::testing {

inline void flip_bit(const std::filesystem::path& file, std::streamoff offset) {
    std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
    bytes.seekg(offset);
    const int byte = bytes.get();
    bytes.seekp(offset);
    bytes.put(static_cast<char>(byte ^ 1));
    ASSERT_TRUE(bytes.flush()) << file;
}

}  // namespace covenant::testing
