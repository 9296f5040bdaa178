#include "common/execution/run_engine.hpp"

#include "common/execution/spec_conversion.hpp"

namespace covenant::execution {

Result<engine::Engine> open_engine(const protocol::RunSpec& spec,
                                   const engine::ProfileOptions& options) {
    COVENANT_TRY(const engine::Profile profile,
                 engine::load_profile(engine::profile_name(spec.profile), options));
    COVENANT_CHECK(engine::check_profile(profile, spec.profile));
    return engine::Engine::create(model_config(spec.model), profile);
}

}  // namespace covenant::execution
