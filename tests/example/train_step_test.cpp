#include "tests/example/train_step.hpp"

#include "tests/support/corpus_fixture.hpp"
#include "tests/support/temp_folder.hpp"

#include <cmath>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace covenant {
namespace {

TEST(Example, TrainsOneStepOnAFolderOfText) {
    const testing::TempFolder folder;
    const std::vector<std::string> documents{data::testing::sample_text(60'000)};
    ASSERT_TRUE(data::build_corpus(folder / "data", documents, data::testing::small_options()));

    const auto loss = train_step(folder / "data");
    ASSERT_TRUE(loss) << loss.error().context;
    // First parameters know nothing: close to the entropy of a uniform guess over nano's
    // vocabulary.
    EXPECT_NEAR(*loss, std::log(2048.0), 0.2);
    EXPECT_EQ(train_step(folder / "data").value(), *loss);
}

TEST(Example, StandsInTheArchitecturePageAsItIsCompiled) {
    const auto read = [](const char* name) {
        std::ifstream in(std::string(COVENANT_SOURCE_DIR) + name);
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    };
    const std::string source = read("/tests/example/train_step.cpp");
    const auto from = source.find("Result<float> train_step");
    const auto end = source.find("\n}\n", from);
    ASSERT_NE(from, std::string::npos);
    ASSERT_NE(end, std::string::npos);
    EXPECT_NE(read("/common/README.md").find(source.substr(from, end + 3 - from)),
              std::string::npos)
        << "common/README.md shows another example than tests/example/train_step.cpp";
}

}  // namespace
}  // namespace covenant
