// `covenant replay`: what a validator did, by anyone, from public bytes: chain events, store, data.
#include "common/base/hex.hpp"
#include "common/data/window_reader.hpp"
#include "common/execution/audit.hpp"
#include "common/execution/run_engine.hpp"
#include "common/protocol/model_shape.hpp"
#include "common/protocol/round_view.hpp"
#include "common/store/file_store.hpp"
#include "common/store/sealed_artifact.hpp"
#include "tools/covenant/engine/commands.hpp"
#include "tools/covenant/engine/model_source.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace covenant::tool {
namespace {

using protocol::Verdict;

// What lies here is damaged, missing or of another run: that says nothing about the miner, and must
// not end with the exit code of a proven cheat.
Error own_fault(Error error) {
    switch (error.code) {
        case Errc::kCorrupt:
        case Errc::kMalformed:
        case Errc::kRejected:
            error.context += "; it is damaged here, which says nothing about the miner";
            [[fallthrough]];
        case Errc::kMismatch:
            error.code = Errc::kPrecondition;
            return error;
        default:
            return error;
    }
}

template <typename T>
Result<T> own(Result<T> result) {
    if (!result) return fail(own_fault(std::move(result).error()));
    return result;
}

struct Replayed {
    protocol::Segment segment;
    execution::SegmentAudit audit;
};

// One miner's round. kMismatch is a proven fault of the miner, any other error is about this
// machine.
class Replay {
  public:
    explicit Replay(const EngineOptions& options) : options_(options) {}

    Status open(const node::CommandContext& context) {
        COVENANT_TRY(OpenedRun opened, own(open_stored_run(context.global.datadir)));
        if (!opened.folder.damage.empty()) {
            context.output.warn("the devnet's names are not known: " + opened.folder.damage);
        }
        state_ = std::move(opened.state);
        COVENANT_TRY(uid_, view::find_hotkey(state_, opened.folder, options_.hotkey));
        COVENANT_CHECK(find_commitment());
        COVENANT_TRY(const engine::ProfileOptions kernels,
                     participant::profile_options(options_.kernels));
        COVENANT_TRY(engine_, own(execution::open_engine(*state_.spec, kernels)));
        COVENANT_TRY(windows_,
                     own(data::WindowReader::open(opened.run.layout.data(), state_.spec->data)));
        COVENANT_TRY(store_, store::FileStore::open(opened.run.layout.store()));
        return fetch();
    }

    // Segments to replay: the one asked for, or all that were drawn.
    Result<std::vector<protocol::Segment>> segments() const {
        if (options_.segment >= 0) {
            if (static_cast<std::uint64_t>(options_.segment) >= state_.spec->segments()) {
                return fail(
                    Errc::kInvalidArgument,
                    "a round has segments 0 to " + std::to_string(state_.spec->segments() - 1));
            }
            return std::vector{protocol::Segment(static_cast<std::uint16_t>(options_.segment))};
        }
        auto drawn = view_.drawn(uid_);
        if (drawn.empty()) {
            return fail(Errc::kNotFound,
                        "the beacon drew no segment of this commitment: nothing was opened");
        }
        return drawn;
    }

    Result<Replayed> run(protocol::Segment segment) {
        COVENANT_TRY(const Bytes bytes, own(opening(segment)));
        auto boundary = execution::decode_state_opening(bytes, engine_->layout(),
                                                        artifact_.trace.at(segment.value));
        if (!boundary) {
            return fail(Errc::kMismatch, "the opening of segment " + std::to_string(segment.value) +
                                             " is not the committed state: " +
                                             std::string(protocol::to_string(boundary.error())));
        }
        const execution::SegmentJob job{*state_.spec, *windows_, view_.assignment(miner_),
                                        segment,      {},        {}};
        COVENANT_TRY(auto audit,
                     own(execution::audit_segment(*engine_, artifact_, std::move(*boundary), job)));
        return Replayed{segment, std::move(audit)};
    }

    [[nodiscard]] const protocol::MinerView& miner() const { return miner_; }

  private:
    Status find_commitment() {
        const auto view = protocol::round_view(state_, protocol::Round(options_.round));
        const protocol::MinerView* miner = view ? view->miner(uid_) : nullptr;
        if (miner == nullptr || !miner->commitment) {
            return fail(Errc::kNotFound, options_.hotkey + " committed nothing in round " +
                                             std::to_string(options_.round));
        }
        if (!miner->key) {
            return fail(Errc::kNotFound, options_.hotkey + " did not show the key of round " +
                                             std::to_string(options_.round) +
                                             ": nobody can read its artifact");
        }
        view_ = *view;
        miner_ = *miner;
        return {};
    }

