// SentencePiece model files from strangers: what is accepted can be written for other programs.
#include "common/base/assert.hpp"
#include "common/codec/json.hpp"
#include "common/model_files/tokenizer_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::model_files;
    const auto vocabulary = parse_vocabulary({data, size});
    if (!vocabulary) return 0;
    COVENANT_ASSERT(vocabulary->pieces.size() >= 259, "ids of its own and all bytes");
    if (vocabulary->pieces.size() <= 2000) {
        COVENANT_ASSERT(codec::Json::parse(tokenizer_json(*vocabulary)), "tokenizer.json is JSON");
    }
    COVENANT_ASSERT(codec::Json::parse(tokenizer_config_json(*vocabulary, 8)), "so is its config");
    return 0;
}
