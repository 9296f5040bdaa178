#include "tests/sim/scene.hpp"

#include "chain/participant/housekeeping.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"
#include "common/node/journal.hpp"
#include "common/protocol/model_shape.hpp"
#include "common/store/index_store.hpp"
#include "common/store/sealed_artifact.hpp"
#include "tests/support/execution_fixture.hpp"
#include "validator/stages/score.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace covenant::simulation::testing {

using protocol::Round;
using protocol::Uid;

namespace {

template <typename T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().context);
    return std::move(*result);
}
void must(const Status& status) {
    if (!status) throw std::runtime_error(status.error().context);
}

bool is_miner(const std::string& name) {
    return name.starts_with("miner");
}

Address coldkey_of(std::uint8_t index) {
    Address address;
    address.bytes[0] = 0xc0;
    address.bytes[1] = index;
    return address;
}

std::vector<Member> members(const SceneOptions& options) {
    std::vector<Member> out;
    const auto add = [&](const std::string& name, protocol::Role role) {
        const auto cheat = options.cheats.find(name);
        const auto index = static_cast<std::uint8_t>(out.size());
        out.push_back({name,
                       role,
                       cheat == options.cheats.end() ? execution::honest() : *cheat->second,
                       scene_key(name),
                       coldkey_of(index),
                       Amount{100 * kOneToken},
                       {}});
    };
    for (std::size_t i = 0; i < options.miners; ++i) {
        add(fmt::format("miner-{}", i), protocol::Role::kMiner);
    }
    for (std::size_t i = 0; i < options.validators; ++i) {
        add(fmt::format("validator-{}", i), protocol::Role::kValidator);
    }
    return out;
}

}  // namespace

crypto::SecretKey scene_key(const std::string& name) {
    return crypto::SecretKey::from_seed(crypto::sha256(as_bytes(name)));
}

protocol::RunSpec scene_spec() {
    protocol::RunSpec spec = execution::testing::shared_run().spec;
    spec.inner.steps_per_round = 8;  // four segments: three pairs can be drawn
    spec.audit = {.probability_ppm = 1'000'000, .segments = 2, .auditors = 2, .chunks = 256};
    spec.timing = {.start_time = kRunStart,
                   .round_seconds = 20,
                   .commit_seconds = 5,
                   .key_seconds = 8,
                   .beacon_seconds = 10,
                   .inclusion_seconds = 15,
                   .opening_seconds = 17,
                   .score_commit_seconds = 20,
                   .score_reveal_seconds = 24,
                   .genesis_lead_seconds = 5,
                   .block_seconds = 1,
                   .jail_rounds = 8,
                   .last_round = 1000};
    spec.emission = {.per_round = Amount{1000 * kOneToken},
                     .miner_share_bps = 5000,
                     .validator_share_bps = 4000,
                     .miner_bond = Amount{50 * kOneToken},
                     .validator_stake = Amount{50 * kOneToken}};
    return spec;
}

Scene::Scene(const SceneOptions& options) : spec_(scene_spec()) {
    if (options.change) options.change(spec_);
    NetworkOptions network;
    network.spec = spec_;
    network.folder = temp_.path();
    network.chain.seed = options.seed;
    network.chain.start_time = kRunStart - 10;
    network.background = options.background;
    std::vector<Member> all = members(options);
    for (const Member& member : all)
        names_.push_back(member.name);
    auto& run = execution::testing::shared_run();
    network_ = must(Network::create(std::move(network), std::move(all), run.engine, run.windows,
                                    store_, run.genesis));
}

const protocol::RoundRecord& Scene::record(std::uint64_t round) const {
    static const protocol::RoundRecord kNothing;
    const protocol::RoundRecord* found = state().record(Round(round));
    return found == nullptr ? kNothing : *found;
}

std::vector<std::string> Scene::miners() const {
    std::vector<std::string> out;
    std::copy_if(names_.begin(), names_.end(), std::back_inserter(out), is_miner);
    return out;
}

