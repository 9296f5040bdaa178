// The index of a devnet's folder.
#pragma once

#include "chain/indexer/queries.hpp"
#include "tools/covenant/devnet/record/plan.hpp"

namespace covenant::tool {

// IndexReader::open, held against the folder's network.json where there is one.
Result<chain::IndexReader> open_index(const devnet::Layout& layout);

}  // namespace covenant::tool
