#include "common/base/durable_file.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/log_sink.hpp"
#include "tools/covenant/commands/commands.hpp"
#include "tools/covenant/commands/doctor_checks.hpp"
#include "tools/covenant/commands/session.hpp"

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <sys/utsname.h>

namespace covenant::commands {
namespace {

using codec::Json;
using node::CommandContext;
using node::ExitCode;

namespace fs = std::filesystem;

constexpr std::uint64_t kDiskBytes = std::uint64_t{2} << 30;

// Files of /proc have no size, so they are read as streams.
std::string text_of(const char* path) {
    std::ifstream file(path);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
}

std::vector<Check> all_checks(const CommandContext& context, Clock& clock) {
    const auto folder = data_folder(context.global);
    std::error_code ignored;
    const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
    std::uint64_t needed = 0;
    std::error_code error;
    if (folder && fs::exists(*folder / "index.sqlite", error)) {
        if (const auto scene = load_run(context.global, clock)) {
            needed = view::training_bytes_estimate(*scene->state.spec);
        }
    }
    std::vector<Check> checks{check_system(text_of("/etc/os-release")),
                              check_cores(std::max(1U, std::thread::hardware_concurrency())),
                              check_memory(text_of("/proc/meminfo"), needed)};
    for (Check& check : check_programs(self.parent_path())) {
        checks.push_back(std::move(check));
    }
    if (folder) {
        checks.push_back(check_disk(*folder, kDiskBytes));
        checks.push_back(check_lock(*folder));
        checks.push_back(check_keys(*folder));
        checks.push_back(check_store(*folder));
    } else {
        checks.push_back({CheckLevel::kFail, "data folder", folder.error().context,
                          "name one with --datadir DIR"});
    }
    for (Check& check : check_chain(context.global, clock)) {
        checks.push_back(std::move(check));
    }
    return checks;
}

Json report_json(const CommandContext& context, const std::vector<Check>& checks,
                 const std::string& version, Clock& clock) {
    Json options = Json::array();
    for (const auto& option : context.options.options()) {
        Json row = Json::object();
        row.set("name", option->name).set("value", option->value_text());
        row.set("origin", node::to_string(option->origin));
        options.push(std::move(row));
    }
    utsname system{};
    ::uname(&system);
    Json out = Json::object();
    out.set("made_at", node::format_utc(clock.unix_ms()))
        .set("version", version)
        .set("kernel", fmt::format("{} {} {}", system.sysname, system.release, system.machine))
        .set("options", std::move(options))
        .set("checks", to_json(checks));
    return out;
}

Result<ExitCode> doctor(const CommandContext& context, const std::string& report,
                        const std::string& version, Clock& clock) {
    if (!report.empty()) COVENANT_CHECK(require_writable_name(report, Overwrite::kNo));
    const std::vector<Check> checks = all_checks(context, clock);
    node::Output& out = context.output;
    bool broken = false;
    for (const Check& check : checks) {
        const node::Style style = check.level == CheckLevel::kOk     ? node::Style::kGreen
                                  : check.level == CheckLevel::kWarn ? node::Style::kYellow
                                                                     : node::Style::kRed;
        out.text({{fmt::format("{:<4}", to_string(check.level)), style},
                  {fmt::format("  {:<18} {}", check.name, check.found)}});
        if (!check.fix.empty()) {
            out.text(fmt::format("      {:<18} fix: {}", "", check.fix));
        }
        if (check.level == CheckLevel::kFail) {
            out.finding(Error{Errc::kPrecondition, check.name + ": " + check.found, false},
                        check.fix);
            broken = true;
        }
    }
    Json data = Json::object();
    out.data(data.set("checks", to_json(checks)).set("healthy", !broken));
    if (!report.empty()) {
        const std::string text =
            report_json(context, checks, version, clock).dump(Json::Style::kPretty) + "\n";
        COVENANT_CHECK(write_file_durably(report, as_bytes(text), {.access = Access::kPrivate}));
        out.text("report written to " + report);
    }
    return broken ? ExitCode::kPrecondition : ExitCode::kOk;
}

}  // namespace

void add_doctor(node::CommandTree& tree, Clock& clock, std::string version) {
    const auto report = std::make_shared<std::string>();
    node::Command& command =
        tree.root().add("doctor", "look at machine, programs, keys and chain; say what to mend");
    command.options()
        .add("report", *report, "also write a report for a bug, without secrets, to this file")
        .value_name("FILE")
        .flag_only();
    command.detail("Exit code 3 when something fails.")
        .example("covenant doctor --datadir ./devnet-7 --report report.json");
    command.handler([report, &clock, version = std::move(version)](const CommandContext& context) {
        return doctor(context, *report, version, clock);
    });
}

}  // namespace covenant::commands
