#include "tools/covenant/simulate/devnet_index.hpp"

#include "chain/network_file.hpp"

#include <filesystem>

namespace covenant::tool {

Result<chain::IndexReader> open_index(const devnet::Layout& layout) {
    if (!std::filesystem::exists(layout.network())) {
        return chain::IndexReader::open(layout.index().string());
    }
    COVENANT_TRY(const chain::NetworkFile network, chain::load_network(layout.network().string()));
    return chain::IndexReader::open(layout.index().string(), network);
}

}  // namespace covenant::tool
