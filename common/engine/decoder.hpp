// Text generation: the model of rule E11 one token after another, with the keys and values of the
// tokens before kept. Logits are a function of the parameters and the tokens alone: the same bits
// for every instruction set and thread count, and however the tokens were split into calls.
//
// Matrices times one vector are read once per token, so their products are dot products of rows
// (rule E4) in fp32, whatever the profile's precision: a logit differs from Engine::logits of
// canon-f32 by rounding alone, and from canon-bf16's by bf16's. Attention is E8 for one row, with
// E4 sums.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/model_config.hpp"
#include "common/engine/parameter_buffer.hpp"
#include "common/engine/profile.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace covenant::engine {

class Decoder {
  public:
    // Keeps theta, and 2 * layers * kv_heads * head_dim * seq_len floats of keys and values. Of the
    // profile it takes the instruction set and the number of threads.
    // kInvalidArgument: a config that is not valid, theta of another size, a native profile;
    // kPrecondition: this CPU lacks the instruction set, or memory.
    static Result<Decoder> create(const ModelConfig& config, ParameterBuffer theta,
                                  const Profile& profile);
    Decoder(Decoder&&) noexcept;
    Decoder& operator=(Decoder&&) noexcept;
    ~Decoder();

    // Appends tokens, 1 or more, to the context; logits [vocab_size] of the token that follows the
    // last of them, valid until the next call.
    // kInvalidArgument: no token, one >= vocab_size, or more than room(): the context is as
    // before. kRejected: a logit is NaN or infinite.
    Result<std::span<const float>> feed(std::span<const std::uint32_t> tokens);

    // Forgets the context.
    void reset();

    [[nodiscard]] const ModelConfig& config() const;
    [[nodiscard]] std::size_t size() const;  // tokens of the context, at most seq_len
    [[nodiscard]] std::size_t room() const { return config().seq_len - size(); }

  private:
    struct Impl;
    explicit Decoder(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace covenant::engine