std::vector<std::string> Scene::validators() const {
    std::vector<std::string> out;
    std::copy_if(names_.begin(), names_.end(), std::back_inserter(out),
                 [](const std::string& name) { return !is_miner(name); });
    return out;
}

std::filesystem::path Scene::folder(const std::string& name) const {
    return temp_ / name;
}

void Scene::step() {
    if (plan_ && plan_->killed_at && plan_->restart_after && !plan_->restarted &&
        network_->now().value + 1 >= *plan_->killed_at + *plan_->restart_after) {
        plan_->restarted = true;
        must(network_->restart(plan_->name));
    }
    must(network_->step());
}

void Scene::run_to(std::uint64_t round, std::uint64_t second) {
    const std::uint64_t until = protocol::round_times(spec_.timing, Round(round)).t0.value + second;
    while (network_->now().value < until)
        step();
}

void Scene::run_until_settled(std::uint64_t last_round) {
    const std::uint64_t end =
        protocol::round_times(spec_.timing, Round(last_round)).score_reveal.value + 10;
    while (!record(last_round).settled) {
        ASSERT_LT(network_->now().value, end) << "round " << last_round << " is not settled";
        step();
    }
}

void Scene::fail_at(const std::string& name, const std::string& duty, std::uint64_t round,
                    std::optional<std::uint64_t> restart_after) {
    plan_ = Plan{name, duty, round, restart_after, {}, false};
    network_->set_probe([this](const std::string& node, Round at, std::string_view what) {
        if (plan_->killed_at || node != plan_->name || at.value < plan_->round ||
            what != plan_->duty) {
            return true;
        }
        plan_->killed_at = network_->now().value;
        return false;
    });
}

bool Scene::included(std::uint64_t round, const std::string& name) const {
    return protocol::included(state(), Round(round)).test(uid(name).value);
}

Amount Scene::credit(std::uint64_t round, const std::string& name) const {
    const auto& credits = record(round).credits;
    const auto found = credits.find(uid(name));
    return found == credits.end() ? Amount{} : found->second;
}

bool Scene::failed(std::uint64_t round, const std::string& name) const {
    return record(round).failed.contains(uid(name));
}

std::map<Uid, protocol::Finding> Scene::findings(std::uint64_t round,
                                                 const std::string& name) const {
    std::map<Uid, protocol::Finding> out;
    for (const auto& [validator, scores] : record(round).reveals) {
        for (const protocol::Finding& finding : scores.findings) {
            if (finding.uid == uid(name)) out.emplace(validator, finding);
        }
    }
    return out;
}

protocol::Evidence Scene::evidence(const protocol::Finding& finding) {
    const Bytes bytes = must(store_.get(finding.evidence, 4096));
    EXPECT_EQ(crypto::sha256(bytes), finding.evidence);
    const auto evidence = protocol::decode_evidence(bytes);
    if (!evidence) {
        ADD_FAILURE() << "evidence: " << protocol::to_string(evidence.error());
        return {};
    }
    EXPECT_EQ(evidence->run, state().run);
    EXPECT_EQ(evidence->miner, finding.uid);
    return *evidence;
}

std::optional<protocol::AuditDuty> Scene::duty(std::uint64_t round, const std::string& name) const {
    const auto view = protocol::round_view(state(), Round(round));
    if (!view) return {};
    const auto duty = view->duties.find(uid(name));
    return duty == view->duties.end() ? std::nullopt : std::optional(duty->second);
}

protocol::Artifact Scene::artifact(std::uint64_t round, const std::string& name) {
    const auto elements = protocol::chunk_elements(spec_.model);
    const auto fetched = must(store::fetch_artifact(
        store_, record(round).commitments.at(uid(name)).signed_commitment.commitment,
        record(round).keys.at(uid(name)), spec_, elements));
    if (fetched.verdict != protocol::Verdict::kAccept) {
        throw std::runtime_error(fmt::format("artifact of {} in round {}: {}", name, round,
                                             protocol::to_string(fetched.verdict)));
    }
    return fetched.artifact;
}

