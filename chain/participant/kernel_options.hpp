// How a process carries a profile out: the options that every program with an engine has. They
// change its speed and no bit of a canonical profile.
#pragma once

#include "common/engine/profile.hpp"
#include "common/node/option_table.hpp"

#include <cstdint>
#include <string>

namespace covenant::participant {

struct KernelOptions {
    std::string isa = "auto";
    std::uint32_t threads = 0;  // 0: one per core
};
void describe(node::OptionTable& table, KernelOptions& options);
// kNotFound: no such instruction set.
Result<engine::ProfileOptions> profile_options(const KernelOptions& options);

}  // namespace covenant::participant
