// Encrypted streams. The input is read twice: as a stream under a known key (the seeds are such
// streams, so that searching gets past the authenticator), where the one-shot and the chunked
// decryptor must agree; and as a recipe (where to cut or flip, then the plaintext) for a stream
// that must not open.
#include "common/base/assert.hpp"
#include "common/crypto/stream_cipher.hpp"

#include <algorithm>

namespace {

using namespace covenant;
using namespace covenant::crypto;

Status decrypt_in_pieces(ByteView stream, const StreamKey& key, std::size_t step, Bytes& out) {
    StreamDecryptor decryptor(key);
    while (!stream.empty()) {
        const std::size_t part = std::min(step, stream.size());
        COVENANT_CHECK(decryptor.push(stream.first(part), out));
        stream = stream.subspan(part);
    }
    return decryptor.finish(out);
}

void open_any(ByteView input, const StreamKey& key) {
    const auto whole = stream_decrypt(input, key);
    for (const std::size_t step : {std::size_t{1000}, kStreamChunk + kStreamChunkOverhead}) {
        Bytes out;
        const Status pieces = decrypt_in_pieces(input, key, step, out);
        COVENANT_ASSERT(pieces.has_value() == whole.has_value(), "both decryptors agree");
        COVENANT_ASSERT(!whole || *whole == out, "both decryptors give the same bytes");
    }
}

void damage(ByteView input, const StreamKey& key) {
    if (input.size() < 5) return;
    const std::size_t at = load_le<std::uint32_t>(input.data());
    const std::uint8_t flip = input[4];
    const ByteView plaintext = input.subspan(5);
    const Bytes stream = stream_encrypt(plaintext, key);
    const auto opened = stream_decrypt(stream, key);
    COVENANT_ASSERT(
        opened && std::equal(opened->begin(), opened->end(), plaintext.begin(), plaintext.end()),
        "a stream opens to what was sealed");
    COVENANT_ASSERT(!stream_decrypt(ByteView(stream).first(at % stream.size()), key),
                    "a stream that is cut off does not open");
    if (flip == 0) return;
    Bytes changed = stream;
    std::uint8_t& byte = changed[at % changed.size()];
    byte = static_cast<std::uint8_t>(byte ^ flip);
    COVENANT_ASSERT(!stream_decrypt(changed, key), "a changed stream does not open");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    StreamKey key;
    key.bytes.fill(7);
    open_any({data, size}, key);
    damage({data, size}, key);
    return 0;
}
