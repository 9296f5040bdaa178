#include "common/model_files/tokenizer_json.hpp"

#include "common/codec/json.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

namespace covenant::model_files {
namespace {

using codec::Json;

std::string quoted(std::string_view text) {
    return Json(text).dump();
}

struct Merge {
    std::size_t left = 0;
    std::size_t right = 0;
    float score = 0.0F;
};

std::vector<Merge> merges_of(const std::vector<Piece>& pieces) {
    std::unordered_map<std::string_view, std::size_t> ids;
    for (std::size_t id = 0; id < pieces.size(); ++id) {
        if (pieces[id].type == PieceType::kNormal) ids.emplace(pieces[id].text, id);
    }
    std::vector<Merge> out;
    for (const Piece& piece : pieces) {
        if (piece.type != PieceType::kNormal) continue;
        const std::size_t first = out.size();
        const std::string_view text = piece.text;
        for (std::size_t cut = 1; cut < text.size(); ++cut) {
            if ((static_cast<unsigned char>(text[cut]) & 0xc0U) == 0x80) continue;
            const auto left = ids.find(text.substr(0, cut));
            if (left == ids.end()) continue;
            const auto right = ids.find(text.substr(cut));
            if (right == ids.end()) continue;
            out.push_back({left->second, right->second, piece.score});
        }
        std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                  [](const Merge& a, const Merge& b) {
                      return std::pair(a.left, a.right) < std::pair(b.left, b.right);
                  });
    }
    std::ranges::stable_sort(out, std::ranges::greater{}, &Merge::score);
    return out;
}

std::string added_token(std::size_t id, const Piece& piece) {
    return fmt::format(
        R"({{"id":{},"content":{},"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":false}})",
        id, quoted(piece.text));
}

// Pieces that are found in a text as they stand. Not control pieces: SentencePiece never reads the
// characters "</s>" as the end of a text, and an added token, special or not, would.
bool is_added(const Piece& piece) {
    return piece.type == PieceType::kUserDefined;
}

}  // namespace

std::string tokenizer_json(const Vocabulary& vocabulary) {
    const std::vector<Piece>& pieces = vocabulary.pieces;
    std::string added;
    std::string vocab;
    for (std::size_t id = 0; id < pieces.size(); ++id) {
        if (is_added(pieces[id])) {
            added += (added.empty() ? "\n    " : ",\n    ") + added_token(id, pieces[id]);
        }
        vocab +=
            fmt::format("{}\n      {}: {}", vocab.empty() ? "" : ",", quoted(pieces[id].text), id);
    }
    std::string merges;
    for (const Merge& merge : merges_of(pieces)) {
        merges += fmt::format("{}\n      {}", merges.empty() ? "" : ",",
                              quoted(pieces[merge.left].text + " " + pieces[merge.right].text));
    }
    return fmt::format(R"({{
  "version": "1.0",
  "truncation": null,
  "padding": null,
  "added_tokens": [{}
  ],
  "normalizer": {{"type": "Replace", "pattern": {{"String": " "}}, "content": "▁"}},
  "pre_tokenizer": null,
  "post_processor": null,
  "decoder": {{"type": "Sequence", "decoders": [
    {{"type": "Replace", "pattern": {{"String": "▁"}}, "content": " "}},
    {{"type": "ByteFallback"}},
    {{"type": "Fuse"}}
  ]}},
  "model": {{
    "type": "BPE",
    "dropout": null,
    "unk_token": {},
    "continuing_subword_prefix": null,
    "end_of_word_suffix": null,
    "fuse_unk": true,
    "byte_fallback": true,
    "ignore_merges": false,
    "vocab": {{{}
    }},
    "merges": [{}
    ]
  }}
}}
)",
                       added, quoted(pieces[0].text), vocab, merges);
}

std::string tokenizer_config_json(const Vocabulary& vocabulary, std::uint32_t seq_len) {
    // The class that takes tokenizer.json as it is; LlamaTokenizer would build its own from the
    // model file and put a space in front.
    Json out = Json::object();
    out.set("add_bos_token", false)
        .set("add_eos_token", false)
        .set("bos_token", vocabulary.pieces[1].text)
        .set("clean_up_tokenization_spaces", false)
        .set("eos_token", vocabulary.pieces[2].text)
        .set("legacy", false)
        .set("model_max_length", seq_len)
        // Else the class adds the three below as tokens that are found in a text.
        .set("split_special_tokens", true)
        .set("tokenizer_class", "PreTrainedTokenizerFast")
        .set("unk_token", vocabulary.pieces[0].text);
    return out.dump(Json::Style::kPretty) + "\n";
}

std::string generation_config_json() {
    Json out = Json::object();
    out.set("bos_token_id", 1).set("eos_token_id", 2).set("do_sample", true);
    return out.dump(Json::Style::kPretty) + "\n";
}

}  // namespace covenant::model_files
