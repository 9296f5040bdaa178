// Key files and password boxes from strangers: no crash, and never more work than the limits allow.
#include "common/base/assert.hpp"
#include "common/crypto/password_box.hpp"
#include "common/crypto/web3_keystore.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::crypto;
    const ByteView input(data, size);
    const SecretBytes password = SecretBytes::copy_of(as_bytes("testpassword"));
    KdfLimits limits;
    limits.memory_bytes = std::uint64_t{64} << 10;
    limits.passes = 2;
    limits.work = 64;
    const auto key = web3_import(as_text(input), password, limits);
    if (key) {
        COVENANT_ASSERT(SecretKey::from_bytes(key->expose()), "an imported key is valid");
    } else {
        const Errc code = key.error().code;
        COVENANT_ASSERT(code == Errc::kMalformed || code == Errc::kPermission ||
                            code == Errc::kCorrupt || code == Errc::kUnavailable,
                        "import fails in the documented ways");
    }
    (void)web3_address(as_text(input));
    (void)password_open(input, password, "hotkey", limits);
    return 0;
}
