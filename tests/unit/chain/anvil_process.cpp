#include "tests/unit/chain/anvil_process.hpp"

#include "chain/rpc/types.hpp"
#include "common/base/clock.hpp"

#include <filesystem>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace covenant::chain {
namespace {

constexpr const char* kAnvil =
    COVENANT_SOURCE_DIR "/contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

std::uint16_t free_port() {
    const int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    std::uint16_t port = 0;
    if (file >= 0 && ::bind(file, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
        ::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
        port = ntohs(address.sin_port);
    }
    if (file >= 0) ::close(file);
    return port;
}

}  // namespace

Result<AnvilProcess> AnvilProcess::start(const std::string& state_file, std::uint16_t port,
                                         std::uint64_t genesis_time) {
    if (!std::filesystem::exists(kAnvil)) {
        return fail(Errc::kNotFound,
                    std::string("no node at ") + kAnvil + ": run contracts/build first");
    }
    if (port == 0) port = free_port();
    std::vector<std::string> arguments{kAnvil,
                                       "--host",
                                       "127.0.0.1",
                                       "--port",
                                       std::to_string(port),
                                       "--chain-id",
                                       "31337",
                                       "--hardfork",
                                       "osaka",
                                       "--gas-limit",
                                       "60000000",
                                       "--enable-tx-gas-limit",
                                       "--slots-in-an-epoch",
                                       "1",
                                       "--no-request-size-limit",
                                       "-q"};
    if (!state_file.empty()) {
        arguments.insert(arguments.end(), {"--state", state_file});
    }
    if (genesis_time != 0) {
        arguments.insert(arguments.end(), {"--timestamp", std::to_string(genesis_time)});
    }
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    pid_t pid = -1;
    if (const int error = ::posix_spawn(&pid, kAnvil, nullptr, nullptr, argv.data(), environ);
        error != 0) {
        return fail(Errc::kIo, "cannot start anvil: error " + std::to_string(error));
    }
    AnvilProcess out(pid, port);
    SystemClock clock;
    COVENANT_TRY(std::unique_ptr<JsonRpcTransport> transport, make_http_transport(out.url()));
    RpcOptions options;
    options.retry.attempts = 60;
    options.retry.first_delay = Millis(50);
    options.retry.max_delay = Millis(200);
    RpcClient rpc(std::move(transport), clock, options);
    auto answered = chain_id(rpc);
    if (!answered) return fail(std::move(answered).error().within("anvil"));
    return out;
}

AnvilProcess::AnvilProcess(AnvilProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), port_(other.port_) {}

AnvilProcess& AnvilProcess::operator=(AnvilProcess&& other) noexcept {
    if (this != &other) {
        end(SIGKILL);
        pid_ = std::exchange(other.pid_, -1);
        port_ = other.port_;
    }
    return *this;
}

AnvilProcess::~AnvilProcess() {
    end(SIGKILL);
}

void AnvilProcess::stop() {
    end(SIGTERM);
}

void AnvilProcess::kill() {
    end(SIGKILL);
}

void AnvilProcess::end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

}  // namespace covenant::chain
