#include "common/model_files/raw_parameters.hpp"

#include <fmt/format.h>

namespace covenant::model_files {

Result<std::unique_ptr<RawParameters>> RawParameters::open(std::unique_ptr<Input> input,
                                                           const engine::ModelConfig& config) {
    COVENANT_CHECK(config.validate());
    engine::ParameterLayout layout(config);
    const std::uint64_t wanted = std::uint64_t{layout.total_floats()} * sizeof(float);
    if (input->size() != wanted) {
        return fail(Errc::kMismatch, fmt::format("the parameters have {} bytes, those of this "
                                                 "model's shape have {}: name the right shape",
                                                 input->size(), wanted));
    }
    return std::unique_ptr<RawParameters>(new RawParameters(std::move(input), std::move(layout)));
}

Result<std::unique_ptr<RawParameters>> RawParameters::over(const engine::ParameterBuffer& buffer,
                                                           const engine::ModelConfig& config) {
    return open(memory_input(buffer.bytes()), config);
}

Status RawParameters::read(std::size_t tensor, std::size_t first, std::span<float> out) const {
    const std::uint64_t at = std::uint64_t{layout_.tensors()[tensor].offset} + first;
    return input_->read(at * sizeof(float),
                        {reinterpret_cast<std::uint8_t*>(out.data()), out.size_bytes()});
}

}  // namespace covenant::model_files
