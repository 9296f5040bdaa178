// GoogleTest's main, and a mode that prints a commitment for a test in another process.
#include "common/base/hex.hpp"
#include "tests/support/execution_fixture.hpp"

#include <cstdio>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
    if (argc == 3 && std::string_view(argv[1]) == "--print-commitment") {
        namespace fixture = covenant::execution::testing;
        fixture::TestRun run = fixture::make_run(argv[2]);
        fmt::print("{}\n", covenant::to_0x(fixture::play(run, 1).result.commitment_root));
        return 0;
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
