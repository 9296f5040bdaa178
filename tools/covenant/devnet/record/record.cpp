#include "tools/covenant/devnet/record/record.hpp"

#include "common/base/durable_file.hpp"
#include "common/base/file.hpp"
#include "common/base/hex.hpp"
#include "common/node/lifecycle.hpp"

namespace covenant::devnet {

codec::Json to_json(const Record& record) {
    codec::Json json = codec::Json::object();
    json.set("schema", 1)
        .set("seed", record.seed)
        .set("rounds", record.rounds)
        .set("cheat", record.cheat);
    json.set("step_ms", record.step_ms)
        .set("initial_loss", record.initial_loss)
        .set("run", to_0x(record.run));
    json.set("keep", record.keep)
        .set("deadline_factor", record.deadline_factor)
        .set("next_factor", record.next_factor);
    codec::Json people = codec::Json::array();
    for (const Participant& one : record.participants) {
        codec::Json row = codec::Json::object();
        row.set("name", one.name)
            .set("role", protocol::to_string(one.role))
            .set("cheat", one.cheat);
        row.set("uid", record.uids.at(one.name).value);
        row.set("hotkey", to_0x(hotkey_of(record.seed, one.name).address()));
        row.set("coldkey", to_0x(coldkey_of(record.seed, one.name).address()));
        people.push(std::move(row));
    }
    json.set("participants", std::move(people));
    return json;
}

Result<Record> parse_record(const codec::Json& json) {
    Record record;
    COVENANT_TRY(record.seed, json.u64("seed"));
    COVENANT_TRY(record.rounds, json.u64("rounds"));
    COVENANT_TRY(record.cheat, json.string("cheat"));
    COVENANT_TRY(record.step_ms, json.number("step_ms"));
    COVENANT_TRY(record.initial_loss, json.number("initial_loss"));
    COVENANT_TRY(record.run, json.fixed<Hash256>("run"));
    COVENANT_TRY(record.keep, json.boolean("keep"));
    // Folders of earlier versions have neither.
    COVENANT_TRY(record.deadline_factor, json.number_or("deadline_factor", 1.0));
    COVENANT_TRY(record.next_factor, json.number_or("next_factor", record.deadline_factor));
    for (const double factor : {record.deadline_factor, record.next_factor}) {
        if (!(factor >= 1.0 && factor <= kMaxDeadlineFactor)) {
            return fail(Errc::kMalformed, json.path() + ": deadline factors lie between 1 and " +
                                              std::to_string(kMaxDeadlineFactor));
        }
    }
    COVENANT_TRY(const auto people, json.items("participants"));
    for (const codec::Json& row : people) {
        Participant one;
        COVENANT_TRY(one.name, row.string("name"));
        COVENANT_TRY(const std::string role, row.string("role"));
        COVENANT_TRY(one.cheat, row.string("cheat"));
        COVENANT_TRY(const std::uint64_t uid, row.u64("uid"));
        if (uid >= protocol::kMaxUids) {
            return fail(Errc::kMalformed,
                        row.path() + ".uid: " + std::to_string(uid) + " is no uid");
        }
        one.role = role == to_string(protocol::Role::kMiner) ? protocol::Role::kMiner
                                                             : protocol::Role::kValidator;
        record.uids[one.name] = protocol::Uid(static_cast<std::uint16_t>(uid));
        record.participants.push_back(std::move(one));
    }
    return record;
}

Result<Record> load_record(const Layout& layout) {
    COVENANT_TRY(const std::string text, read_text_file(layout.record(), std::size_t{1} << 20));
    auto record = codec::Json::parse(text).and_then(parse_record);
    if (!record) {
        return fail(std::move(record).error().within(layout.record().string()));
    }
    return record;
}

Status save_record(const Layout& layout, const Record& record) {
    return write_file_durably(layout.record(),
                              as_bytes(to_json(record).dump(codec::Json::Style::kPretty) + "\n"),
                              {.overwrite = Overwrite::kYes});
}

Result<protocol::RunSpec> read_spec(const Layout& layout) {
    COVENANT_TRY(const Bytes bytes, read_file(layout.spec(), protocol::kMaxRunSpecBytes));
    const auto spec = protocol::decode_run_spec(bytes);
    if (!spec) {
        return fail(Errc::kCorrupt,
                    layout.spec().string() + ": " + std::string(protocol::to_string(spec.error())));
    }
    return *spec;
}

}  // namespace covenant::devnet
