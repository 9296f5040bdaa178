#include "common/crypto/stream_cipher.hpp"

#include "common/base/assert.hpp"
#include "common/crypto/random.hpp"
#include "common/crypto/secret.hpp"
#include "common/crypto/sodium_init.hpp"

#include <algorithm>

#include <sodium.h>

namespace covenant::crypto {
namespace {

static_assert(kStreamHeader == crypto_secretstream_xchacha20poly1305_HEADERBYTES);
static_assert(kStreamChunkOverhead == crypto_secretstream_xchacha20poly1305_ABYTES);
static_assert(StreamKey::kSize == crypto_secretstream_xchacha20poly1305_KEYBYTES);

constexpr std::uint64_t kMaxPlaintext = std::uint64_t{1} << 60;
constexpr std::size_t kSealedChunk = kStreamChunk + kStreamChunkOverhead;

template <typename State>
void wipe_state(State& state) {
    sodium_memzero(&state, sizeof(state));
}

}  // namespace

std::uint64_t stream_ciphertext_size(std::uint64_t plaintext_size) {
    COVENANT_ASSERT(plaintext_size <= kMaxPlaintext, "no stream is that long");
    const std::uint64_t chunks =
        std::max<std::uint64_t>(1, (plaintext_size + kStreamChunk - 1) / kStreamChunk);
    return kStreamHeader + plaintext_size + chunks * kStreamChunkOverhead;
}

Result<std::uint64_t> stream_plaintext_size(std::uint64_t ciphertext_size) {
    const auto refuse = [&] {
        return fail(Errc::kMalformed, "no encrypted stream has " + std::to_string(ciphertext_size) +
                                          " bytes; was it cut off?");
    };
    if (ciphertext_size < kStreamHeader + kStreamChunkOverhead ||
        ciphertext_size > stream_ciphertext_size(kMaxPlaintext)) {
        return refuse();
    }
    const std::uint64_t body = ciphertext_size - kStreamHeader;
    const std::uint64_t last = body % kSealedChunk;
    const std::uint64_t full = body / kSealedChunk;
    if (last == 0) return full * kStreamChunk;
    // A last chunk of no bytes stands only in the empty stream.
    if (last < kStreamChunkOverhead || (last == kStreamChunkOverhead && full > 0)) return refuse();
    return full * kStreamChunk + last - kStreamChunkOverhead;
}

StreamKey new_stream_key() {
    return random_fixed<StreamKey>();
}

struct StreamEncryptor::State {
    crypto_secretstream_xchacha20poly1305_state stream;
    Bytes header;   // until it is written
    Bytes pending;  // at most one chunk: it may be the last
    bool finished = false;

    void seal(ByteView chunk, unsigned char tag, Bytes& out) {
        const std::size_t at = out.size();
        out.resize(at + chunk.size() + kStreamChunkOverhead);
        crypto_secretstream_xchacha20poly1305_push(&stream, &out[at], nullptr, chunk.data(),
                                                   chunk.size(), nullptr, 0, tag);
    }
};

StreamEncryptor::StreamEncryptor(const StreamKey& key) : state_(std::make_unique<State>()) {
    ensure_sodium();
    state_->header.resize(kStreamHeader);
    crypto_secretstream_xchacha20poly1305_init_push(&state_->stream, state_->header.data(),
                                                    key.bytes.data());
}

StreamEncryptor::~StreamEncryptor() {
    if (state_) {
        wipe_state(state_->stream);
        wipe(state_->pending);
    }
}
StreamEncryptor::StreamEncryptor(StreamEncryptor&&) noexcept = default;
StreamEncryptor& StreamEncryptor::operator=(StreamEncryptor&&) noexcept = default;

void StreamEncryptor::push(ByteView plaintext, Bytes& out) {
    COVENANT_ASSERT(!state_->finished, "nothing follows the last chunk");
    append(out, state_->header);
    state_->header.clear();
    Bytes& pending = state_->pending;
    while (!plaintext.empty()) {
        if (pending.size() == kStreamChunk) {
            state_->seal(pending, crypto_secretstream_xchacha20poly1305_TAG_MESSAGE, out);
            pending.clear();
        }
        // Whole chunks that are surely not the last need no copy.
        while (pending.empty() && plaintext.size() > kStreamChunk) {
            state_->seal(plaintext.first(kStreamChunk),
                         crypto_secretstream_xchacha20poly1305_TAG_MESSAGE, out);
            plaintext = plaintext.subspan(kStreamChunk);
        }
        const std::size_t part = std::min(plaintext.size(), kStreamChunk - pending.size());
        append(pending, plaintext.first(part));
        plaintext = plaintext.subspan(part);
    }
}

void StreamEncryptor::finish(Bytes& out) {
    push({}, out);
    state_->seal(state_->pending, crypto_secretstream_xchacha20poly1305_TAG_FINAL, out);
    state_->finished = true;
}

struct StreamDecryptor::State {
    StreamKey key;
    crypto_secretstream_xchacha20poly1305_state stream{};
    Bytes pending;  // the header, then at most one sealed chunk: it may be the last
    bool started = false;
    bool any_chunk = false;
    bool finished = false;
    Status failure;

