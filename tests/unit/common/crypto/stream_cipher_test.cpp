#include "common/crypto/stream_cipher.hpp"

#include "common/base/counter_rng.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

namespace covenant::crypto {
namespace {

constexpr std::size_t kSealed = kStreamChunk + kStreamChunkOverhead;

Bytes test_data(std::size_t size) {
    Bytes out(size);
    CounterRng rng(size);
    for (std::size_t i = 0; i < size; i += 4) {
        const std::uint32_t word = rng.next_u32();
        for (std::size_t k = 0; k < 4 && i + k < size; ++k) {
            out[i + k] = static_cast<std::uint8_t>(word >> (8 * k));
        }
    }
    return out;
}

// The stream as its format says, made with the library directly; tags are the caller's.
Bytes hand_made(const StreamKey& key, const std::vector<std::pair<Bytes, unsigned char>>& chunks) {
    Bytes out(kStreamHeader);
    crypto_secretstream_xchacha20poly1305_state state;
    crypto_secretstream_xchacha20poly1305_init_push(&state, out.data(), key.bytes.data());
    for (const auto& [chunk, tag] : chunks) {
        Bytes sealed(chunk.size() + kStreamChunkOverhead);
        crypto_secretstream_xchacha20poly1305_push(&state, sealed.data(), nullptr, chunk.data(),
                                                   chunk.size(), nullptr, 0, tag);
        append(out, sealed);
    }
    return out;
}

constexpr unsigned char kMessage = crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
constexpr unsigned char kFinal = crypto_secretstream_xchacha20poly1305_TAG_FINAL;
constexpr unsigned char kRekey = crypto_secretstream_xchacha20poly1305_TAG_REKEY;

// Decrypts through the streaming class in pieces of `step` bytes, which checks sizes only at the
// end.
Status streamed(ByteView ciphertext, const StreamKey& key, std::size_t step, Bytes& out) {
    StreamDecryptor decryptor(key);
    while (!ciphertext.empty()) {
        const std::size_t part = std::min(step, ciphertext.size());
        COVENANT_CHECK(decryptor.push(ciphertext.first(part), out));
        ciphertext = ciphertext.subspan(part);
    }
    return decryptor.finish(out);
}

const std::vector<std::size_t> kSizes{0, 1, 1000, 65535, 65536, 65537, 131072, 131073, 200000};

TEST(StreamCipher, RoundTripsAtEveryEdge) {
    const StreamKey key = new_stream_key();
    for (const std::size_t size : kSizes) {
        const Bytes plaintext = test_data(size);
        const Bytes ciphertext = stream_encrypt(plaintext, key);
        EXPECT_EQ(ciphertext.size(), stream_ciphertext_size(size));
        EXPECT_EQ(*stream_plaintext_size(ciphertext.size()), size);
        const auto back = stream_decrypt(ciphertext, key);
        ASSERT_TRUE(back) << size;
        EXPECT_EQ(*back, plaintext);
    }
}

TEST(StreamCipher, PiecesOfAnySizeGiveOneFormat) {
    const StreamKey key = new_stream_key();
    for (const std::size_t size : {0U, 65536U, 150000U}) {
        const Bytes plaintext = test_data(size);
        for (const std::size_t step : {1000U, 65536U, 65537U, 500000U}) {
            StreamEncryptor encryptor(key);
            Bytes ciphertext;
            for (std::size_t at = 0; at < size; at += step) {
                encryptor.push(
                    ByteView(plaintext).subspan(at, std::min<std::size_t>(step, size - at)),
                    ciphertext);
            }
            encryptor.finish(ciphertext);
            const auto whole = stream_decrypt(ciphertext, key);
            ASSERT_TRUE(whole) << size << " by " << step;
            EXPECT_EQ(*whole, plaintext);
            for (const std::size_t read : {777U, 65553U, 65577U}) {
                Bytes out;
                ASSERT_TRUE(streamed(ciphertext, key, read, out));
                EXPECT_EQ(out, plaintext);
            }
        }
    }
}

TEST(StreamCipher, TheFormatIsTheDocumentedOne) {
    const StreamKey key = new_stream_key();
    const Bytes plaintext = test_data(kStreamChunk + 5);
    const Bytes first(plaintext.begin(), plaintext.begin() + kStreamChunk);
    const Bytes last(plaintext.begin() + kStreamChunk, plaintext.end());
    EXPECT_EQ(*stream_decrypt(hand_made(key, {{first, kMessage}, {last, kFinal}}), key), plaintext);
    EXPECT_TRUE(stream_decrypt(hand_made(key, {{{}, kFinal}}), key)->empty());
}

TEST(StreamCipher, TwoEncryptionsDiffer) {
    const StreamKey key = new_stream_key();
    EXPECT_NE(stream_encrypt(as_bytes("x"), key), stream_encrypt(as_bytes("x"), key));
}

TEST(StreamCipher, AnotherKeyIsAMismatch) {
    const Bytes ciphertext = stream_encrypt(as_bytes("artifact"), new_stream_key());
    const auto result = stream_decrypt(ciphertext, new_stream_key());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::kMismatch);
}

TEST(StreamCipher, AnyChangedByteIsNoticed) {
    const StreamKey key = new_stream_key();
    const Bytes ciphertext = stream_encrypt(as_bytes("a short artifact"), key);
    for (std::size_t i = 0; i < ciphertext.size(); ++i) {
        Bytes bad = ciphertext;
        bad[i] ^= 1;
        EXPECT_EQ(stream_decrypt(bad, key).error().code, Errc::kMismatch) << i;
    }
}

TEST(StreamCipher, EveryTruncationIsNoticed) {
    const StreamKey key = new_stream_key();
    const Bytes small = stream_encrypt(as_bytes("a short artifact"), key);
    for (std::size_t size = 0; size < small.size(); ++size) {
        EXPECT_FALSE(stream_decrypt(ByteView(small).first(size), key)) << size;
        Bytes out;
        EXPECT_FALSE(streamed(ByteView(small).first(size), key, 7, out)) << size;
    }
    const Bytes large = stream_encrypt(test_data(3 * kStreamChunk), key);
    for (const std::size_t size :
         {kStreamHeader, kStreamHeader + kSealed, kStreamHeader + 2 * kSealed, large.size() - 1,
          kStreamHeader + kSealed + 1, kStreamHeader + kSealed + kStreamChunkOverhead}) {
        EXPECT_FALSE(stream_decrypt(ByteView(large).first(size), key)) << size;
        Bytes out;
        EXPECT_FALSE(streamed(ByteView(large).first(size), key, 50000, out)) << size;
    }
}

TEST(StreamCipher, ExtensionIsNoticed) {
    const StreamKey key = new_stream_key();
    for (const std::size_t size : {std::size_t{5}, kStreamChunk}) {
        const Bytes good = stream_encrypt(test_data(size), key);
        for (const std::size_t extra :
             {std::size_t{1}, kStreamChunkOverhead, std::size_t{100}, kSealed}) {
            Bytes longer = good;
            longer.resize(longer.size() + extra);
            EXPECT_FALSE(stream_decrypt(longer, key));
            Bytes out;
            EXPECT_FALSE(streamed(longer, key, 40000, out));
        }
        Bytes doubled = good;
        append(doubled, ByteView(good).subspan(kStreamHeader));
        EXPECT_FALSE(stream_decrypt(doubled, key));
    }
}

TEST(StreamCipher, ReorderedChunksAreNoticed) {
    const StreamKey key = new_stream_key();
    const Bytes good = stream_encrypt(test_data(3 * kStreamChunk), key);
    Bytes swapped = good;
    std::swap_ranges(swapped.begin() + kStreamHeader, swapped.begin() + kStreamHeader + kSealed,
                     swapped.begin() + kStreamHeader + kSealed);
    EXPECT_EQ(stream_decrypt(swapped, key).error().code, Errc::kMismatch);
    Bytes dropped(good.begin(), good.begin() + kStreamHeader);
    append(dropped, ByteView(good).subspan(kStreamHeader + kSealed));
    EXPECT_EQ(stream_decrypt(dropped, key).error().code, Errc::kMismatch);
}

// One plaintext has one framing: what authenticates but is cut or tagged otherwise is refused.
TEST(StreamCipher, OtherFramingsAreRefused) {
    const StreamKey key = new_stream_key();
    const Bytes full = test_data(kStreamChunk);
    const Bytes part = test_data(10);
    const std::vector<Bytes> others{
        hand_made(key, {{part, kMessage}, {part, kFinal}}),  // a short chunk in the middle
        hand_made(key, {{full, kMessage}, {{}, kFinal}}),    // an empty last chunk
        hand_made(key, {{part, kMessage}}),                  // no final tag
        hand_made(key, {{full, kMessage}}),
        hand_made(key, {{full, kFinal}, {part, kFinal}}),  // two ends
        hand_made(key, {{full, kRekey}, {part, kFinal}}),  // a tag that we never write
        hand_made(key, {{test_data(kStreamChunk + 1), kFinal}}),
        hand_made(key, {})};
    for (std::size_t i = 0; i < others.size(); ++i) {
        EXPECT_FALSE(stream_decrypt(others[i], key)) << i;
        Bytes out;
        EXPECT_FALSE(streamed(others[i], key, 30000, out)) << i;
    }
}

TEST(StreamCipher, FailureSticks) {
    const StreamKey key = new_stream_key();
    Bytes bad = stream_encrypt(test_data(2 * kStreamChunk), key);
    bad[100] ^= 1;
    StreamDecryptor decryptor(key);
    Bytes out;
    EXPECT_FALSE(decryptor.push(bad, out));
    EXPECT_TRUE(out.empty());
    EXPECT_FALSE(decryptor.push(bad, out));
    EXPECT_FALSE(decryptor.finish(out));
    EXPECT_TRUE(out.empty());
}

TEST(StreamCipher, SizesThatNoStreamHas) {
    for (const std::uint64_t size :
         {std::uint64_t{0}, std::uint64_t{40}, std::uint64_t{24 + kSealed + 16},
          std::uint64_t{24 + kSealed + 17}, ~std::uint64_t{0}}) {
        EXPECT_EQ(stream_plaintext_size(size).error().code, Errc::kMalformed) << size;
    }
    EXPECT_EQ(*stream_plaintext_size(41), 0U);
    EXPECT_EQ(*stream_plaintext_size(24 + kSealed), kStreamChunk);
    EXPECT_EQ(*stream_plaintext_size(24 + kSealed + 18), kStreamChunk + 1);
}

TEST(StreamCipherDeathTest, NothingFollowsTheEnd) {
    StreamEncryptor encryptor(new_stream_key());
    Bytes out;
    encryptor.finish(out);
    EXPECT_DEATH(encryptor.push({}, out), "follows the last chunk");
}

}  // namespace
}  // namespace covenant::crypto
