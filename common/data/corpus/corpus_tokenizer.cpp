#include "common/data/corpus/corpus_tokenizer.hpp"

#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"

#include <string>

namespace covenant::data {

Result<Tokenizer> open_tokenizer(const std::filesystem::path& folder,
                                 const CorpusManifest& manifest) {
    const std::string path = tokenizer_path(folder).string();
    COVENANT_TRY(const Bytes model, read_file(path, kMaxTokenizerBytes));
    if (const Hash256 hash = crypto::sha256(model); hash != manifest.tokenizer_hash) {
        return fail(Errc::kCorrupt, "tokenizer " + path + ": its hash is " + to_0x(hash) +
                                        ", the manifest says " + to_0x(manifest.tokenizer_hash) +
                                        "; restore the file");
    }
    COVENANT_TRY(Tokenizer tokenizer, Tokenizer::from_bytes(model));
    if (tokenizer.vocab_size() != manifest.vocab_size) {
        return fail(Errc::kMalformed,
                    "tokenizer " + path + ": it has " + std::to_string(tokenizer.vocab_size()) +
                        " ids, the manifest says " + std::to_string(manifest.vocab_size));
    }
    return tokenizer;
}

}  // namespace covenant::data
