#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/crypto/sha256.hpp"
#include "common/crypto/stream_cipher.hpp"
#include "common/protocol/artifact_format.hpp"
#include "common/protocol/model_shape.hpp"
#include "common/store/file_store.hpp"
#include "common/store/sealed_artifact.hpp"
#include "tools/covenant/commands/artifact_view.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/commands/session.hpp"
#include "tools/view/round_report.hpp"

#include <memory>

#include <fmt/format.h>

namespace covenant::commands {
namespace {

using codec::Json;
using node::CommandContext;
using node::ExitCode;
using protocol::Round;
using protocol::Uid;
using protocol::Verdict;

namespace fs = std::filesystem;

struct ArtifactOptions {
    std::string what;
    std::string key;
    std::string spec;
    std::string store;
    std::string round;
    std::string hotkey;
    std::string chunk;
};

Result<std::unique_ptr<store::FileStore>> open_store(const CommandContext& context,
                                                     const ArtifactOptions& options) {
    COVENANT_TRY(const fs::path folder, data_folder(context.global));
    const fs::path path = options.store.empty() ? folder / "store" : fs::path(options.store);
    if (!fs::is_directory(path)) {
        return fail(Errc::kPrecondition, "no artifact store at " + path.string() +
                                             ": name it with --store, or a devnet's folder with "
                                             "--datadir");
    }
    return store::FileStore::open(path);
}

Result<protocol::RunSpec> spec_of(const CommandContext& context, const ArtifactOptions& options,
                                  Clock& clock) {
    COVENANT_TRY(const fs::path folder, data_folder(context.global));
    const fs::path path = options.spec.empty() ? folder / "run.spec" : fs::path(options.spec);
    if (options.spec.empty() && !fs::exists(path)) {
        COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
        return *scene.state.spec;
    }
    COVENANT_TRY(const Bytes bytes, read_file(path, protocol::kMaxRunSpecBytes));
    const auto spec = protocol::decode_run_spec(bytes);
    if (!spec) {
        return fail(Errc::kMalformed, path.string() + " is no RunSpec: " +
                                          std::string(protocol::to_string(spec.error())));
    }
    return *spec;
}

// The commitment that names the ciphertext, when the chain's record is at hand.
const protocol::Commitment* commitment_of(const view::Scene& scene, const Hash256& ciphertext) {
    for (const auto& [round, record] : scene.state.rounds) {
        for (const auto& [uid, one] : record.commitments) {
            if (one.signed_commitment.commitment.ciphertext_hash == ciphertext) {
                return &one.signed_commitment.commitment;
            }
        }
    }
    return nullptr;
}

// --key: the key's 64 hex digits, a file of 32 bytes, or (not given) what the chain names.
Result<crypto::StreamKey> key_of(const CommandContext& context, const ArtifactOptions& options,
                                 store::ArtifactStore* store, const Hash256& ciphertext,
                                 Clock& clock) {
    constexpr std::size_t kSize = crypto::StreamKey::kSize;
    if (!options.key.empty()) {
        std::error_code ignored;
        if (fs::is_regular_file(options.key, ignored)) {
            COVENANT_TRY(const Bytes bytes, read_file(options.key, kSize));
            if (bytes.size() == kSize) {
                return crypto::StreamKey::from(bytes);
            }
        }
        auto key = fixed_from_hex<crypto::StreamKey>(options.key);
        if (!key) {
            return fail(
                Errc::kInvalidArgument,
                "--key " + options.key + " is neither 64 hex digits nor a file of 32 bytes");
        }
        return key;
    }
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    const protocol::Commitment* commitment = commitment_of(scene, ciphertext);
    if (commitment == nullptr || store == nullptr) {
        return fail(Errc::kPrecondition, "no commitment names the ciphertext " + to_0x(ciphertext) +
                                             ": give its key with --key");
    }
    const crypto::StreamKey* key =
        protocol::shown_key(scene.state, commitment->round, commitment->uid);
    if (key == nullptr) {
        return fail(Errc::kPrecondition, "the key " + to_0x(commitment->key_hash) +
                                             " is not on the chain: it comes after the commit "
                                             "deadline of the round, or was not shown in time");
    }
    return *key;
}

struct Opened {
    Bytes plaintext;
    std::uint64_t wire_bytes = 0;
    std::optional<Hash256> ciphertext;
};

bool is_plaintext(ByteView bytes) {
    return bytes.size() >= 4 && as_text(bytes.first(4)) == "CVAR";
}

Result<Opened> open_artifact(const CommandContext& context, const ArtifactOptions& options,
                             std::uint64_t limit, Clock& clock) {
    Opened out;
    std::error_code ignored;
    Bytes bytes;
    std::unique_ptr<store::FileStore> store;
    const std::uint64_t wire_limit = crypto::stream_ciphertext_size(limit);
    Hash256 address;
    if (fs::is_regular_file(options.what, ignored)) {
        COVENANT_TRY(bytes, read_file(options.what, wire_limit));
        address = crypto::sha256(bytes);
        if (auto opened = open_store(context, options)) {
            store = std::move(*opened);
        }
    } else {
        auto hash = fixed_from_hex<Hash256>(options.what);
        if (!hash) {
            return fail(Errc::kNotFound,
                        options.what + " is neither a file nor the 64 hex digits of an object");
        }
        address = *hash;
        COVENANT_TRY(store, open_store(context, options));
        COVENANT_TRY(bytes, store->get(address, wire_limit));
    }
    out.wire_bytes = bytes.size();
    if (is_plaintext(bytes)) {
        out.plaintext = std::move(bytes);
        return out;
    }
    out.ciphertext = address;
    COVENANT_TRY(const crypto::StreamKey key,
                 key_of(context, options, store.get(), address, clock));
    auto plaintext = crypto::stream_decrypt(bytes, key);
    if (!plaintext) {
        return fail(std::move(plaintext).error().within(options.what));
    }
    out.plaintext = std::move(*plaintext);
    return out;
}

Result<ExitCode> inspect(const CommandContext& context, const ArtifactOptions& options,
                         Clock& clock) {
    COVENANT_TRY(const protocol::RunSpec spec, spec_of(context, options, clock));
    const auto elements = protocol::chunk_elements(spec.model);
    COVENANT_TRY(const Opened opened,
                 open_artifact(context, options, view::artifact_bytes_bound(spec), clock));
    const auto artifact = protocol::decode_artifact(opened.plaintext, spec, elements);
    if (!artifact) {
        context.output.data(Json::object().set("verdict", protocol::to_string(artifact.error())));
        context.output.error(Error{Errc::kMismatch,
                                   "verdict " + std::string(protocol::to_string(artifact.error())) +
                                       " for " + std::to_string(opened.plaintext.size()) + " bytes",
                                   false},
                             "artifact inspect",
                             "is it of this run? --spec names another run's specification");
        return ExitCode::kVerificationFailed;
    }
    const ArtifactSummary summary =
        summarize(*artifact, spec, opened.plaintext.size(), opened.wire_bytes);
    Json json = artifact_json(*artifact, summary);
    json.set("ciphertext", opened.ciphertext ? Json(to_0x(*opened.ciphertext)) : Json());
    std::string text = artifact_text(*artifact, summary);
    bool proven = true;
    if (!options.chunk.empty()) {
        COVENANT_TRY(
            const std::uint64_t index,
            view::parse_number(options.chunk, "chunk", artifact->update.chunk_count() - 1));
        const ChunkView chunk = view_chunk(*artifact, spec, static_cast<std::uint32_t>(index));
        json.set("chunk", chunk_json(chunk));
        text += "\n" + chunk_text(chunk);
        proven = chunk.proven;
    }
    context.output.data(std::move(json));
    context.output.lines(text);
    if (!proven) {
        context.output.finding(Error{
            Errc::kMismatch, "chunk " + options.chunk + " is not in the committed payload", false});
    }
    return proven ? ExitCode::kOk : ExitCode::kVerificationFailed;
}

Result<ExitCode> verify(const CommandContext& context, const ArtifactOptions& options,
                        Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    COVENANT_TRY(const std::uint64_t number,
                 view::parse_number(options.round, "round", std::uint64_t{1} << 40));
    COVENANT_TRY(const Uid uid, view::find_hotkey(scene.state, scene.folder, options.hotkey));
    const protocol::RoundRecord* record = scene.state.record(Round(number));
    if (record == nullptr || !record->commitments.contains(uid)) {
        return fail(Errc::kNotFound,
                    options.hotkey + " committed nothing in round " + options.round);
    }
    const auto key = record->keys.find(uid);
    if (key == record->keys.end()) {
        return fail(Errc::kNotFound, options.hotkey + " did not show the key of round " +
                                         options.round + ": nobody can read its artifact");
    }
    const protocol::Commitment& commitment =
        record->commitments.at(uid).signed_commitment.commitment;
    COVENANT_TRY(const auto store, open_store(context, options));
    const auto elements = protocol::chunk_elements(scene.state.spec->model);
    const Address hotkey = scene.state.roster.find(uid)->hotkey;
    COVENANT_TRY(
        const store::FetchedArtifact fetched,
        store::fetch_artifact(*store, commitment, key->second, *scene.state.spec, elements));
    const bool good = fetched.verdict == Verdict::kAccept;
    Json json = Json::object();
    json.set("round", number)
        .set("uid", uid.value)
        .set("hotkey", to_0x(hotkey))
        .set("ciphertext", to_0x(commitment.ciphertext_hash))
        .set("root", to_0x(commitment.root))
        .set("verdict", protocol::to_string(fetched.verdict));
    context.output.data(std::move(json));
    context.output.text(fmt::format("round {}  {}  {}", number,
                                    view::label(scene.state, scene.folder, uid),
                                    protocol::to_string(fetched.verdict)));
    if (good) {
        return ExitCode::kOk;
    }
    COVENANT_CHECK(store::check_ciphertext(*store, commitment, *scene.state.spec, elements));
    context.output.error(Error{Errc::kMismatch,
                               "the stored artifact and the chain's commitment disagree: " +
                                   std::string(protocol::to_string(fetched.verdict)),
                               false},
                         "artifact verify",
                         "common/protocol/README.md says what this verdict means");
    return ExitCode::kVerificationFailed;
}

Result<ExitCode> list(const CommandContext& context, const ArtifactOptions& options, Clock& clock) {
    COVENANT_TRY(const view::Scene scene, load_run(context.global, clock));
    COVENANT_TRY(const auto store, open_store(context, options));
    Json rows = Json::array();
    node::Table table(
        {"round", "hotkey", "bytes", "ratio", "artifact", "key", "included", "ciphertext"});
    table.align_right({0, 2, 3});
    for (const auto& [round, record] : scene.state.rounds) {
        const protocol::UidSet included = protocol::included(scene.state, round);
        for (const auto& [uid, one] : record.commitments) {
            const protocol::Commitment& commitment = one.signed_commitment.commitment;
            COVENANT_TRY(const bool stored, store->has(commitment.ciphertext_hash));
            const bool shown = record.keys.contains(uid);
            const double ratio = view::compression_ratio(*scene.state.spec, commitment.size);
            const std::string who = view::label(scene.state, scene.folder, uid);
            Json row = Json::object();
            row.set("round", round.value)
                .set("uid", uid.value)
                .set("hotkey", to_0x(scene.state.roster.find(uid)->hotkey))
                .set("bytes", commitment.size)
                .set("compression_ratio", ratio)
                .set("ciphertext", to_0x(commitment.ciphertext_hash))
                .set("stored", stored)
                .set("key_shown", shown)
                .set("included", included.test(uid.value));
            rows.push(std::move(row));
            table.add({std::to_string(round.value), who, std::to_string(commitment.size),
                       fmt::format("{:.1f}x", ratio), stored ? "stored" : "missing",
                       shown ? "shown" : "secret", included.test(uid.value) ? "yes" : "no",
                       to_0x(commitment.ciphertext_hash)});
        }
    }
    context.output.data(std::move(rows));
    context.output.table(table);
    return ExitCode::kOk;
}

void describe_store(node::OptionTable& table, ArtifactOptions& options) {
    table.add("store", options.store, "folder of the artifact store; <datadir>/store if empty")
        .value_name("DIR")
        .flag_only();
}

}  // namespace

void add_artifact_commands(node::CommandTree& tree, Clock& clock) {
    const auto options = std::make_shared<ArtifactOptions>();
    const auto run = [options, &clock](auto function) {
        return [options, &clock, function](const CommandContext& context) {
            return function(context, *options, clock);
        };
    };
    node::Command& artifact = tree.root().add("artifact", "what miners upload");
    node::Command& inspecting =
        artifact.add("inspect", "decode one: header, trace, chunks, bits per value");
    inspecting.positional("FILE|HASH", options->what, "a file, or an object of the store");
    inspecting.options()
        .add("key", options->key, "stream key: hex or file; what the chain names if empty")
        .value_name("HEX|FILE")
        .flag_only();
    inspecting.options()
        .add("spec", options->spec, "the run's specification; <datadir>/run.spec if empty")
        .value_name("FILE")
        .flag_only();
    inspecting.options()
        .add("chunk", options->chunk, "show this chunk too: its bytes, proof and values")
        .value_name("I")
        .flag_only();
    describe_store(inspecting.options(), *options);
    inspecting.detail("Exit code 5 when the bytes are no canonical artifact of the run.")
        .example("covenant artifact inspect upload.bin --spec devnet-7/run.spec")
        .handler(run(inspect));
    node::Command& verifying =
        artifact.add("verify", "fetch one and compare it with its commitment on chain");
    verifying.options()
        .add("round", options->round, "the round")
        .value_name("R")
        .required()
        .flag_only();
    verifying.options()
        .add("hotkey", options->hotkey, "the miner: address, uid or devnet name")
        .value_name("H")
        .required()
        .flag_only();
    describe_store(verifying.options(), *options);
    verifying.detail("Exit code 5 unless the verdict is accept.")
        .example("covenant artifact verify --datadir ./devnet-7 --round 2 --hotkey alice")
        .handler(run(verify));
    node::Command& listing = artifact.add("ls", "every committed artifact, and whether it is here");
    describe_store(listing.options(), *options);
    listing.example("covenant artifact ls --datadir ./devnet-7").handler(run(list));
}

}  // namespace covenant::commands
