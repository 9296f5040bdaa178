// The profile's environment must stand before libtorch loads, so this binary brings its own main.
#include "tests/unit/common/engine/engine_fixture.hpp"

#include <cstdio>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
    if (const covenant::Status status = covenant::engine::ensure_profile_environment(argc, argv);
        !status) {
        fmt::print(stderr, "{}\n", status.error().context);
        return 1;
    }
    if (argc == 2 && std::string_view(argv[1]) == "--print-state-hash") {
        fmt::print("{:016x}\n", covenant::engine::testing::trained_state_hash(5));
        return 0;
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
