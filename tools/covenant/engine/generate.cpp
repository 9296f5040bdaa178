// `covenant generate`: text from a model, the same for everybody who gives the same seed.
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/data/corpus/tokenizer.hpp"
#include "common/data/corpus_manifest.hpp"
#include "common/engine/decoder.hpp"
#include "common/engine/sampler.hpp"
#include "common/node/lifecycle.hpp"
#include "tools/covenant/engine/commands.hpp"
#include "tools/covenant/engine/model_source.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

namespace covenant::tool {
namespace {

constexpr std::size_t kMaxPromptBytes = std::size_t{1} << 20;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Standard input to its end.
Result<std::string> read_standard_input() {
    std::string text;
    std::array<char, 65536> part{};
    while (text.size() <= kMaxPromptBytes) {
        const ssize_t count = ::read(STDIN_FILENO, part.data(), part.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            return fail(Errc::kInvalidArgument, "no prompt can be read from standard input: " +
                                                    std::generic_category().message(errno));
        }
        if (count == 0) return text;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
    return fail(Errc::kInvalidArgument,
                fmt::format("the prompt on standard input is over {} bytes", kMaxPromptBytes));
}

// "-" is standard input without the newline that ends its last line: whoever pipes a line into a
// program does not mean the newline.
Result<std::string> read_prompt(const std::string& prompt) {
    if (prompt != "-") return prompt;
    COVENANT_TRY(std::string text, read_standard_input());
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

// --tokenizer, or what stands beside the model.
Result<data::Tokenizer> open_tokenizer(const std::string& given, const LoadedModel& model) {
    std::filesystem::path path = given.empty() ? model.beside : std::filesystem::path(given);
    std::error_code ignored;
    if (given.empty() || std::filesystem::is_directory(path, ignored)) {
        path = data::tokenizer_path(path);
    }
    auto bytes = read_file(path, data::kMaxTokenizerBytes);
    if (!bytes) {
        return fail(std::move(bytes).error().within(
            given.empty() ? "this model's tokenizer (--tokenizer names another file)"
                          : "--tokenizer"));
    }
    auto tokenizer = data::Tokenizer::from_bytes(*bytes);
    if (!tokenizer) return fail(std::move(tokenizer).error().within(path.string()));
    if (tokenizer->vocab_size() != model.config.vocab_size) {
        return fail(Errc::kMismatch,
                    fmt::format("{} has {} tokens, the model {}: it is not this model's tokenizer",
                                path.string(), tokenizer->vocab_size(), model.config.vocab_size));
    }
    if (model.run && tokenizer->hash() != model.run->spec.data.tokenizer_hash) {
        return fail(Errc::kMismatch, path.string() + " is not the tokenizer of this run (hash " +
                                         to_0x(tokenizer->hash()) + ")");
    }
    return std::move(*tokenizer);
}

struct Generated {
    std::string text;
    std::vector<std::uint32_t> tokens;
    std::string_view stop = "max_tokens";
    double prompt_seconds = 0.0;
    double seconds = 0.0;  // of what follows the prompt

    [[nodiscard]] double tokens_per_second() const {
        return seconds > 0.0 ? static_cast<double>(tokens.size()) / seconds : 0.0;
    }
};

Result<Generated> generate_text(engine::Decoder& decoder, engine::Sampler& sampler,
                                const data::Tokenizer& tokenizer,
                                std::span<const std::uint32_t> prompt, std::uint32_t max_tokens,
                                node::Output& output) {
    Generated result;
    const auto start = std::chrono::steady_clock::now();
    COVENANT_TRY(std::span<const float> logits, decoder.feed(prompt));
    result.prompt_seconds = seconds_since(start);
    const auto begin = std::chrono::steady_clock::now();
    while (result.tokens.size() < max_tokens && output.writable()) {
        const std::uint32_t token = sampler.next(logits, result.tokens.size());
        if (token == data::kEndToken) {
            result.stop = "end";
            break;
        }
        result.tokens.push_back(token);
        COVENANT_TRY(const std::string piece, tokenizer.decode(std::span(&token, 1)));
        output.put(piece);
        result.text += piece;
        if (result.tokens.size() == max_tokens) break;
        if (decoder.room() == 0) {
            result.stop = "context";
            break;
        }
        COVENANT_TRY(logits, decoder.feed(std::span(&token, 1)));
    }
    result.seconds = seconds_since(begin);
    return result;
}

Result<node::ExitCode> generate(const GenerateOptions& options,
                                const node::CommandContext& context) {
    const engine::SamplingOptions sampling{options.temperature, options.top_p, options.seed};
    COVENANT_CHECK(sampling.validate());
    COVENANT_TRY(const engine::ProfileOptions kernel_options,
                 participant::profile_options(options.kernels));
    COVENANT_TRY(const std::string prompt, read_prompt(options.prompt));
    // The decoder computes in fp32; the profile brings its self-test, instruction set and threads.
    COVENANT_TRY(const engine::Profile profile,
                 engine::load_profile(engine::kCanonF32, kernel_options));
    COVENANT_TRY(const kernels::Kernels* const kernels, kernels::kernels_for(profile.isa));
    COVENANT_TRY(LoadedModel model, load_model(options.model, context));
    COVENANT_TRY(const data::Tokenizer tokenizer, open_tokenizer(options.tokenizer, model));
    COVENANT_TRY(std::vector<std::uint32_t> tokens, tokenizer.encode(prompt));
    const std::size_t prompt_tokens = tokens.size();
    if (tokens.empty()) tokens.push_back(data::kEndToken);  // what stands before a new document
    if (tokens.size() > model.config.seq_len) {
        return fail(Errc::kInvalidArgument,
                    fmt::format("the prompt has {} tokens, the model sees {}: shorten it",
                                tokens.size(), model.config.seq_len));
    }
    COVENANT_TRY(engine::Decoder decoder,
                 engine::Decoder::create(model.config, std::move(model.theta), profile));
    engine::Sampler sampler(sampling, *kernels);
    COVENANT_TRY(const Generated done, generate_text(decoder, sampler, tokenizer, tokens,
                                                     options.max_tokens, context.output));
    context.output.put("\n");
    context.output.note(fmt::format(
        "{}; prompt of {} tokens in {:.0f} ms; {} tokens, {:.0f} tokens/s; stopped at {}; seed {}",
        model.name, prompt_tokens, done.prompt_seconds * 1000.0, done.tokens.size(),
        done.tokens_per_second(),
        done.stop == "max_tokens" ? "--max-tokens"
        : done.stop == "end"      ? "the end of the document"
                                  : "the end of the context",
        options.seed));
    codec::Json ids = codec::Json::array();
    for (const std::uint32_t token : done.tokens)
        ids.push(token);
    codec::Json data = codec::Json::object();
    data.set("model", model.name)
        .set("root", to_0x(model.root))
        .set("prompt", prompt)
        .set("prompt_tokens", prompt_tokens)
        .set("text", done.text)
        .set("tokens", std::move(ids))
        .set("stop", done.stop)
        .set("seed", options.seed)
        .set("temperature", options.temperature)
        .set("top_p", options.top_p)
        .set("tokens_per_s", done.tokens_per_second());
    context.output.data(std::move(data));
    return node::ExitCode::kOk;
}

}  // namespace

void add_generate(node::CommandTree& tree) {
    const auto options = std::make_shared<GenerateOptions>();
    node::Command& command = tree.root().add("generate", "continue a text, token by token");
    describe(command, *options);
    command.handler(
        [options](const node::CommandContext& context) { return generate(*options, context); });
}

}  // namespace covenant::tool
