// Key files from anywhere: no crash, refused as malformed, and what is read can be written back.
#include "common/base/assert.hpp"
#include "common/node/keystore.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::node;
    const auto file = parse_key_file(as_text(ByteView(data, size)));
    if (!file) {
        COVENANT_ASSERT(file.error().code == Errc::kMalformed,
                        "a stranger's file is malformed, nothing else");
        return 0;
    }
    const auto again = parse_key_file(to_text(*file));
    COVENANT_ASSERT(again && again->name == file->name && again->kind == file->kind &&
                        again->address == file->address && again->box == file->box,
                    "a key file survives writing and reading");
    crypto::KdfLimits limits;
    limits.memory_bytes = std::uint64_t{64} << 10;
    limits.passes = 2;
    const auto password = crypto::SecretBytes::copy_of(as_bytes("x"));
    (void)crypto::password_open(file->box, password, "covenant-key", limits);
    return 0;
}
