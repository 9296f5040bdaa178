// Words shared by calls and logs: sets, terms, commitments and findings in the contracts' field
// order.
#pragma once

#include "chain/abi/codec.hpp"
#include "common/protocol/commitment.hpp"
#include "common/protocol/emission.hpp"
#include "common/protocol/run_spec.hpp"

namespace covenant::chain {

Word set_to_word(const protocol::UidSet& set);  // bit i of the uint256 is uid i
protocol::UidSet word_to_set(const Word& word);

Bytes terms_words(const protocol::RunTerms& terms);
protocol::RunTerms read_terms(AbiReader& reader);
Bytes commitment_words(const protocol::Commitment& commitment);
protocol::Commitment read_commitment(AbiReader& reader);

inline constexpr std::size_t kFindingWords = 4;
Bytes findings_words(std::span<const protocol::Finding> findings);

}  // namespace covenant::chain
