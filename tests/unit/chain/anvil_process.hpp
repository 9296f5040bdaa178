// A real node for tests: anvil from contracts/node_modules on a free loopback port.
#pragma once

#include "common/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace covenant::chain {

class AnvilProcess {
  public:
    // state_file: loaded when it exists, written by stop(); "" for none. port 0: any free one.
    // genesis_time: timestamp of a new chain's block 0, which makes its hash; 0 for now.
    // kNotFound names the command that installs the node.
    static Result<AnvilProcess> start(const std::string& state_file = "", std::uint16_t port = 0,
                                      std::uint64_t genesis_time = 0);
    AnvilProcess(AnvilProcess&& other) noexcept;
    AnvilProcess& operator=(AnvilProcess&& other) noexcept;
    ~AnvilProcess();

    void stop();  // as an operator does: the state is saved
    void kill();  // as a power cut does
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::uint16_t port() const { return port_; }

  private:
    AnvilProcess(pid_t pid, std::uint16_t port) : pid_(pid), port_(port) {}
    void end(int signal);
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace covenant::chain
