// Authenticated encryption of large buffers and streams under a one-time key: libsodium's
// secretstream (XChaCha20-Poly1305) over chunks of 64 KiB.
//
// Format, for a plaintext of n bytes, c = max(1, ceil(n / 65536)) chunks:
//   0   24  secretstream header (random nonce)
//   24      c chunks, without anything between them. Chunk i is
//             1 byte   encrypted tag: TAG_MESSAGE (0), in the last chunk TAG_FINAL (3)
//             m bytes  ciphertext: m = 65536, in the last chunk what is left (1..65536; 0 only if n
//             = 0) 16 bytes Poly1305 authenticator over this chunk and, by the chained state, all
//             before it
// Size: 24 + n + 17 c. A decryptor refuses anything truncated, extended, reordered, or cut in other
// chunks. Nothing that it gave out before an error may be trusted as complete: only finish() says
// that.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace covenant::crypto {

// One key per stream. Public once it is revealed, so it is no SecretBytes; wipe() it where it
// matters.
using StreamKey = FixedBytes<32, struct StreamKeyTag>;

inline constexpr std::size_t kStreamChunk = 65536;
inline constexpr std::size_t kStreamHeader = 24;
inline constexpr std::size_t kStreamChunkOverhead = 17;

// Sizes; plaintext sizes up to 2^60.
std::uint64_t stream_ciphertext_size(std::uint64_t plaintext_size);
// kMalformed: no stream has this size.
Result<std::uint64_t> stream_plaintext_size(std::uint64_t ciphertext_size);

StreamKey new_stream_key();
Bytes stream_encrypt(ByteView plaintext, const StreamKey& key);
// kMalformed: no stream has this size. kMismatch: another key, or the stream was changed.
Result<Bytes> stream_decrypt(ByteView ciphertext, const StreamKey& key);

// Takes plaintext in pieces of any size, appends ciphertext to `out`.
class StreamEncryptor {
  public:
    explicit StreamEncryptor(const StreamKey& key);
    ~StreamEncryptor();
    StreamEncryptor(StreamEncryptor&&) noexcept;
    StreamEncryptor& operator=(StreamEncryptor&&) noexcept;

    void push(ByteView plaintext, Bytes& out);
    // Writes the last chunk. Once; no push after it.
    void finish(Bytes& out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// Takes ciphertext in pieces of any size, appends authenticated plaintext to `out`.
class StreamDecryptor {
  public:
    explicit StreamDecryptor(const StreamKey& key);
    ~StreamDecryptor();
    StreamDecryptor(StreamDecryptor&&) noexcept;
    StreamDecryptor& operator=(StreamDecryptor&&) noexcept;

    // kMismatch: another key or a changed stream, or bytes after the last chunk. Sticks.
    Status push(ByteView ciphertext, Bytes& out);
    // Decrypts the last chunk; kMismatch or kMalformed when the stream is not complete.
    Status finish(Bytes& out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace covenant::crypto
