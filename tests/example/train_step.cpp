// The library in ten lines: one verified window of a data folder, one inner step of nano on it.
#include "tests/example/train_step.hpp"

#include "common/data/window_reader.hpp"
#include "common/engine/engine.hpp"
#include "common/engine/genesis.hpp"

namespace covenant {

Result<float> train_step(const std::filesystem::path& data_folder) {
    COVENANT_TRY(const auto windows, data::WindowReader::open(data_folder));
    COVENANT_TRY(const auto profile, engine::load_profile(engine::kCanonF32));
    engine::ModelConfig shape = engine::nano_config();
    shape.seq_len = windows.window_tokens() - 1;
    COVENANT_TRY(auto engine, engine::Engine::create(shape, profile));
    auto state = engine::TrainState::fresh(engine::genesis_parameters(engine.layout(), 7));
    COVENANT_TRY(const auto tokens, windows.window(protocol::WindowIndex(0)));
    const engine::InnerHyper adamw{.schedule = {{.step = 0, .lr = 4e-3}}};
    COVENANT_TRY(const auto step, engine.train_step(state, tokens, adamw, 0));
    return step.loss;  // mean nats a token, the same bits on every CPU
}

}  // namespace covenant