std::string Scene::parameters(std::uint64_t last_round) const {
    std::string out;
    for (std::uint64_t r = 0; r <= last_round; ++r) {
        const auto& accepted = record(r).accepted;
        out += accepted ? fmt::format("{} {} loss {:08x}\n", r, to_hex(accepted->root.view()),
                                      accepted->loss_bits)
                        : fmt::format("{} none\n", r);
    }
    return out;
}

std::string Scene::history(std::uint64_t last_round) const {
    std::string out = parameters(last_round);
    for (std::uint64_t r = 0; r <= last_round; ++r) {
        const protocol::RoundRecord& round = record(r);
        out += fmt::format("round {} included {}\n", r,
                           protocol::included(state(), Round(r)).to_ullong());
        for (const auto& [uid, one] : round.commitments) {
            out += fmt::format("  {} committed {}\n", uid.value,
                               to_hex(one.signed_commitment.commitment.root.view()));
        }
        for (const auto& [uid, scores] : round.reveals) {
            out += fmt::format("  {} weights {}", uid.value, fmt::join(scores.weights, " "));
            for (const protocol::Finding& finding : scores.findings) {
                out += fmt::format(" [{} {} {} {}]", finding.uid.value, finding.verdict,
                                   finding.segment.value, to_hex(finding.evidence.view()));
            }
            out += "\n";
        }
        for (const auto& [uid, amount] : round.credits) {
            out += fmt::format("  {} credit {}\n", uid.value, to_decimal(amount.units));
        }
    }
    return out;
}

void Scene::with_index(const std::string& name,
                       const std::function<void(store::IndexStore&)>& look) {
    must(network_->kill(name));
    {
        const auto index = must(store::IndexStore::open(folder(name) / "index"));
        look(*index);
    }
    must(network_->restart(name));
}

void Scene::with_journal(const std::string& name, const std::function<void(node::Journal&)>& look) {
    must(network_->kill(name));
    {
        const auto journal = must(node::Journal::open(folder(name) / "journal.sqlite"));
        look(*journal);
    }
    must(network_->restart(name));
}

protocol::Verdict Scene::screened(const std::string& validator, std::uint64_t round,
                                  const std::string& miner) {
    protocol::Verdict verdict = protocol::Verdict::kUnknownUid;
    with_journal(validator, [&](node::Journal& journal) {
        const auto row = must(journal.get(participant::stage_key(Round(round), "screen")));
        ASSERT_TRUE(row) << validator << " did not screen round " << round;
        for (const auto& one : must(validator::decode_screened(*row))) {
            if (one.uid == uid(miner)) verdict = one.verdict;
        }
    });
    return verdict;
}

void Scene::expect_nothing_signed_twice(std::uint64_t last_round) {
    for (std::uint64_t r = 0; r <= last_round; ++r) {
        for (const std::string& name : miners()) {
            with_journal(name, [&](node::Journal& journal) {
                const auto rows =
                    must(journal.list(participant::stage_key(Round(r), "package/"), 100));
                const auto& commitments = record(r).commitments;
                if (!commitments.contains(uid(name))) return;
                EXPECT_EQ(rows.size(), 1U) << name << " in round " << r;
                const Bytes chain =
                    protocol::encode_signed_commitment(commitments.at(uid(name)).signed_commitment);
                for (const node::JournalEntry& row : rows) {
                    EXPECT_TRUE(row.sealed);
                    const auto found =
                        std::search(row.value.begin(), row.value.end(), chain.begin(), chain.end());
                    EXPECT_NE(found, row.value.end())
                        << name << " signed another commitment than the chain's, round " << r;
                }
            });
        }
        for (const std::string& name : validators()) {
            with_journal(name, [&](node::Journal& journal) {
                const auto row =
                    must(journal.list(participant::stage_key(Round(r), "ballot"), 100));
                const auto& reveals = record(r).reveals;
                if (!reveals.contains(uid(name))) return;
                ASSERT_EQ(row.size(), 1U) << name << " in round " << r;
                EXPECT_TRUE(row.front().sealed);
            });
        }
    }
}

}  // namespace covenant::simulation::testing
