#include "common/base/log.hpp"

#include <utility>

namespace covenant::log {
namespace {
Sink& sink() {
    static Sink instance;
    return instance;
}
}  // namespace

void set_sink(Sink new_sink) {
    sink() = std::move(new_sink);
}

void write(Level level, std::string_view target, std::string_view message, Fields fields) {
    if (sink()) {
        sink()(level, target, message, std::span<const Field>(fields.begin(), fields.size()));
    }
}

}  // namespace covenant::log
