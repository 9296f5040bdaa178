// `covenant generate` and `covenant eval` on a checkpoint, a small untrained model over made-up
// text.
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/data/corpus/corpus_builder.hpp"
#include "common/data/corpus/corpus_tokenizer.hpp"
#include "common/data/window_reader.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"
#include "common/execution/state_digest.hpp"
#include "common/model_files/export.hpp"
#include "common/model_files/raw_parameters.hpp"
#include "tests/support/corpus_fixture.hpp"
#include "tests/support/temp_folder.hpp"
#include "tools/covenant/engine/commands.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace covenant::tool {
namespace {

using codec::Json;
using node::ExitCode;
using ::testing::HasSubstr;

struct Ran {
    ExitCode code = ExitCode::kOk;
    std::string out;
    std::string err;

    [[nodiscard]] Json data() const {
        const auto json = Json::parse(out);
        EXPECT_TRUE(json) << out << err;
        return json.value_or(Json::object()).at("data").value_or(Json::object());
    }
};

std::vector<std::uint32_t> tokens_of(const Json& data) {
    std::vector<std::uint32_t> tokens;
    const auto items = data.items("tokens").value();
    for (const Json& token : items)
        tokens.push_back(static_cast<std::uint32_t>(token.as_u64().value()));
    return tokens;
}

class ModelCommandsTest : public ::testing::Test {
  protected:
    // Text, tokenizer and checkpoints are made once.
    static void SetUpTestSuite() {
        folder = std::make_unique<testing::TempFolder>();
        const std::vector<std::string> documents{data::testing::sample_text(40'000)};
        manifest =
            data::build_corpus(*folder / "data", documents, data::testing::small_options()).value();
        config = {.vocab_size = manifest.vocab_size,
                  .d_model = 32,
                  .layers = 2,
                  .heads = 4,
                  .kv_heads = 2,
                  .d_ff = 40,
                  .seq_len = 16};
        const engine::ParameterLayout layout(config);
        theta = engine::genesis_parameters(layout, 3);
        const auto model = read_file((*folder / "data" / "tokenizer.model").string(), 1U << 20);
        const auto vocabulary = model_files::parse_vocabulary(model.value()).value();
        const auto source = model_files::RawParameters::over(theta, config).value();
        for (const auto& [format, name] : {std::pair{model_files::Format::kSafetensors, "hf"},
                                           std::pair{model_files::Format::kGguf, "model.gguf"}}) {
            model_files::ExportOptions options;
            options.format = format;
            options.root = execution::state_root(theta);
            const auto written =
                model_files::export_checkpoint(*source, vocabulary, options, *folder / name, {});
            ASSERT_TRUE(written) << written.error().context;
        }
    }
    static void TearDownTestSuite() {
        folder.reset();
        theta = {};
    }

    static Ran run(const std::vector<std::string>& args) {
        node::CommandTree tree("covenant-engine", "test", "test");
        add_generate(tree);
        add_eval(tree);
        std::ostringstream out;
        std::ostringstream err;
        Ran ran;
        ran.code = tree.run(args, out, err, [](const std::string&) { return std::nullopt; });
        ran.out = out.str();
        ran.err = err.str();
        return ran;
    }
    static std::string path(const std::string& name) { return (*folder / name).string(); }
    static Ran generate(std::vector<std::string> more) {
        std::vector<std::string> args{"generate", "--checkpoint", path("hf"), "--threads", "1"};
        args.insert(args.end(), more.begin(), more.end());
        return run(args);
    }
    static Ran eval(std::vector<std::string> more) {
        std::vector<std::string> args{"eval",       "--checkpoint", path("hf"), "--data",
                                      path("data"), "--threads",    "1"};
        args.insert(args.end(), more.begin(), more.end());
        return run(args);
    }

    static inline std::unique_ptr<testing::TempFolder> folder;
    static inline data::CorpusManifest manifest;
    static inline engine::ModelConfig config;
    static inline engine::ParameterBuffer theta;
};

TEST_F(ModelCommandsTest, the_same_seed_gives_the_same_text) {
    const std::vector<std::string> words{"--prompt", "the light", "--max-tokens", "8", "--json"};
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.end(), words.begin(), words.end());
        return generate(more).data();
    };
    const Json one = with({"--seed", "4"});
    EXPECT_EQ(one.items("tokens")->size(), 8U);
    EXPECT_EQ(one.string("stop").value(), "max_tokens");
    EXPECT_EQ(one.u64("seed").value(), 4U);
    EXPECT_GT(one.number("tokens_per_s").value(), 0.0);
    EXPECT_EQ(one.string("root").value(), to_0x(execution::state_root(theta)));
    EXPECT_EQ(tokens_of(with({"--seed", "4", "--isa", "scalar"})), tokens_of(one));
    EXPECT_NE(tokens_of(with({"--seed", "5"})), tokens_of(one));
}

TEST_F(ModelCommandsTest, text_goes_to_standard_output_and_figures_beside_it) {
    const Ran text = generate({"--prompt", "the light", "--max-tokens", "6", "--seed", "4"});
    EXPECT_EQ(text.code, ExitCode::kOk);
    EXPECT_THAT(text.err, HasSubstr("tokens/s"));
    const Ran json =
        generate({"--prompt", "the light", "--max-tokens", "6", "--seed", "4", "--json"});
    const auto tokenizer = data::open_tokenizer(*folder / "data", manifest).value();
    EXPECT_EQ(text.out, tokenizer.decode(tokens_of(json.data())).value() + "\n");
}

TEST_F(ModelCommandsTest, greedy_takes_the_likeliest_token) {
    const auto tokenizer = data::open_tokenizer(*folder / "data", manifest).value();
    std::vector<std::uint32_t> context = tokenizer.encode("the light").value();
    const engine::Profile profile = engine::load_profile(engine::kCanonF32).value();
    engine::Engine engine = std::move(engine::Engine::create(config, profile).value());
    const Json data =
        generate({"--prompt", "the light", "--temperature", "0", "--max-tokens", "5", "--json"})
            .data();
    for (const std::uint32_t token : tokens_of(data)) {
        const auto logits = engine.logits(theta, context).value();
        const auto best = std::ranges::max_element(logits) - logits.begin();
        EXPECT_EQ(token, static_cast<std::uint32_t>(best));
        context.push_back(static_cast<std::uint32_t>(best));
    }
}

TEST_F(ModelCommandsTest, stops_where_the_context_is_full) {
    const Json data =
        generate({"--prompt", "", "--max-tokens", "500", "--temperature", "0", "--json"}).data();
    // The last token is drawn from a full context.
    EXPECT_EQ(data.string("stop").value(), "context");
    EXPECT_EQ(data.items("tokens")->size(), config.seq_len);
    EXPECT_EQ(data.u64("prompt_tokens").value(), 0U);
}

TEST_F(ModelCommandsTest, every_form_of_a_checkpoint_gives_the_same_text) {
    const std::vector<std::string> tail{"--prompt", "waters", "--max-tokens", "5", "--json"};
    const auto of = [&](std::vector<std::string> args) {
        args.insert(args.begin(), "generate");
        args.insert(args.end(), tail.begin(), tail.end());
        const Ran ran = run(args);
        EXPECT_EQ(ran.code, ExitCode::kOk) << ran.out << ran.err;
        return tokens_of(ran.data());
    };
    const auto wanted = of({"--checkpoint", path("hf")});
    EXPECT_EQ(of({"--checkpoint", path("hf/")}), wanted);
    EXPECT_EQ(of({"--checkpoint", path("hf/model.safetensors")}), wanted);
    std::filesystem::copy(path("hf"), path("folder.safetensors"));
    EXPECT_EQ(of({"--checkpoint", path("folder.safetensors")}), wanted);
    EXPECT_EQ(of({"--checkpoint", path("folder.safetensors/")}), wanted);
    EXPECT_EQ(of({"--checkpoint", path("model.gguf"), "--tokenizer", path("hf")}), wanted);
    EXPECT_EQ(of({"--checkpoint", path("model.gguf"), "--tokenizer", path("hf/tokenizer.model")}),
              wanted);
}

TEST_F(ModelCommandsTest, a_checkpoint_that_is_not_what_it_says_is_not_used) {
    const std::string damaged = path("damaged.gguf");
    std::filesystem::copy_file(path("model.gguf"), damaged);
    std::fstream file(damaged, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(-1000, std::ios::end);
    const int byte = file.get();
    file.seekp(-1000, std::ios::end);
    file.put(static_cast<char>(byte ^ 1));
    file.close();
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"generate", "--prompt", "x", "--tokenizer", path("hf")},
          std::vector<std::string>{"eval", "--data", path("data"), "--windows", "1"}}) {
        std::vector<std::string> line = args;
        line.insert(line.end(), {"--checkpoint", damaged, "--threads", "1"});
        const Ran ran = run(line);
        EXPECT_EQ(ran.code, ExitCode::kVerificationFailed) << ran.err;
        EXPECT_THAT(ran.err, HasSubstr("its parameters have root"));
        EXPECT_THAT(ran.err, HasSubstr("the file says"));
    }
}

