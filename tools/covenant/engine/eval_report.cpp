#include "tools/covenant/engine/eval_report.hpp"

#include "common/base/hex.hpp"

#include <bit>
#include <cmath>

#include <fmt/format.h>

namespace covenant::tool {

using codec::Json;

double EvalReport::perplexity() const {
    return std::exp(loss);
}

std::optional<bool> EvalReport::same_as_posted() const {
    if (!posted_loss) {
        return std::nullopt;
    }
    return std::bit_cast<std::uint32_t>(static_cast<float>(loss)) ==
           std::bit_cast<std::uint32_t>(*posted_loss);
}

Json eval_json(const EvalReport& report) {
    const auto same = report.same_as_posted();
    Json out = Json::object();
    out.set("model", report.model)
        .set("root", to_0x(report.root))
        .set("parameters", report.parameters)
        .set("profile", report.profile)
        .set("windows", report.windows)
        .set("tokens", report.tokens)
        .set("bytes_per_token", report.bytes_per_token)
        .set("loss", report.loss)
        .set("bits_per_byte", report.bits_per_byte)
        .set("perplexity", report.perplexity())
        .set("posted_loss",
             report.posted_loss ? Json(static_cast<double>(*report.posted_loss)) : Json())
        .set("same_as_posted", same ? Json(*same) : Json());
    return out;
}

std::vector<std::string> eval_lines(const EvalReport& report) {
    std::vector<std::string> out{
        "model      " + report.model,
        fmt::format("           {:.3f} M parameters", static_cast<double>(report.parameters) / 1e6),
        "root       " + to_0x(report.root),
        fmt::format("held out   {} windows, {} tokens predicted", report.windows, report.tokens),
        fmt::format("           {:.3f} bytes a token", report.bytes_per_token),
        "profile    " + report.profile,
        fmt::format("loss       {:.6f} nats a token", report.loss),
        fmt::format("           {:.6f} bits a byte, perplexity {:.6g}", report.bits_per_byte,
                    report.perplexity())};
    if (const auto same = report.same_as_posted()) {
        out.push_back(fmt::format("on chain   {:.6f}, {}", *report.posted_loss,
                                  *same ? "the same bits" : "DIFFERENT"));
    }
    return out;
}

}  // namespace covenant::tool
