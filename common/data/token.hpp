// Token ids: what a window is made of. The tokenizer (data/corpus) gives them; training needs
// nothing else of it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace covenant::data {

using Token = std::uint32_t;

inline constexpr Token kUnknownToken = 0;
inline constexpr Token kBeginToken = 1;
inline constexpr Token kEndToken = 2;
inline constexpr std::size_t kMaxTokenizerBytes = std::size_t{64} << 20;
inline constexpr std::uint32_t kMinVocabSize = 300;
inline constexpr std::uint32_t kMaxVocabSize = 1U << 20;

}  // namespace covenant::data
