// The agenda: what a node has to do, as data. A duty is short, because it runs on the thread that
// owns the round's state; what takes long it starts beside the loop (background.hpp) and takes up
// when the result is there.
#pragma once

#include "common/base/result.hpp"
#include "common/protocol/ids.hpp"

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace covenant::participant {

// What one look at the chain came to.
struct TickReport {
    std::string_view duty;  // that did something; empty when nothing could be done
    protocol::Round round;
    std::string note;  // what it did, or what is waited for
    [[nodiscard]] bool busy() const { return !duty.empty(); }
};

// A duty's try: a note of what was done, or nothing while it waits.
using Step = Result<std::optional<std::string>>;

inline Step waits() {
    return std::optional<std::string>{};
}
inline Step did(std::string note = {}) {
    return std::optional(std::move(note));
}

struct Duty {
    std::string_view name;       // a literal; tests stop a node at it
    protocol::Round round;       // what it is about
    protocol::ChainTime opens;   // not before
    protocol::ChainTime closes;  // of no use from then on
    std::function<Step()> run;
};

// What duties have failed at. A fault stays where it happened, in its duty and its round: no
// stranger's bytes and no refused call may end a node.
class Setbacks {
  public:
    // False once the duty was given up in its round.
    [[nodiscard]] bool allow(const Duty& duty) const;
    // Said once. What may pass is tried again at the next look, anything else is given up. An error
    // comes back when it ends the node: it was asked to stop (kInterrupted), or its own files are
    // damaged, cannot be written or may not be read (kCorrupt, kIo, kPermission).
    Status meet(const Duty& duty, Error error);
    // Rounds before this one.
    void forget(protocol::Round before);

  private:
    struct Setback {
        std::string said;
        bool given_up = false;
    };
    std::map<std::pair<protocol::Round, std::string_view>, Setback> met_;
};

// Runs the duties that are open, nearest closing first, up to the first that does something. Equal
// closings keep their order; a duty that fails holds up no other.
Result<TickReport> run_due(std::span<const Duty> duties, protocol::ChainTime now,
                           Setbacks& setbacks);

}  // namespace covenant::participant
