// Parameters as this project stores them: the flat chunked layout as little-endian fp32, no header
// (an object of the artifact store, a file of a node's state store, what an import writes).
#pragma once

#include "common/engine/parameter_buffer.hpp"
#include "common/model_files/input.hpp"
#include "common/model_files/parameter_source.hpp"

#include <memory>

namespace covenant::model_files {

class RawParameters final : public ParameterSource {
  public:
    // kMismatch: the input's size is not that of the config's layout. kInvalidArgument: a config
    // that is not valid.
    static Result<std::unique_ptr<RawParameters>> open(std::unique_ptr<Input> input,
                                                       const engine::ModelConfig& config);
    // `buffer` outlives the source.
    static Result<std::unique_ptr<RawParameters>> over(const engine::ParameterBuffer& buffer,
                                                       const engine::ModelConfig& config);

    [[nodiscard]] const engine::ParameterLayout& layout() const override { return layout_; }
    [[nodiscard]] Status read(std::size_t tensor, std::size_t first,
                              std::span<float> out) const override;

  private:
    RawParameters(std::unique_ptr<Input> input, engine::ParameterLayout layout)
        : input_(std::move(input)), layout_(std::move(layout)) {}
    std::unique_ptr<Input> input_;
    engine::ParameterLayout layout_;
};

}  // namespace covenant::model_files
