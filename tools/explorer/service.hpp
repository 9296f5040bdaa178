// The explorer's work: one thread follows the chain into the index and publishes immutable
// snapshots, the HTTP server's threads answer from them.
#pragma once

#include "chain/network_file.hpp"
#include "chain/rpc/transport.hpp"
#include "common/base/clock.hpp"
#include "common/base/mutex.hpp"
#include "tools/view/tables.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace covenant::explorer {

// What the API answers from. Immutable.
struct Snapshot {
    view::Scene scene;  // the followed run
    std::uint64_t events = 0;
    std::uint64_t reorgs = 0;
    bool following = false;  // the chain answered at the last look
};

// Where snapshots are published. Thread-safe.
class Board {
  public:
    [[nodiscard]] std::shared_ptr<const Snapshot> get() const;  // never null
    void set(std::shared_ptr<const Snapshot> snapshot);

  private:
    mutable Mutex mutex_;
    std::shared_ptr<const Snapshot> snapshot_ COVENANT_GUARDED_BY(mutex_) =
        std::make_shared<const Snapshot>();
};

struct ServiceOptions {
    std::filesystem::path datadir;
    std::filesystem::path network;  // network.json; need not exist when an index does
    std::uint32_t poll_ms = 200;
};

using MakeTransport =
    std::function<Result<std::unique_ptr<chain::JsonRpcTransport>>(const std::string& url)>;

class Service {
  public:
    // Opens the index, to follow the chain into it, or for reading only: when another explorer of
    // this folder follows, when the folder is not writable, or when there is no network.json.
    // kPrecondition: neither network.json nor an index. kMalformed, kMismatch: a broken network
    // file, an index of another chain.
    static Result<std::unique_ptr<Service>> open(ServiceOptions options, Clock& clock,
                                                 MakeTransport make_transport = {});
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    [[nodiscard]] const Board& board() const { return board_; }
    [[nodiscard]] std::filesystem::path index_path() const;
    // False when this process only reads the index.
    [[nodiscard]] bool writes() const;

    // One look: follows the chain where it can, publishes a snapshot when something is new. A chain
    // that does not answer, or is another one, is no error: what was read before stays and the
    // cause is logged when it changes. kIo, kCorrupt: the index itself.
    Status look();
    // Looks every poll_ms until asked to stop.
    Status run(const std::stop_token& stop);

  private:
    struct Parts;
    Service(ServiceOptions options, Clock& clock);
    Status follow();
    Status publish();

    ServiceOptions options_;
    Clock* clock_;
    std::unique_ptr<Parts> parts_;
    Board board_;
};

}  // namespace covenant::explorer
