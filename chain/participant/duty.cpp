#include "chain/participant/duty.hpp"

#include <algorithm>
#include <vector>

namespace covenant::participant {

Result<TickReport> run_due(std::span<const Duty> duties, protocol::ChainTime now) {
    std::vector<const Duty*> open;
    for (const Duty& duty : duties) {
        if (now >= duty.opens && now < duty.closes) {
            open.push_back(&duty);
        }
    }
    std::ranges::stable_sort(open,
                             [](const Duty* a, const Duty* b) { return a->closes < b->closes; });
    for (const Duty* duty : open) {
        auto step = duty->run();
        if (!step) {
            return fail(std::move(step).error().within(std::string(duty->name) + " of round " +
                                                       std::to_string(duty->round.value)));
        }
        if (*step) {
            return TickReport{duty->name, duty->round, std::move(**step)};
        }
    }
    return TickReport{};
}

}  // namespace covenant::participant
