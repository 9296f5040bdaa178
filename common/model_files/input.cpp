#include "common/model_files/input.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace covenant::model_files {
namespace {

constexpr std::size_t kReadStep = std::size_t{64} << 20;

Status within(std::uint64_t offset, std::size_t length, std::uint64_t size) {
    if (offset <= size && length <= size - offset) return {};
    return fail(Errc::kMalformed, "bytes " + std::to_string(offset) + " to " +
                                      std::to_string(offset) + " + " + std::to_string(length) +
                                      " are not within the file's " + std::to_string(size));
}

tl::unexpected<Error> system_failure(const char* what, const std::filesystem::path& path,
                                     int error) {
    Errc code = Errc::kIo;
    if (error == ENOENT) code = Errc::kNotFound;
    if (error == EACCES || error == EPERM) code = Errc::kPermission;
    return fail(code, std::string(what) + " " + path.string() + ": " +
                          std::generic_category().message(error));
}

class FileInput final : public Input {
  public:
    FileInput(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
    ~FileInput() override { ::close(fd_); }
    FileInput(const FileInput&) = delete;
    FileInput& operator=(const FileInput&) = delete;

    Status inspect() {
        struct stat info {};
        if (::fstat(fd_, &info) != 0) return system_failure("inspect", path_, errno);
        if (!S_ISREG(info.st_mode)) {
            return fail(Errc::kInvalidArgument, path_.string() + " is not a regular file");
        }
        size_ = static_cast<std::uint64_t>(info.st_size);
        return {};
    }
    std::uint64_t size() const override { return size_; }
    Status read(std::uint64_t offset, MutableByteView out) const override {
        COVENANT_CHECK(within(offset, out.size(), size_));
        while (!out.empty()) {
            const ssize_t got = ::pread(fd_, out.data(), std::min(out.size(), kReadStep),
                                        static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return system_failure("read", path_, errno);
            if (got == 0) {
                return fail(Errc::kIo, "read " + path_.string() + ": it became shorter meanwhile");
            }
            out = out.subspan(static_cast<std::size_t>(got));
            offset += static_cast<std::uint64_t>(got);
        }
        return {};
    }

  private:
    std::filesystem::path path_;
    int fd_;
    std::uint64_t size_ = 0;
};

class MemoryInput final : public Input {
  public:
    explicit MemoryInput(ByteView bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Status read(std::uint64_t offset, MutableByteView out) const override {
        COVENANT_CHECK(within(offset, out.size(), bytes_.size()));
        if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
        return {};
    }

  private:
    ByteView bytes_;
};

}  // namespace

Result<std::unique_ptr<Input>> open_input(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return system_failure("open", path, errno);
    auto file = std::make_unique<FileInput>(path, fd);
    COVENANT_CHECK(file->inspect());
    return file;
}

std::unique_ptr<Input> memory_input(ByteView bytes) {
    return std::make_unique<MemoryInput>(bytes);
}

}  // namespace covenant::model_files
