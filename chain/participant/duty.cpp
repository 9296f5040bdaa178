#include "chain/participant/duty.hpp"

#include "common/base/log.hpp"

#include <algorithm>
#include <vector>

namespace covenant::participant {

bool Setbacks::allow(const Duty& duty) const {
    const auto found = met_.find({duty.round, duty.name});
    return found == met_.end() || !found->second.given_up;
}

Status Setbacks::meet(const Duty& duty, Error error) {
    if (error.code == Errc::kInterrupted || error.code == Errc::kCorrupt ||
        error.code == Errc::kIo || error.code == Errc::kPermission) {
        return fail(std::move(error).within(std::string(duty.name) + " of round " +
                                            std::to_string(duty.round.value)));
    }
    Setback& setback = met_[{duty.round, duty.name}];
    setback.given_up = !error.retryable;
    if (setback.said != error.context) {
        log::warn("round",
                  (error.retryable ? "waiting to " : "not done: ") + std::string(duty.name) + ": " +
                      error.context,
                  {{"round", duty.round.value}});
        setback.said = std::move(error.context);
    }
    return {};
}

void Setbacks::forget(protocol::Round before) {
    met_.erase(met_.begin(), met_.lower_bound({before, ""}));
}

Result<TickReport> run_due(std::span<const Duty> duties, protocol::ChainTime now,
                           Setbacks& setbacks) {
    std::vector<const Duty*> open;
    for (const Duty& duty : duties) {
        if (now >= duty.opens && now < duty.closes && setbacks.allow(duty)) {
            open.push_back(&duty);
        }
    }
    std::ranges::stable_sort(open,
                             [](const Duty* a, const Duty* b) { return a->closes < b->closes; });
    for (const Duty* duty : open) {
        auto step = duty->run();
        if (!step) {
            COVENANT_CHECK(setbacks.meet(*duty, std::move(step).error()));
            continue;
        }
        if (*step) {
            return TickReport{duty->name, duty->round, std::move(**step)};
        }
    }
    return TickReport{};
}

}  // namespace covenant::participant
