#include "validator/stages/suspect.hpp"

#include "common/protocol/draw.hpp"

#include <algorithm>
#include <vector>

namespace covenant::validator {

using protocol::UidSet;
using protocol::Verdict;

namespace {

constexpr std::uint64_t kComparedChunks = 32;  // honest peers share a tenth of the places in each
constexpr double kNearlyEqual = 0.9;
constexpr double kLittleHelp = 0.5;  // of the round's median LossScore

double middle_of(std::vector<double> values) {
    if (values.empty()) return 0.0;
    const auto middle = static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), values.begin() + middle, values.end());
    return values[static_cast<std::size_t>(middle)];
}

// Values at the same place with the same sign, of both artifacts' chunk.
std::size_t shared_values(const SparseView& a, const SparseView& b) {
    std::size_t shared = 0;
    std::size_t j = 0;
    for (std::size_t i = 0; i < a.indices.size(); ++i) {
        while (j < b.indices.size() && b.indices[j] < a.indices[i])
            ++j;
        if (j == b.indices.size()) break;
        const bool same_sign = ((a.codes[i] ^ b.codes[j]) & kCodeNegative) == 0;
        if (b.indices[j] == a.indices[i] && same_sign) ++shared;
    }
    return shared;
}

bool nearly_equal(const SparseUpdate& a, const SparseUpdate& b,
                  std::span<const std::uint64_t> chunks) {
    std::size_t shared = 0;
    std::size_t all = 0;
    for (const std::uint64_t chunk : chunks) {
        shared += shared_values(a.chunk(chunk), b.chunk(chunk));
        all += a.chunk(chunk).indices.size();
    }
    return all > 0 && static_cast<double>(shared) >= kNearlyEqual * static_cast<double>(all);
}

UidSet look_alikes(const protocol::RoundView& view, std::span<const Screened> good,
                   const Collected& collected) {
    UidSet out;
    if (good.empty()) return out;
    const auto update = [&](const Screened& one) -> const SparseUpdate& {
        return collected.at(one.uid)->artifact.update;
    };
    protocol::DrawStream draw("suspect-chunks", *view.sigma);
    const std::uint64_t count = update(good.front()).chunk_count();
    const auto chunks = draw.subset(count, std::min(count, kComparedChunks));
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (std::size_t j = i + 1; j < good.size(); ++j) {
            if (nearly_equal(update(good[i]), update(good[j]), chunks)) {
                out.set(good[i].uid.value);
                out.set(good[j].uid.value);
            }
        }
    }
    return out;
}

}  // namespace

UidSet suspects(const protocol::RoundView& view, std::span<const Screened> screened,
                const Collected& collected) {
    std::vector<Screened> good;
    std::ranges::copy_if(screened, std::back_inserter(good), [&](const Screened& one) {
        return one.verdict == Verdict::kAccept && collected.contains(one.uid) &&
               collected.at(one.uid)->verdict == Verdict::kAccept;
    });
    std::vector<double> helps;
    std::vector<double> leads;
    for (const Screened& one : good) {
        helps.push_back(one.score_heldout);
        leads.push_back(one.score_own - one.score_heldout);
    }
    const double help = middle_of(helps);
    const double lead = middle_of(leads);
    UidSet out = look_alikes(view, good, collected);
    for (const Screened& one : good) {
        const bool little = help > 0.0 && one.score_heldout < kLittleHelp * help;
        const bool elsewhere = lead > 0.0 && one.score_own < one.score_heldout;
        if (little || elsewhere) out.set(one.uid.value);
    }
    return out;
}

}  // namespace covenant::validator