TEST_F(ModelCommandsTest, refusals_say_what_to_do) {
    struct Case {
        std::vector<std::string> args;
        ExitCode code;
        std::string words;
    };
    const std::string hf = path("hf");
    std::string too_long;
    for (int i = 0; i < 40; ++i)
        too_long += "kingdom people ";
    for (const Case& one : std::vector<Case>{
             {{"generate", "--prompt", "x"}, ExitCode::kUsage, "--checkpoint PATH"},
             {{"generate", "--checkpoint", hf}, ExitCode::kUsage, "--prompt"},
             {{"generate", "--checkpoint", hf, "--prompt", too_long}, ExitCode::kUsage, "shorten"},
             {{"generate", "--checkpoint", hf, "--prompt", "x", "--temperature", "-1"},
              ExitCode::kUsage,
              "temperature"},
             {{"generate", "--checkpoint", hf, "--prompt", "x", "--top-p", "0"},
              ExitCode::kUsage,
              "top-p"},
             {{"generate", "--checkpoint", hf, "--prompt", "x", "--round", "1"},
              ExitCode::kUsage,
              "--datadir"},
             {{"generate", "--checkpoint", path("none"), "--prompt", "x"},
              ExitCode::kPrecondition,
              "none"},
             {{"generate", "--checkpoint", path("model.gguf"), "--prompt", "x"},
              ExitCode::kPrecondition,
              "--tokenizer"},
             {{"generate", "--checkpoint", hf, "--prompt", "x", "--isa", "mmx"},
              ExitCode::kUsage,
              "mmx"},
             {{"eval", "--checkpoint", hf}, ExitCode::kUsage, "--data DIR"},
             {{"eval", "--checkpoint", hf, "--data", path("data"), "--profile", "native-f32"},
              ExitCode::kUsage,
              "canon-bf16"},
             {{"eval", "--checkpoint", hf, "--data", path("data"), "--windows", "100000"},
              ExitCode::kUsage,
              "holds out"},
         }) {
        const Ran ran = run(one.args);
        EXPECT_EQ(ran.code, one.code) << ran.err;
        EXPECT_THAT(ran.err, HasSubstr(one.words));
        EXPECT_EQ(ran.out, "");
    }
}

