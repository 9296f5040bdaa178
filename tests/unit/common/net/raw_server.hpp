// A TCP server that says exactly what a test tells it to: what no HTTP library would.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace covenant::net {

class RawServer {
  public:
    // One connection, on the server's thread; `number` counts from 0. It is closed when the
    // function returns.
    using Conversation = std::function<void(RawServer&, int fd, int number)>;

    explicit RawServer(Conversation conversation) : conversation_(std::move(conversation)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(name);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
            ::listen(listener_, 16) != 0) {
            std::abort();
        }
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size);
        port_ = ntohs(name.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~RawServer() {
        stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        const int fd = connection_;
        if (fd >= 0) ::shutdown(fd, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    RawServer(const RawServer&) = delete;
    RawServer& operator=(const RawServer&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] int connections() const { return count_; }

    // Reads a request's header and the body it announces. "" at the end of the connection.
    static std::string read_request(int fd) {
        std::string text;
        std::size_t wanted = 0;
        while (wanted == 0 || text.size() < wanted) {
            char buffer[4096];
            const ssize_t count = ::recv(fd, buffer, sizeof(buffer), 0);
            if (count <= 0) return "";
            text.append(buffer, static_cast<std::size_t>(count));
            const auto end = text.find("\r\n\r\n");
            if (wanted == 0 && end != std::string::npos) {
                wanted = end + 4;
                const auto length = text.find("Content-Length: ");
                if (length < end)
                    wanted += static_cast<std::size_t>(std::atoi(text.c_str() + length + 16));
            }
        }
        return text;
    }
    static void send_all(int fd, std::string_view text) {
        while (!text.empty()) {
            const ssize_t count = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    }
    static std::string ok(std::string_view body) {
        return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    }
    // Waits until the peer closes or the server stops.
    static void wait_for_close(int fd) {
        char byte = 0;
        while (::recv(fd, &byte, 1, 0) > 0) {
        }
    }

  private:
    void serve() {
        while (!stopping_) {
            const int fd = ::accept(listener_, nullptr, nullptr);
            if (fd < 0) return;
            connection_ = fd;
            conversation_(*this, fd, count_++);
            connection_ = -1;
            ::close(fd);
        }
    }

    Conversation conversation_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<int> connection_{-1};
    std::atomic<int> count_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace covenant::net
