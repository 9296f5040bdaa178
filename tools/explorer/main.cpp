// covenant-explorer: follows the chain into an index and answers questions about it.
#include "common/net/http_client.hpp"
#include "common/node/command.hpp"
#include "common/node/lifecycle.hpp"
#include "common/node/log_sink.hpp"
#include "tools/explorer/api.hpp"

#include <filesystem>
#include <string>

namespace {

using namespace covenant;

struct Options {
    std::string listen = "127.0.0.1:8600";
    std::uint32_t poll_ms = 200;
};

Result<std::unique_ptr<node::LogSink>> install_log(const node::GlobalOptions& global) {
    node::LogOptions options;
    options.format = global.log_format == "json" ? node::LogFormat::kJson : node::LogFormat::kText;
    options.levels = global.verbose ? "debug" : global.log_level;
    options.file = global.log_file;
    return node::LogSink::install(options);
}

Result<explorer::ServiceOptions> service_options(const node::GlobalOptions& global,
                                                 const Options& own) {
    explorer::ServiceOptions out;
    std::error_code error;
    if (global.datadir.empty()) {
        COVENANT_TRY(out.datadir, node::default_datadir(global.network));
    } else {
        out.datadir = std::filesystem::absolute(global.datadir, error);
    }
    const bool named = node::names_network_file(global);
    out.network = named ? std::filesystem::path(global.network) : out.datadir / "network.json";
    if (named && !std::filesystem::exists(out.network)) {
        return fail(Errc::kPrecondition, "no network file " + out.network.string());
    }
    out.poll_ms = own.poll_ms;
    return out;
}

Result<node::ExitCode> run(const node::CommandContext& context, const Options& own) {
    COVENANT_TRY(const auto endpoint, net::parse_endpoint(own.listen));
    COVENANT_TRY(const auto sink, install_log(context.global));
    COVENANT_TRY(const auto signals, node::SignalGuard::install(sink->reopener()));
    net::initialize(2);  // its threads inherit the blocked signals
    COVENANT_TRY(explorer::ServiceOptions options, service_options(context.global, own));
    SystemClock clock;
    COVENANT_TRY(const auto service, explorer::Service::open(std::move(options), clock));
    net::HttpServerOptions http;
    http.address = endpoint.first;
    http.port = endpoint.second;
    COVENANT_TRY(const auto server,
                 net::HttpServer::start(http, explorer::routes({.board = &service->board(),
                                                                .index = service->index_path()})));
    const std::string mode = service->writes() ? "" : "  (reads the index only)";
    if (context.global.json) {
        codec::Json line = codec::Json::object();
        line.set("url", server->url()).set("index", service->index_path().string());
        context.output.stream(line.set("writes", service->writes()));
    } else {
        context.output.text("covenant-explorer  " + server->url() + "  index " +
                            service->index_path().string() + mode);
    }
    const Status ended = service->run(signals->token());
    server->stop();
    COVENANT_CHECK(ended);
    return node::ExitCode::kOk;  // a signal is how this one is meant to end
}

Result<node::ExitCode> check(const node::CommandContext& context, const Options& own) {
    net::initialize(2);
    COVENANT_TRY(explorer::ServiceOptions options, service_options(context.global, own));
    SystemClock clock;
    COVENANT_TRY(const auto service, explorer::Service::open(std::move(options), clock));
    COVENANT_CHECK(service->look());
    const auto snapshot = service->board().get();
    codec::Json data = codec::Json::object();
    data.set("index", service->index_path().string())
        .set("writes", service->writes())
        .set("following", snapshot->following)
        .set("events", snapshot->events)
        .set("head", snapshot->scene.head ? codec::Json(snapshot->scene.head->number.value)
                                          : codec::Json());
    context.output.data(std::move(data));
    context.output.text("index      " + service->index_path().string() + ", " +
                        std::to_string(snapshot->events) + " events");
    context.output.text(std::string("chain      ") +
                        (snapshot->following ? "answers and is the right one"
                                             : "is not followed: the stored index is served"));
    return node::ExitCode::kOk;
}

}  // namespace

int main(int argc, char** argv) {
    Options own;
    node::CommandTree tree("covenant-explorer",
                           "follows the chain into an index, answers REST queries, serves a page",
                           std::string("covenant-explorer ") + COVENANT_VERSION + " (" +
                               COVENANT_BUILD_TYPE + ", protocol 1)");
    node::Command& running = tree.root().add("run", "serve until SIGTERM or Ctrl-C");
    running.options()
        .add("listen", own.listen, "loopback address and port; port 0 takes a free one")
        .section("explorer")
        .value_name("ADDR:PORT")
        .check(net::check_loopback);
    running.options()
        .add("poll-ms", own.poll_ms, "milliseconds between two looks at the chain")
        .section("explorer")
        .value_name("MS")
        .range(10, 60'000);
    running
        .detail(
            "Serves what it has while the chain does not answer. Without network.json, or beside "
            "another explorer of the same folder, it only reads the index.")
        .example("covenant-explorer run --datadir ./devnet-7 --listen 127.0.0.1:8600")
        .handler([&own](const node::CommandContext& context) { return run(context, own); });
    node::Command& checking = tree.root().add("check", "open what `run` opens, look once, exit");
    checking.options().append(running.options());
    checking.example("covenant-explorer check --datadir ./devnet-7");
    checking.handler([&own](const node::CommandContext& context) { return check(context, own); });
    tree.add_config_commands(running);
    tree.add_completions();
    return tree.run(argc, argv);
}
