// Keeps Theta_r in step with the chain. A node computes every accepted outer step itself and
// compares its root with the chain's; parameters it does not have come from a checkpoint, by root.
#pragma once

#include "common/base/result.hpp"
#include "common/engine/aggregate.hpp"
#include "common/engine/parameter_buffer.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/run_state.hpp"

#include <functional>
#include <optional>

namespace covenant::execution {

class ParameterFollower {
  public:
    // Where bytes come from and go to; this class does not know.
    struct Sources {
        // Fills `out` with the parameters of that root; kNotFound when nobody has them, kCorrupt
        // when what is there are others. The root is checked here.
        std::function<Status(const Hash256& root, engine::ParameterBuffer& out)> load;
        std::function<Status(const Hash256& root, const engine::ParameterBuffer& parameters)> save;
        // The artifact that the state holds a commitment of.
        std::function<Result<protocol::Artifact>(const protocol::RunState&, protocol::Round,
                                                 protocol::Uid)>
            artifact;
    };

    // The pool's threads, where there is one, share the work of next(); it is used on the calling
    // thread's behalf only.
    ParameterFollower(const engine::ParameterLayout& layout, const protocol::RunSpec& spec,
                      Sources sources, ThreadPool* pool = nullptr);

    // Theta_r for the round. Loads it, or computes forward from the newest parameters at hand.
    // kUnavailable: neither a checkpoint nor the artifacts can be fetched now. kMismatch: what this
    // node computes has another root than the chain's: kernels or data differ, and the node must
    // not vote.
    Result<const engine::ParameterBuffer*> parameters(const protocol::RunState& state,
                                                      protocol::Round round);

    struct Candidate {
        Hash256 root;
        engine::AggregateReport report;
        const engine::ParameterBuffer* parameters = nullptr;  // valid until the next call
    };
    // Theta_{r+1} as this node computes it from the aggregated artifacts of round r, before or
    // after acceptance.
    Result<Candidate> next(const protocol::RunState& state, protocol::Round round);

  private:
    Result<engine::ParameterBuffer> load(const Hash256& root);
    const engine::ParameterLayout& layout_;
    const protocol::RunSpec& spec_;
    Sources sources_;
    ThreadPool* pool_;
    Hash256 current_root_;
    engine::ParameterBuffer current_;
    struct Computed {
        protocol::Round round;
        Hash256 base;
        std::vector<protocol::Uid> uids;
        Hash256 root;
        engine::AggregateReport report;
        engine::ParameterBuffer parameters;
    };
    std::optional<Computed> computed_;
};

}  // namespace covenant::execution
