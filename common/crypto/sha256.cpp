#include "common/crypto/sha256.hpp"

#include "common/base/assert.hpp"

#include <openssl/evp.h>

namespace covenant::crypto {
namespace {

// Fetched once: EVP_sha256() would look the implementation up at every start.
const EVP_MD* sha256_method() {
    static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return method;
}

EVP_MD_CTX* as_context(void* context) {
    return static_cast<EVP_MD_CTX*>(context);
}

// Each of these fails only when memory or OpenSSL itself is broken; nothing can go on without a
// hash.
void must(int result) {
    COVENANT_ASSERT(result == 1, "OpenSSL computes SHA-256");
}

void start(EVP_MD_CTX* context) {
    must(EVP_DigestInit_ex2(context, sha256_method(), nullptr));
}

void take(EVP_MD_CTX* context, ByteView data) {
    must(EVP_DigestUpdate(context, data.data(), data.size()));
}

Hash256 end(EVP_MD_CTX* context) {
    Hash256 out;
    unsigned size = 0;
    must(EVP_DigestFinal_ex(context, out.bytes.data(), &size));
    return out;
}

void take_tag(EVP_MD_CTX* context, std::string_view tag) {
    constexpr std::string_view kPrefix = "covenant/";
    constexpr std::uint8_t kEnd = 0;
    COVENANT_ASSERT(tag.find('\0') == std::string_view::npos, "the zero byte ends a tag");
    take(context, as_bytes(kPrefix));
    take(context, as_bytes(tag));
    take(context, {&kEnd, 1});
}

struct ThreadContext {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ThreadContext() { COVENANT_ASSERT(context != nullptr, "memory for a hash context"); }
    ~ThreadContext() { EVP_MD_CTX_free(context); }
    ThreadContext(const ThreadContext&) = delete;
    ThreadContext& operator=(const ThreadContext&) = delete;
};

// One context a thread for the one-shot functions, ready to take data.
EVP_MD_CTX* fresh_thread_context() {
    thread_local ThreadContext instance;
    start(instance.context);
    return instance.context;
}

}  // namespace

Hash256 sha256(ByteView data) {
    EVP_MD_CTX* context = fresh_thread_context();
    take(context, data);
    return end(context);
}

Hash256 sha256_tagged(std::string_view tag, ByteView data) {
    EVP_MD_CTX* context = fresh_thread_context();
    take_tag(context, tag);
    take(context, data);
    return end(context);
}

void Sha256::Free::operator()(void* context) const {
    EVP_MD_CTX_free(as_context(context));
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    COVENANT_ASSERT(context_ != nullptr, "memory for a hash context");
    start(as_context(context_.get()));
}

Sha256 Sha256::tagged(std::string_view tag) {
    Sha256 out;
    take_tag(as_context(out.context_.get()), tag);
    return out;
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(ByteView data) {
    take(as_context(context_.get()), data);
    return *this;
}

Hash256 Sha256::finish() {
    const Hash256 out = end(as_context(context_.get()));
    start(as_context(context_.get()));
    return out;
}

}  // namespace covenant::crypto