    Status fetch() {
        const auto elements = protocol::chunk_elements(state_.spec->model);
        const protocol::Commitment& commitment = miner_.commitment->signed_commitment.commitment;
        COVENANT_CHECK(own(store::check_ciphertext(*store_, commitment, *state_.spec, elements)));
        COVENANT_TRY(auto fetched, own(store::fetch_artifact(*store_, commitment, *miner_.key,
                                                             *state_.spec, elements)));
        if (fetched.verdict != Verdict::kAccept) {
            return fail(Errc::kMismatch, "the artifact is refused: " +
                                             std::string(protocol::to_string(fetched.verdict)));
        }
        artifact_ = std::move(fetched.artifact);
        return {};
    }

    // The bytes that the miner published of the state before a segment.
    Result<Bytes> opening(protocol::Segment segment) {
        const std::string name = store::state_opening_name(state_.run, view_.round, uid_, segment);
        auto address = store_->resolve(name);
        if (!address) {
            const bool drawn = std::ranges::count(view_.drawn(uid_), segment) > 0;
            return fail(std::move(address).error().within(fmt::format(
                "segment {} {}", segment.value,
                drawn ? "was drawn, but its opening is not in this store: it was not published, or "
                        "its name was lost here"
                      : "was not opened (only drawn segments are)")));
        }
        return store_->get(*address, execution::state_opening_bytes(engine_->layout()));
    }

    const EngineOptions& options_;
    protocol::RunState state_;
    protocol::Uid uid_;
    protocol::RoundView view_;
    protocol::MinerView miner_;
    protocol::Artifact artifact_;
    std::optional<engine::Engine> engine_;
    std::optional<data::WindowReader> windows_;
    std::unique_ptr<store::FileStore> store_;
};

codec::Json to_json(const Replayed& one) {
    codec::Json row = codec::Json::object();
    row.set("segment", one.segment.value).set("verdict", protocol::to_string(one.audit.verdict));
    row.set("claimed", to_0x(one.audit.claimed_hash))
        .set("recomputed", to_0x(one.audit.recomputed_hash));
    row.set("loss", static_cast<double>(std::bit_cast<float>(one.audit.recomputed.loss_bits)));
    return row;
}

Result<node::ExitCode> replay(const EngineOptions& options, const node::CommandContext& context) {
    Replay replay(options);
    COVENANT_CHECK(replay.open(context));
    COVENANT_TRY(const auto segments, replay.segments());
    codec::Json rows = codec::Json::array();
    bool same = true;
    for (const protocol::Segment segment : segments) {
        COVENANT_TRY(const Replayed one, replay.run(segment));
        const bool equal = one.audit.verdict == Verdict::kAccept;
        same = same && equal;
        if (!equal) {
            context.output.finding(
                Error{Errc::kMismatch,
                      fmt::format("segment {}: {}, the miner committed {}, re-executed it is {}",
                                  segment.value, protocol::to_string(one.audit.verdict),
                                  to_0x(one.audit.claimed_hash), to_0x(one.audit.recomputed_hash)),
                      false});
        }
        context.output.text(fmt::format(
            "round {} {} segment {}: {}", options.round, to_0x(replay.miner().hotkey),
            segment.value,
            equal ? "same digest"
                  : "DIFFERENT (" + std::string(protocol::to_string(one.audit.verdict)) + ")"));
        context.output.text(fmt::format("  committed   {}", to_0x(one.audit.claimed_hash)));
        context.output.text(fmt::format("  re-executed {}", to_0x(one.audit.recomputed_hash)));
        rows.push(to_json(one));
    }
    codec::Json data = codec::Json::object();
    data.set("round", options.round).set("hotkey", to_0x(replay.miner().hotkey)).set("same", same);
    data.set("segments", std::move(rows));
    context.output.data(std::move(data));
    return same ? node::ExitCode::kOk : node::ExitCode::kVerificationFailed;
}

}  // namespace

void add_replay(node::CommandTree& tree, EngineOptions& options) {
    node::Command& command = tree.root().add(
        "replay", "re-execute drawn segments of a miner's round and compare digests");
    command.options().add("round", options.round, "the round").value_name("R").required();
    command.options()
        .add("hotkey", options.hotkey, "the miner: address, uid or devnet name")
        .value_name("HOTKEY")
        .required();
    command.options()
        .add("segment", options.segment, "one segment; -1 takes all that were drawn")
        .value_name("S");
    participant::describe(command.options(), options.kernels);
    command.detail(
        "Exit code 0: the same digest. 5: another one, or an artifact or opening that breaks the "
        "rules, as the miner published it. 3: something is missing or damaged on this machine.");
    command.handler(
        [&options](const node::CommandContext& context) { return replay(options, context); });
}

}  // namespace covenant::tool
