#include "common/node/password_file.hpp"

#include "common/base/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPassword = 1024;
constexpr int kPipeWaitMs = 60'000;

Status wait_for_pipe(int fd) {
    pollfd one{fd, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&one, 1, kPipeWaitMs);
    } while (ready < 0 && errno == EINTR);
    if (ready > 0) return {};
    return fail(Errc::kPrecondition, "nothing came from it within 60 s");
}

// A folder that only its owner may enter keeps a file's group from it.
bool in_private_folder(const fs::path& path) {
    std::error_code error;
    const fs::path folder = fs::canonical(path, error).parent_path();
    struct stat info {};
    if (error || ::stat(folder.c_str(), &info) != 0) return false;
    return (info.st_mode & 077U) == 0 && (info.st_uid == ::geteuid() || info.st_uid == 0);
}

// Takes the code point at the front; nothing when the bytes are not UTF-8.
std::optional<char32_t> take_code_point(ByteView& bytes) {
    const std::uint8_t first = bytes.front();
    const std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
    if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || bytes.size() < size) return {};
    char32_t code = size == 1 ? first : first & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((bytes[i] & 0xC0U) != 0x80) return {};
        code = (code << 6) | (bytes[i] & 0x3FU);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < kSmallest[size] || code > 0x10FFFF || surrogate) return {};
    bytes = bytes.subspan(size);
    return code;
}

bool draws_nothing(char32_t code) {
    return code == 0xAD || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x2064) ||
           code == 0xFEFF;
}

}  // namespace

Result<crypto::SecretBytes> read_password_line(int fd,
                                               const std::function<Status()>& wait_for_input) {
    crypto::SecretBytes line(kMaxPassword + 1);
    std::size_t size = 0;
    for (;;) {
        if (wait_for_input) COVENANT_CHECK(wait_for_input());
        std::uint8_t byte = 0;
        const ssize_t count = ::read(fd, &byte, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) {
            COVENANT_CHECK(wait_for_pipe(fd));
            continue;
        }
        if (count < 0)
            return fail(Errc::kIo, fmt::format("read the password: {}",
                                               std::generic_category().message(errno)));
        if (count == 0 || byte == '\n') break;
        if (size == kMaxPassword) {
            return fail(Errc::kInvalidArgument,
                        fmt::format("the password is longer than {} bytes", kMaxPassword));
        }
        line.expose_mutable()[size++] = byte;
    }
    if (size > 0 && line.expose()[size - 1] == '\r') --size;
    line.truncate(size);
    return line;
}

Result<crypto::SecretBytes> read_password_file(const fs::path& path) {
    const auto failed = [&](Errc code, std::string_view why) {
        return fail(code, fmt::format("password file {}: {}", path.string(), why));
    };
    // Without O_NONBLOCK the opening of a FIFO waits for somebody who writes.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file.valid()) {
        return failed(errno == ENOENT ? Errc::kNotFound : Errc::kPermission,
                      std::generic_category().message(errno));
    }
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) {
        return failed(Errc::kIo, std::generic_category().message(errno));
    }
    if (S_ISDIR(info.st_mode)) return failed(Errc::kIo, "it is a folder, not a regular file");
    const unsigned mode = info.st_mode & 0777U;
    const bool closed = (mode & 077U) == 0 || ((mode & 037U) == 0 && in_private_folder(path));
    if (S_ISREG(info.st_mode) && !closed) {
        return failed(Errc::kPermission,
                      fmt::format("mode {:04o}, so others may read it: chmod 600 {}, or keep it in "
                                  "a folder that only you may enter",
                                  mode, path.string()));
    }
    auto line = read_password_line(file.get());
    if (!line) return failed(line.error().code, line.error().context);
    return line;
}

std::string_view unseen_in(ByteView password) {
    constexpr std::array<std::uint8_t, 3> kMark{0xEF, 0xBB, 0xBF};
    if (password.size() >= kMark.size() &&
        std::equal(kMark.begin(), kMark.end(), password.begin())) {
        return "begins with a byte order mark";
    }
    while (!password.empty()) {
        const auto code = take_code_point(password);
        if (!code) return "is not UTF-8 text";
        if (*code == 0) return "holds a zero byte";
        if (*code == '\r') return "holds a carriage return";
        if (*code < 0x20 || (*code >= 0x7F && *code < 0xA0)) return "holds a control character";
        if (draws_nothing(*code)) return "holds an invisible character";
    }
    return "";
}

}  // namespace covenant::node
