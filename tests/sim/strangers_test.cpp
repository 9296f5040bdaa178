// Strangers who write into the store and take no part.
#include "common/store/sealed_artifact.hpp"
#include "tests/sim/scene.hpp"

#include <gtest/gtest.h>

namespace covenant::simulation::testing {
namespace {

using protocol::Round;

// Whoever writes first under a name keeps it; so the openings are lost, and their miners are not
// paid. Nobody's process ends by it, and the next rounds are as if nothing had been.
TEST(Strangers, WhoWritesFirstUnderEveryNameEndsNobody) {
    Scene scene;
    const Hash256 rubbish = scene.store().put(as_bytes("rubbish")).value();
    const auto write = [&](const std::string& name) {
        static_cast<void>(scene.store().publish(name, rubbish));
    };
    const protocol::RunId run = scene.state().run;
    for (const std::string& name : scene.miners()) {
        for (std::uint16_t s = 0; s < scene.spec().segments(); ++s) {
            write(store::state_opening_name(run, Round(1), scene.uid(name), protocol::Segment(s)));
        }
    }
    scene.net().set_probe([&](const std::string&, Round round, std::string_view) {
        for (const auto& [uid, vote] : scene.record(round.value).parameters_votes) {
            write(store::checkpoint_name(run, vote.root));
        }
        return true;
    });
    scene.run_until_settled(7);
    for (const std::uint64_t r : {0U, 6U, 7U}) {
        EXPECT_TRUE(scene.record(r).accepted) << r;
        for (const std::string& name : scene.miners()) {
            EXPECT_TRUE(scene.included(r, name)) << r << " " << name;
            EXPECT_FALSE(scene.failed(r, name)) << r << " " << name;
        }
    }
}

}  // namespace
}  // namespace covenant::simulation::testing