    Status broken(Errc code, std::string why) {
        failure = fail(code, std::move(why));
        return failure;
    }

    Status open(ByteView sealed, bool last, Bytes& out) {
        const std::size_t at = out.size();
        out.resize(at + sealed.size() - kStreamChunkOverhead + 1);
        unsigned char tag = 0;
        const int opened = crypto_secretstream_xchacha20poly1305_pull(
            &stream, &out[at], nullptr, &tag, sealed.data(), sealed.size(), nullptr, 0);
        const unsigned char expected = last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                            : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
        if (opened != 0 || tag != expected) {
            out.resize(at);
            return broken(Errc::kMismatch,
                          opened != 0
                              ? "the stream does not decrypt: another key, or it was changed"
                          : last ? "the stream was cut off at the end of a chunk"
                                 : "bytes follow the last chunk of the stream");
        }
        out.resize(out.size() - 1);
        any_chunk = true;
        return {};
    }

    Status start() {
        if (crypto_secretstream_xchacha20poly1305_init_pull(&stream, pending.data(),
                                                            key.bytes.data()) != 0) {
            return broken(Errc::kMismatch, "the stream's header is not valid");
        }
        pending.clear();
        started = true;
        return {};
    }
};

StreamDecryptor::StreamDecryptor(const StreamKey& key) : state_(std::make_unique<State>()) {
    ensure_sodium();
    state_->key = key;
}

StreamDecryptor::~StreamDecryptor() {
    if (state_) {
        wipe_state(state_->stream);
        wipe(state_->key.bytes);
    }
}
StreamDecryptor::StreamDecryptor(StreamDecryptor&&) noexcept = default;
StreamDecryptor& StreamDecryptor::operator=(StreamDecryptor&&) noexcept = default;

Status StreamDecryptor::push(ByteView ciphertext, Bytes& out) {
    COVENANT_ASSERT(!state_->finished, "finish() closes the stream");
    if (!state_->failure) return state_->failure;
    Bytes& pending = state_->pending;
    while (!ciphertext.empty()) {
        if (state_->started && pending.size() == kSealedChunk) {
            COVENANT_CHECK(state_->open(pending, false, out));
            pending.clear();
        }
        while (state_->started && pending.empty() && ciphertext.size() > kSealedChunk) {
            COVENANT_CHECK(state_->open(ciphertext.first(kSealedChunk), false, out));
            ciphertext = ciphertext.subspan(kSealedChunk);
        }
        const std::size_t room = (state_->started ? kSealedChunk : kStreamHeader) - pending.size();
        const std::size_t part = std::min(ciphertext.size(), room);
        append(pending, ciphertext.first(part));
        ciphertext = ciphertext.subspan(part);
        if (!state_->started && pending.size() == kStreamHeader) COVENANT_CHECK(state_->start());
    }
    return {};
}

Status StreamDecryptor::finish(Bytes& out) {
    COVENANT_ASSERT(!state_->finished, "finish() is called once");
    state_->finished = true;
    if (!state_->failure) return state_->failure;
    const Bytes& pending = state_->pending;
    if (!state_->started || pending.size() < kStreamChunkOverhead ||
        (pending.size() == kStreamChunkOverhead && state_->any_chunk)) {
        return state_->broken(Errc::kMalformed,
                              "the stream was cut off inside its header or a chunk");
    }
    return state_->open(pending, true, out);
}

Bytes stream_encrypt(ByteView plaintext, const StreamKey& key) {
    Bytes out;
    out.reserve(static_cast<std::size_t>(stream_ciphertext_size(plaintext.size())));
    StreamEncryptor encryptor(key);
    encryptor.push(plaintext, out);
    encryptor.finish(out);
    return out;
}

Result<Bytes> stream_decrypt(ByteView ciphertext, const StreamKey& key) {
    COVENANT_TRY(const std::uint64_t size, stream_plaintext_size(ciphertext.size()));
    Bytes out;
    out.reserve(static_cast<std::size_t>(size) + 1);
    StreamDecryptor decryptor(key);
    COVENANT_CHECK(decryptor.push(ciphertext, out));
    COVENANT_CHECK(decryptor.finish(out));
    return out;
}

}  // namespace covenant::crypto
