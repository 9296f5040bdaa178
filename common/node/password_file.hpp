// A password as bytes of a file, a pipe or a terminal. Straight into locked memory.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "common/crypto/secret.hpp"

#include <filesystem>
#include <functional>
#include <string_view>

namespace covenant::node {

// The bytes up to the first newline, without a carriage return before it; may be empty. Reads a
// byte at a time: what follows belongs to someone else. `wait_for_input`, where there is one, is
// called before each byte. A descriptor that does not block is waited for 60 s. kInvalidArgument:
// more than 1024 bytes; kPrecondition: nothing came; kIo.
Result<crypto::SecretBytes> read_password_line(int fd,
                                               const std::function<Status()>& wait_for_input = {});

// The first line of a file or pipe (a FIFO that nobody writes to is empty: it is not waited for).
// kPermission: others may read the file. Its mode must keep them out; its group may read it where
// only the owner may enter its folder, as in a service manager's folder of credentials (0440).
// kNotFound; else as read_password_line.
Result<crypto::SecretBytes> read_password_file(const std::filesystem::path& path);

// What a person cannot see in these bytes and so will not type again, as the end of a sentence
// ("begins with a byte order mark"); empty when there is nothing of that kind.
std::string_view unseen_in(ByteView password);

}  // namespace covenant::node
