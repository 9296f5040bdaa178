#include "tools/covenant/devnet/snapshots.hpp"

#include "chain/rpc/types.hpp"
#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/safe_math.hpp"
#include "common/codec/json.hpp"
#include "common/node/lifecycle.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <zlib.h>

namespace covenant::devnet {
namespace {

using codec::Json;

constexpr std::size_t kMaxStateBytes = std::size_t{1} << 30;
constexpr Json::Limits kStateLimits{
    .max_bytes = kMaxStateBytes, .max_depth = 64, .max_values = std::size_t{1} << 27};
constexpr std::size_t kKept = 3;
constexpr std::string_view kPrefix = "state-";
constexpr std::string_view kSuffix = ".json";

Result<Bytes> gunzip(ByteView data) {
    z_stream stream{};
    if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) {
        return fail(Errc::kIo, "zlib does not start");
    }
    Bytes out;
    std::array<std::uint8_t, 1U << 16> buffer{};
    stream.next_in = const_cast<Bytef*>(data.data());
    stream.avail_in = static_cast<uInt>(data.size());
    int code = Z_OK;
    while (code == Z_OK && out.size() < kMaxStateBytes) {
        stream.next_out = buffer.data();
        stream.avail_out = static_cast<uInt>(buffer.size());
        code = inflate(&stream, Z_NO_FLUSH);
        append(out, ByteView(buffer).first(buffer.size() - stream.avail_out));
    }
    inflateEnd(&stream);
    if (code != Z_STREAM_END) {
        return fail(Errc::kMalformed, "anvil's state dump is no complete gzip stream");
    }
    return out;
}

struct Snapshot {
    std::uint64_t number = 0;
    std::filesystem::path path;
};

// Newest first.
std::vector<Snapshot> list(const std::filesystem::path& folder) {
    std::vector<Snapshot> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) ||
            name.size() <= kPrefix.size() + kSuffix.size()) {
            continue;
        }
        const auto number = from_decimal(std::string_view(name).substr(
            kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
        if (number) {
            found.push_back({static_cast<std::uint64_t>(*number), entry.path()});
        }
    }
    std::sort(found.begin(), found.end(),
              [](const Snapshot& a, const Snapshot& b) { return a.number > b.number; });
    return found;
}

Result<std::uint64_t> quantity(const Json& header, std::string_view key) {
    COVENANT_TRY(const Json value, header.at(key));
    return chain::parse_quantity(value);
}

// Reads, mends and, where that changed something, writes back.
Status mend(const std::filesystem::path& path) {
    COVENANT_TRY(const std::string before, read_text_file(path, kMaxStateBytes));
    COVENANT_TRY(const std::string after, with_one_genesis(before));
    return after == before
               ? Status{}
               : write_file_durably(path, as_bytes(after), {.overwrite = Overwrite::kYes});
}

}  // namespace

Result<std::string> with_one_genesis(std::string_view dump) {
    COVENANT_TRY(Json state, Json::parse(dump, kStateLimits));
    COVENANT_TRY(const std::vector<Json> blocks, state.items("blocks"));
    std::optional<std::size_t> genesis;
    std::uint64_t genesis_time = 0;
    std::vector<bool> first(blocks.size());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        COVENANT_TRY(const Json header, blocks[i].at("header"));
        COVENANT_TRY(const std::uint64_t number, quantity(header, "number"));
        COVENANT_TRY(const std::uint64_t time, quantity(header, "timestamp"));
        first[i] = number == 0;
        if (first[i] && (!genesis || time < genesis_time)) {
            genesis = i;
            genesis_time = time;
        }
    }
    if (!genesis) {
        return fail(Errc::kMalformed, "anvil's state dump has no block 0");
    }
    if (std::count(first.begin(), first.end(), true) == 1) {
        return std::string(dump);
    }
    Json kept = Json::array();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (!first[i] || i == *genesis) {
            kept.push(blocks[i]);
        }
    }
    return state.set("blocks", std::move(kept)).dump();
}

Result<Snapshots> Snapshots::open(const std::filesystem::path& folder) {
    std::error_code made;
    std::filesystem::create_directories(folder, made);
    if (made) {
        return fail(Errc::kIo, "cannot make " + folder.string() + ": " + made.message());
    }
    return Snapshots(folder);
}

Result<std::optional<std::filesystem::path>> Snapshots::newest() {
    Status last;
    for (const Snapshot& one : list(folder_)) {
        last = mend(one.path);
        if (last) {
            return std::optional(one.path);
        }
        last = fail(std::move(last).error().within(one.path.string()));
    }
    // Every file is damaged: starting an empty chain instead would lose the run without a word.
    COVENANT_CHECK(std::move(last));
    return std::optional<std::filesystem::path>{};
}

Status Snapshots::add(ByteView packed) {
    COVENANT_TRY(const Bytes state, gunzip(packed));
    const auto before = list(folder_);
    const std::uint64_t number = before.empty() ? 1 : before.front().number + 1;
    const auto path =
        folder_ / (std::string(kPrefix) + std::to_string(number) + std::string(kSuffix));
    COVENANT_CHECK(write_file_durably(path, state, {.overwrite = Overwrite::kYes}));
    for (std::size_t i = kKept - 1; i < before.size(); ++i) {
        std::error_code ignored;
        std::filesystem::remove(before[i].path, ignored);
    }
    return {};
}

}  // namespace covenant::devnet
