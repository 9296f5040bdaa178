// RunSpec, run ids, terms, schedule and roster (R1 to R3).
#include "tests/support/protocol_fixture.hpp"

#include <functional>
#include <limits>
#include <set>
#include <tuple>

namespace covenant::protocol {
namespace {

TEST(RunSpecFormat, RoundTripsAndNamesTheRun) {
    const RunSpec spec = sample_spec();
    const Bytes bytes = encode_run_spec(spec);
    const auto decoded = decode_run_spec(bytes);
    ASSERT_TRUE(decoded.has_value()) << to_string(decoded.error());
    EXPECT_EQ(*decoded, spec);
    EXPECT_EQ(spec.segments(), 6U);
    EXPECT_EQ(spec.windows_per_round(), 36U);
}

TEST(RunSpecFormat, EveryBitCounts) {
    const RunSpec spec = sample_spec();
    const Bytes bytes = encode_run_spec(spec);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        Bytes changed = bytes;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
        const auto decoded = decode_run_spec(changed);
        EXPECT_NE(run_id(changed), run_id(bytes));
        if (decoded) {
            EXPECT_NE(*decoded, spec) << bit;
            EXPECT_EQ(encode_run_spec(*decoded), changed) << bit;
        }
    }
}

TEST(RunSpecFormat, RefusesTruncationTrailingBytesAndVersions) {
    Bytes bytes = encode_run_spec(sample_spec());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(decode_run_spec(ByteView(bytes).first(size)).error(), Verdict::kMalformed)
            << size;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_EQ(decode_run_spec(longer).error(), Verdict::kMalformed);
    EXPECT_EQ(decode_run_spec(Bytes(kMaxRunSpecBytes + 1)).error(), Verdict::kMalformed);
    for (const std::uint8_t version : Bytes{0, 1, 2, 4}) {
        bytes[4] = version;
        EXPECT_EQ(decode_run_spec(bytes).error(), Verdict::kUnsupportedVersion);
    }
    bytes[0] = 'X';
    EXPECT_EQ(decode_run_spec(bytes).error(), Verdict::kMalformed);
}

TEST(RunSpecFormat, MinusZeroIsASecondEncoding) {
    RunSpec spec = sample_spec();
    spec.inner.weight_decay_bits = 0x80000000;
    EXPECT_EQ(decode_run_spec(encode_run_spec(spec)).error(), Verdict::kNotCanonical);
    spec = sample_spec();
    spec.inner.learning_rate[0].rate_bits = 0x80000000;
    EXPECT_EQ(decode_run_spec(encode_run_spec(spec)).error(), Verdict::kNotCanonical);
}

std::vector<DensityPoint> densities(std::size_t count) {
    std::vector<DensityPoint> out;
    for (std::size_t i = 0; i < count; ++i)
        out.push_back({.round = 10 * i, .kept_per_chunk = static_cast<std::uint16_t>(1 + i)});
    return out;
}

TEST(RunSpecRanges, EachFieldIsChecked) {
    const std::uint32_t nan = 0x7fc00000;
    const std::vector<std::pair<const char*, std::function<void(RunSpec&)>>> broken = {
        {"no name", [](RunSpec& s) { s.name.clear(); }},
        {"long name", [](RunSpec& s) { s.name = std::string(65, 'x'); }},
        {"control character", [](RunSpec& s) { s.name = "a\x1b[2J"; }},
        {"line in a name", [](RunSpec& s) { s.name = "a\nb"; }},
        {"not ASCII", [](RunSpec& s) { s.name = "\xc3\xa9"; }},
        {"chain id", [](RunSpec& s) { s.chain_id = 0; }},
        {"no profile", [](RunSpec& s) { s.profile.clear(); }},
        {"long profile", [](RunSpec& s) { s.profile = std::string(1025, 'x'); }},
        {"tab in profile", [](RunSpec& s) { s.profile = "a\tb"; }},
        {"genesis", [](RunSpec& s) { s.genesis_root = {}; }},
        {"vocabulary", [](RunSpec& s) { s.model.vocab_size = 1; }},
        {"d_model", [](RunSpec& s) { s.model.d_model = (1U << 14) + 4; }},
        {"no layers", [](RunSpec& s) { s.model.layers = 0; }},
        {"no heads", [](RunSpec& s) { s.model.heads = 0; }},
        {"heads divide d_model", [](RunSpec& s) { s.model.heads = 3; }},
        {"odd head", [](RunSpec& s) { s.model.heads = s.model.kv_heads = 16; }},
        {"kv heads divide heads", [](RunSpec& s) { s.model.kv_heads = 3; }},
        {"no kv heads", [](RunSpec& s) { s.model.kv_heads = 0; }},
        {"d_ff", [](RunSpec& s) { s.model.d_ff = 0; }},
        {"seq_len", [](RunSpec& s) { s.model.seq_len = 0; }},
        {"eps 0", [](RunSpec& s) { s.model.norm_eps_bits = 0; }},
        {"eps large", [](RunSpec& s) { s.model.norm_eps_bits = bits_of(0.11F); }},
        {"rope", [](RunSpec& s) { s.model.rope_theta_bits = bits_of(0.5F); }},
        {"H", [](RunSpec& s) { s.inner.steps_per_round = 0; }},
        {"K", [](RunSpec& s) { s.inner.steps_per_segment = 0; }},
        {"K divides H", [](RunSpec& s) { s.inner.steps_per_segment = 5; }},
        {"S", [](RunSpec& s) { s.inner.steps_per_round = 514; }},
        {"B", [](RunSpec& s) { s.inner.windows_per_step = 0; }},
        {"beta1", [](RunSpec& s) { s.inner.beta1_bits = bits_of(1.0F); }},
        {"beta2 nan", [nan](RunSpec& s) { s.inner.beta2_bits = nan; }},
        {"epsilon", [](RunSpec& s) { s.inner.epsilon_bits = 0; }},
        {"decay", [](RunSpec& s) { s.inner.weight_decay_bits = bits_of(-1.0F); }},
        {"clip", [nan](RunSpec& s) { s.inner.clip_norm_bits = nan; }},
        {"no rate", [](RunSpec& s) { s.inner.learning_rate.clear(); }},
        {"rate from 1", [](RunSpec& s) { s.inner.learning_rate[0].step = 1; }},
        {"rate order", [](RunSpec& s) { s.inner.learning_rate[2].step = 120; }},
        {"rate infinite", [](RunSpec& s) { s.inner.learning_rate[1].rate_bits = 0x7f800000; }},
        {"alpha", [](RunSpec& s) { s.outer.alpha_bits = 0; }},
        {"feedback", [](RunSpec& s) { s.outer.feedback_decay_bits = bits_of(1.0F); }},
        {"no density", [](RunSpec& s) { s.outer.density.clear(); }},
        {"density from 1", [](RunSpec& s) { s.outer.density[0].round = 1; }},
        {"density twice at 0", [](RunSpec& s) { s.outer.density[1].round = 0; }},
        {"density order",
         [](RunSpec& s) {
             s.outer.density.push_back({99, 16});
         }},
        {"density twice at 100",
         [](RunSpec& s) {
             s.outer.density.push_back({100, 16});
         }},
        {"65 densities", [](RunSpec& s) { s.outer.density = densities(65); }},
        {"k 0", [](RunSpec& s) { s.outer.density[0].kept_per_chunk = 0; }},
        {"k 4097", [](RunSpec& s) { s.outer.density[0].kept_per_chunk = 4097; }},
        {"later k 0", [](RunSpec& s) { s.outer.density[1].kept_per_chunk = 0; }},
        {"later k 4097", [](RunSpec& s) { s.outer.density[1].kept_per_chunk = 4097; }},
        {"no code bits", [](RunSpec& s) { s.outer.code_bits = 0; }},
        {"5 code bits", [](RunSpec& s) { s.outer.code_bits = 5; }},
        {"p", [](RunSpec& s) { s.outer.support_exponent_halves = 3; }},
        {"R 0", [](RunSpec& s) { s.outer.max_artifacts = 0; }},
        {"R 257", [](RunSpec& s) { s.outer.max_artifacts = 257; }},
        {"q 0", [](RunSpec& s) { s.audit.probability_ppm = 0; }},
        {"q > 1", [](RunSpec& s) { s.audit.probability_ppm = 1000001; }},
        {"n_a 0", [](RunSpec& s) { s.audit.segments = 0; }},
        {"n_a 4 of 6", [](RunSpec& s) { s.audit.segments = 4; }},
        {"no auditors", [](RunSpec& s) { s.audit.auditors = 0; }},
        {"65 auditors", [](RunSpec& s) { s.audit.auditors = 65; }},
        {"own windows", [](RunSpec& s) { s.score.assigned_windows = 37; }},
        {"held-out windows", [](RunSpec& s) { s.score.heldout_windows = 101; }},
        {"monitor", [](RunSpec& s) { s.score.monitor_windows = 0; }},
        {"probe", [](RunSpec& s) { s.score.probe_step_bits = bits_of(1.5F); }},
        {"dataset", [](RunSpec& s) { s.data.dataset_root = {}; }},
        {"held-out root", [](RunSpec& s) { s.data.heldout_root = {}; }},
        {"tokenizer", [](RunSpec& s) { s.data.tokenizer_hash = {}; }},
        {"no windows", [](RunSpec& s) { s.data.window_count = 0; }},
        {"too many windows", [](RunSpec& s) { s.data.window_count = std::uint64_t{1} << 49; }},
        {"start far", [](RunSpec& s) { s.timing.start_time = std::uint64_t{1} << 40; }},
        {"lead", [](RunSpec& s) { s.timing.genesis_lead_seconds = 100000; }},
        {"commit", [](RunSpec& s) { s.timing.commit_seconds = 0; }},
        {"TK one block after T1", [](RunSpec& s) { s.timing.key_seconds = 41; }},
        {"beacon one block after TK", [](RunSpec& s) { s.timing.beacon_seconds = 46; }},
        {"beacon after T2", [](RunSpec& s) { s.timing.beacon_seconds = 75; }},
        {"T2 one block after it", [](RunSpec& s) { s.timing.beacon_seconds = 69; }},
        {"beacon far", [](RunSpec& s) { s.timing.beacon_seconds = 0xffffffff; }},
        {"TO = T2", [](RunSpec& s) { s.timing.opening_seconds = 70; }},
        {"scores right after TO", [](RunSpec& s) { s.timing.opening_seconds = 129; }},
        {"no blocks", [](RunSpec& s) { s.timing.block_seconds = 0; }},
        {"slow blocks", [](RunSpec& s) { s.timing.block_seconds = 3; }},
        {"no jail", [](RunSpec& s) { s.timing.jail_rounds = 1; }},
        {"four blocks elsewhere",
         [](RunSpec& s) {
             s.chain_id = 1;
             s.timing.block_seconds = 2;
         }},
        {"T2 = T3", [](RunSpec& s) { s.timing.inclusion_seconds = 100; }},
        {"scores early", [](RunSpec& s) { s.timing.score_commit_seconds = 45; }},
        {"reveals early", [](RunSpec& s) { s.timing.score_reveal_seconds = 130; }},
        {"emission", [](RunSpec& s) { s.emission.per_round = Amount{Uint128{1} << 96}; }},
        {"a seat for nothing", [](RunSpec& s) { s.emission.validator_stake = {}; }},
        {"seat", [](RunSpec& s) { s.emission.validator_stake = Amount{Uint128{1} << 96}; }},
        {"bond", [](RunSpec& s) { s.emission.miner_bond = Amount{Uint128{1} << 96}; }},
        {"shares", [](RunSpec& s) { s.emission.validator_share_bps = 4001; }},
    };
    for (const auto& [what, change] : broken) {
        RunSpec spec = sample_spec();
        change(spec);
        EXPECT_EQ(validate_run_spec(spec), Verdict::kSpecInvalid) << what;
        const auto decoded = decode_run_spec(encode_run_spec(spec));
        EXPECT_FALSE(decoded.has_value()) << what;
    }
    EXPECT_EQ(validate_run_spec(sample_spec()), Verdict::kAccept);
    RunSpec spec = sample_spec();
    spec.emission.validator_share_bps = 4001;
    EXPECT_EQ(decode_run_spec(encode_run_spec(spec)).error(), Verdict::kSpecInvalid);
}

TEST(RunSpecRanges, TheExtremesAreAllowed) {
    RunSpec spec = sample_spec();
    spec.timing.key_seconds = 42;
    spec.timing.beacon_seconds = 44;
    spec.timing.genesis_lead_seconds = 0;
    spec.emission.miner_bond = {};
    spec.audit.segments = 3;
    spec.audit.chunks = 0;
    spec.inner.steps_per_segment = 12;
    EXPECT_EQ(validate_run_spec(spec), Verdict::kSpecInvalid) << "three audits of one segment";
    spec.audit.segments = 1;
    EXPECT_EQ(validate_run_spec(spec), Verdict::kAccept);
}

TEST(RunSpecRanges, EveryDensityAndCodeRoundTrips) {
    RunSpec spec = sample_spec();
    for (const std::size_t count : {1U, 2U, 63U, 64U}) {
        spec.outer.density = densities(count);
        spec.outer.density.back().kept_per_chunk = 4096;
        for (const std::uint8_t code_bits : Bytes{1, 2, 3, 4}) {
            spec.outer.code_bits = code_bits;
            EXPECT_EQ(validate_run_spec(spec), Verdict::kAccept);
            EXPECT_EQ(decode_run_spec(encode_run_spec(spec)), spec);
        }
    }
    spec.outer.density = {{0, 1}, {std::numeric_limits<std::uint64_t>::max(), 2}};
    EXPECT_EQ(decode_run_spec(encode_run_spec(spec)), spec);
    // More than there may be are refused by their number, before they are read.
    spec.outer.density = densities(65);
    EXPECT_EQ(decode_run_spec(encode_run_spec(spec)).error(), Verdict::kMalformed);
}

TEST(RunSpecDensity, HoldsUntilTheNextPoint) {
    RunSpec spec = sample_spec();
    spec.outer.density = {{0, 64}, {1, 512}, {100, 32}, {~std::uint64_t{0}, 7}};
    for (const std::uint8_t code_bits : Bytes{1, 2, 3, 4}) {
        spec.outer.code_bits = code_bits;
        for (const auto& [round, k] :
             std::vector<std::pair<std::uint64_t, std::uint16_t>>{{0, 64},
                                                                  {1, 512},
                                                                  {2, 512},
                                                                  {99, 512},
                                                                  {100, 32},
                                                                  {101, 32},
                                                                  {~std::uint64_t{0} - 1, 32},
                                                                  {~std::uint64_t{0}, 7}}) {
            EXPECT_EQ(spec.sparsity(Round(round)), (Sparsity{.keep = k, .code_bits = code_bits}))
                << round;
        }
    }
}

TEST(Schedule, CutsTimeIntoRoundsAndPhases) {
    const TimingSpec timing = sample_spec().timing;
    EXPECT_EQ(round_at(timing, ChainTime(99999)), std::nullopt);
    EXPECT_EQ(phase_at(timing, ChainTime(99999)), Phase::kBeforeStart);
    const std::vector<std::tuple<std::uint64_t, std::uint64_t, Phase>> expected = {
        {100000, 0, Phase::kTrain},      {100039, 0, Phase::kTrain},
        {100040, 0, Phase::kKeys},       {100044, 0, Phase::kKeys},
        {100045, 0, Phase::kBeacon},     {100049, 0, Phase::kBeacon},
        {100050, 0, Phase::kInclusion},  {100069, 0, Phase::kInclusion},
        {100070, 0, Phase::kParameters}, {100099, 0, Phase::kParameters},
        {100100, 1, Phase::kTrain},      {100250, 2, Phase::kInclusion}};
    for (const auto& [time, round, phase] : expected) {
        EXPECT_EQ(round_at(timing, ChainTime(time)), Round(round)) << time;
        EXPECT_EQ(phase_at(timing, ChainTime(time)), phase) << time;
    }
    const RoundTimes times = round_times(timing, Round(1));
    EXPECT_EQ(times.t0, ChainTime(100100));
    EXPECT_EQ(times.t3, round_times(timing, Round(2)).t0);
    EXPECT_EQ(times.score_reveal, ChainTime(100260));
    EXPECT_EQ(times.keys, ChainTime(100145));
    EXPECT_EQ(times.openings, ChainTime(100180));
    EXPECT_EQ(times.snapshot, ChainTime(100040)) << "T1 of the round before";
    EXPECT_EQ(snapshot_time(timing, Round(0)), ChainTime(99979)) << "before the first beacon";
}

TEST(Schedule, RoundsBeyondTimeNeverCome) {
    const TimingSpec timing = sample_spec().timing;
    const ChainTime never(std::numeric_limits<std::uint64_t>::max());
    const RoundTimes times = round_times(timing, Round(never.value));
    EXPECT_EQ(times.t0, never);
    EXPECT_EQ(times.score_reveal, never);
    EXPECT_EQ(beacon_target(timing, BeaconSlot(never.value)), never);
}

TEST(Schedule, NamesEachPhaseAndRole) {
    EXPECT_EQ(to_string(Phase::kBeforeStart), "before_start");
    EXPECT_EQ(to_string(Phase::kTrain), "train");
    EXPECT_EQ(to_string(Phase::kKeys), "keys");
    EXPECT_EQ(to_string(Phase::kBeacon), "beacon");
    EXPECT_EQ(to_string(Phase::kInclusion), "inclusion");
    EXPECT_EQ(to_string(Phase::kParameters), "parameters");
    EXPECT_EQ(to_string(Role::kNone), "none");
    EXPECT_EQ(to_string(Role::kMiner), "miner");
    EXPECT_EQ(to_string(Role::kValidator), "validator");
}

TEST(RosterTest, StakeIsLookedUpInTime) {
    const Neuron neuron{.uid = Uid(1),
                        .coldkey = {},
                        .hotkey = {},
                        .role = Role::kMiner,
                        .network_key = {},
                        .registered_at = ChainTime(5),
                        .stake = {{ChainTime(10), Amount{7}}, {ChainTime(20), Amount{3}}}};
    EXPECT_EQ(neuron.stake_at(ChainTime(9)), Amount{});
    EXPECT_EQ(neuron.stake_at(ChainTime(10)), Amount{7});
    EXPECT_EQ(neuron.stake_at(ChainTime(19)), Amount{7});
    EXPECT_EQ(neuron.stake_at(ChainTime(20)), Amount{3});
    Roster roster;
    roster.neurons[Uid(1)] = neuron;
    EXPECT_EQ(roster.active_miners(ChainTime(15), Amount{7}), std::vector{Uid(1)});
    EXPECT_TRUE(roster.active_miners(ChainTime(20), Amount{7}).empty());
    EXPECT_EQ(roster.active_miners(ChainTime(5), Amount{}), std::vector{Uid(1)});
    EXPECT_TRUE(roster.active_miners(ChainTime(4), Amount{}).empty()) << "registered later";
    EXPECT_TRUE(roster.seated(ChainTime(15), Amount{1}).empty());
    roster.neurons[Uid(1)].role = Role::kValidator;
    EXPECT_EQ(roster.seated(ChainTime(15), Amount{7}).size(), 1U);
    EXPECT_TRUE(roster.seated(ChainTime(15), Amount{8}).empty());
    EXPECT_TRUE(roster.seated(ChainTime(9), Amount{}).empty()) << "no stake, no seat";
    EXPECT_EQ(roster.find(Uid(2)), nullptr);
    EXPECT_EQ(roster.find(filled_address(1)), nullptr);
}

// Every enumerator has a name of its own: it is what JSON and logs show.
TEST(VerdictNames, AreStableAndDistinct) {
    std::set<std::string_view> names;
    std::size_t known = 0;
    for (unsigned value = 0; value < 256; ++value) {
        const std::string_view name = to_string(static_cast<Verdict>(value));
        if (name == "unknown_verdict") continue;
        ++known;
        names.insert(name);
    }
    EXPECT_EQ(known, 34U);
    EXPECT_EQ(names.size(), known);
    EXPECT_EQ(to_string(Verdict::kSegmentMismatch), "segment_mismatch");
}

}  // namespace
}  // namespace covenant::protocol
