// Configuration files from anywhere: no crash, and what is refused is refused as usage.
#include "common/base/assert.hpp"
#include "common/node/option_table.hpp"

#include <optional>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace covenant;
    using namespace covenant::node;
    struct {
        std::uint32_t threads = 2;
        double margin = 1.5;
        bool fast = false;
        std::string level = "info";
        std::string datadir;
        std::vector<std::string> peers;
    } values;
    OptionTable table;
    table.add("threads", values.threads, "threads").section("miner").range(1, 256);
    table.add("safety-margin", values.margin, "seconds").section("miner");
    table.add("fast", values.fast, "fast");
    table.add("level", values.level, "level").choices({"debug", "info"});
    table.add("datadir", values.datadir, "folder");
    table.add("peers", values.peers, "peers").section("miner");
    OptionSources sources;
    sources.env = [](const std::string&) { return std::nullopt; };
    sources.config_name = "fuzz.toml";
    sources.config_text = std::string(reinterpret_cast<const char*>(data), size);
    const auto filled = table.fill(sources);
    if (!filled) {
        COVENANT_ASSERT(filled.error().code == Errc::kInvalidArgument,
                        "a bad file is a usage error");
        COVENANT_ASSERT(filled.error().context.starts_with("fuzz.toml"), "which names the file");
    } else {
        COVENANT_ASSERT(values.threads >= 1 && values.threads <= 256,
                        "checks hold for what was read");
    }
    (void)table.show(true);
    return 0;
}
