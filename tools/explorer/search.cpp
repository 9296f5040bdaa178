#include "chain/indexer/queries.hpp"
#include "common/base/hex.hpp"
#include "tools/explorer/api.hpp"

#include <set>
#include <utility>

namespace covenant::explorer {
namespace {

using codec::Json;
using protocol::Uid;

constexpr std::size_t kMaxQuery = 80;
constexpr std::size_t kMaxMatches = 50;

class Matches {
  public:
    void add(std::string_view kind, const std::string& value, const std::string& url) {
        if (list_.size() < kMaxMatches && seen_.insert({std::string(kind), url}).second) {
            Json row = Json::object();
            list_.push(std::move(row.set("kind", kind).set("value", value).set("url", url)));
        }
    }
    void hotkey(const protocol::Neuron& neuron, std::string_view kind) {
        add(kind, to_0x(neuron.hotkey), "/api/hotkeys/" + to_0x(neuron.hotkey));
    }
    Json take() { return std::move(list_); }

  private:
    Json list_ = Json::array();
    std::set<std::pair<std::string, std::string>> seen_;  // kind and url
};

// What a field of an event's body makes the event's round.
struct HashField {
    std::string_view event;
    std::string_view field;
    std::string_view match;
};
constexpr HashField kHashFields[] = {
    {"parameters_accepted", "root", "parameters_root"},
    {"artifact_committed", "root", "commitment"},
    {"artifact_committed", "ciphertext_hash", "artifact"},
    {"artifact_committed", "key_hash", "artifact_key"},
};

Status match_evidence(const Json& body, const std::string& text, const std::string& round,
                      Matches& matches) {
    COVENANT_TRY(const Json list, body.at("findings"));
    COVENANT_TRY(const std::vector<Json> findings, list.as_items());
    for (const Json& finding : findings) {
        COVENANT_TRY(const std::string evidence, finding.string("evidence"));
        if (evidence == text) {
            COVENANT_TRY(const std::uint64_t uid, finding.u64("uid"));
            matches.add("evidence", text,
                        "/api/audits?round=" + round + "&hotkey=" + std::to_string(uid));
            break;
        }
    }
    return {};
}

// The followed run's rounds in which the hash stands, of any age.
Status search_rounds(const Sources& sources, const view::Scene& scene, const Hash256& hash,
                     Matches& matches) {
    const std::string text = to_0x(hash);
    if (hash == scene.state.run) {
        matches.add("run", text, "/api/runs/" + text);
    }
    if (hash.is_zero()) {
        return {};
    }
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(sources.index.string()));
    chain::EventFilter filter;
    filter.run = scene.state.run;
    filter.text = text;
    filter.limit = kMaxLimit;
    COVENANT_TRY(const auto rows, reader.events(filter));
    for (const chain::EventRow& row : rows) {
        if (row.kind == "scores_revealed") {
            COVENANT_TRY(const std::uint64_t round, row.body.u64("round"));
            COVENANT_CHECK(match_evidence(row.body, text, std::to_string(round), matches));
        }
        for (const HashField& one : kHashFields) {
            if (row.kind != one.event) {
                continue;
            }
            COVENANT_TRY(const std::string value, row.body.string(one.field));
            COVENANT_TRY(const std::uint64_t round, row.body.u64("round"));
            if (value == text) {
                matches.add(one.match, text, "/api/rounds/" + std::to_string(round));
            }
        }
    }
    return {};
}

// Transactions and blocks are in the index only.
Status search_index(const Sources& sources, const Hash256& hash, Matches& matches) {
    COVENANT_TRY(chain::IndexReader reader, chain::IndexReader::open(sources.index.string()));
    COVENANT_TRY(const auto runs, reader.runs());
    const auto followed = sources.board->get()->scene.state.run;
    for (const protocol::RunId& run : runs) {
        if (run == hash && run != followed) {
            matches.add("run", to_0x(hash), "/api/runs/" + to_0x(hash));
        }
    }
    chain::EventFilter filter;
    filter.limit = kMaxLimit;
    for (bool more = true; more; filter.offset += filter.limit) {
        COVENANT_TRY(const auto rows, reader.events(filter));
        more = rows.size() == filter.limit;
        for (const chain::EventRow& row : rows) {
            if (row.transaction != hash && row.block_hash != hash) {
                continue;
            }
            const std::uint64_t before = row.block.value == 0 ? 0 : row.block.value - 1;
            matches.add(row.transaction == hash ? "transaction" : "block", to_0x(hash),
                        "/api/events?after=" + std::to_string(before) +
                            "&limit=" + std::to_string(kMaxLimit));
            return {};
        }
    }
    return {};
}

}  // namespace

Result<Json> search_json(const Sources& sources, std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    const auto last = text.find_last_not_of(" \t\r\n");
    const std::string_view query =
        first == std::string_view::npos ? "" : text.substr(first, last - first + 1);
    if (query.empty() || query.size() > kMaxQuery) {
        return fail(Errc::kInvalidArgument,
                    "search for a round, uid, name, address or hash with ?q=, 1 to " +
                        std::to_string(kMaxQuery) + " characters");
    }
    const auto snapshot = sources.board->get();
    const view::Scene& scene = snapshot->scene;
    Matches matches;
    if (const auto named = scene.folder.names.find(std::string(query));
        named != scene.folder.names.end()) {
        if (const protocol::Neuron* neuron = scene.state.roster.find(named->second)) {
            matches.hotkey(*neuron, "hotkey");
        }
    }
    if (const auto number = view::parse_number(query, "q", std::uint64_t{1} << 40)) {
        if (*number < scene.end().value) {
            matches.add("round", std::to_string(*number), "/api/rounds/" + std::to_string(*number));
        }
        if (*number < protocol::kMaxUids) {
            const Uid uid(static_cast<std::uint16_t>(*number));
            if (const protocol::Neuron* neuron = scene.state.roster.find(uid)) {
                matches.hotkey(*neuron, "uid");
            }
        }
    }
    if (const auto address = fixed_from_hex<Address>(query)) {
        for (const auto& [uid, neuron] : scene.state.roster.neurons) {
            if (neuron.hotkey == *address) {
                matches.hotkey(neuron, "hotkey");
            }
            if (neuron.coldkey == *address) {
                matches.hotkey(neuron, "coldkey");
            }
        }
    }
    if (const auto hash = fixed_from_hex<Hash256>(query)) {
        COVENANT_CHECK(search_rounds(sources, scene, *hash, matches));
        COVENANT_CHECK(search_index(sources, *hash, matches));
    }
    Json out = Json::object();
    out.set("query", query).set("matches", matches.take());
    return out;
}

}  // namespace covenant::explorer