TEST_F(ModelCommandsTest, the_loss_is_that_of_the_engine) {
    for (const std::string_view name : {engine::kCanonBf16, engine::kCanonF32}) {
        const Json data =
            eval({"--profile", std::string(name), "--windows", "24", "--json"}).data();
        EXPECT_EQ(data.u64("windows").value(), 24U);
        EXPECT_EQ(data.u64("tokens").value(), 24U * config.seq_len);
        // An untrained model guesses.
        const double loss = data.number("loss").value();
        EXPECT_NEAR(loss, std::log(config.vocab_size), 0.5);
        EXPECT_DOUBLE_EQ(data.number("perplexity").value(), std::exp(loss));
        EXPECT_DOUBLE_EQ(data.number("bits_per_byte").value(),
                         data::bits_per_byte(loss, manifest.bytes_per_token()));
        EXPECT_TRUE(data.at("posted_loss")->is_null());
        EXPECT_EQ(
            eval({"--profile", std::string(name), "--windows", "24", "--isa", "scalar", "--json"})
                .data(),
            data)
            << "the same figures with other kernels";
    }
}

TEST_F(ModelCommandsTest, all_windows_give_the_mean_over_the_split) {
    const auto reader = data::WindowReader::open(*folder / "data").value();
    const std::uint64_t count = manifest.heldout_count();
    std::vector<std::uint32_t> tokens;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto window = reader.heldout(protocol::WindowIndex(i)).value();
        tokens.insert(tokens.end(), window.begin(), window.end());
    }
    const engine::Profile profile = engine::load_profile(engine::kCanonF32).value();
    engine::Engine engine = std::move(engine::Engine::create(config, profile).value());
    const double wanted = engine.loss(theta, tokens).value();
    const Ran ran = eval({"--profile", "canon-f32", "--windows", std::to_string(count), "--json"});
    EXPECT_NEAR(ran.data().number("loss").value(), wanted, 1e-12) << "in another order";
    const Ran text = eval({});
    EXPECT_EQ(text.code, ExitCode::kOk);
    EXPECT_THAT(text.out, HasSubstr("bits a byte, perplexity"));
    EXPECT_THAT(text.err, HasSubstr("held-out loss"));
    const std::string whole = node::human_bytes(theta.bytes().size());
    EXPECT_THAT(text.err, HasSubstr("reading hf  " + whole + " of " + whole + "  100 %"));
}

}  // namespace
}  // namespace covenant::tool
