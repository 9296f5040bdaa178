#include "common/store/artifact_store.hpp"

#include <algorithm>

namespace covenant::store {
namespace {

bool name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

tl::unexpected<Error> bad_name(std::string_view name, std::string_view reason) {
    std::string shown;
    for (const char c : name.substr(0, 64)) {
        shown.push_back(name_character(c) || c == '/' ? c : '?');
    }
    return fail(
        Errc::kInvalidArgument,
        "store name \"" + shown + (name.size() > 64 ? "…\": " : "\": ") + std::string(reason));
}

// partial: the last part may be unfinished, or not begun.
Status check(std::string_view name, bool partial) {
    if (name.size() > kMaxNameBytes) {
        return bad_name(name, "longer than " + std::to_string(kMaxNameBytes) + " bytes");
    }
    for (std::string_view rest = name;;) {
        const std::size_t slash = rest.find('/');
        const bool last = slash == std::string_view::npos;
        const std::string_view part = rest.substr(0, slash);
        if (!std::all_of(part.begin(), part.end(), name_character)) {
            return bad_name(name, "a character outside [a-zA-Z0-9_./-]");
        }
        if (part.size() > kMaxNamePartBytes) {
            return bad_name(name,
                            "a part longer than " + std::to_string(kMaxNamePartBytes) + " bytes");
        }
        if (!(last && partial)) {
            if (part.empty()) return bad_name(name, "an empty part");
            if (part == "." || part == "..") return bad_name(name, "a part that is . or ..");
        }
        if (last) return {};
        rest.remove_prefix(slash + 1);
    }
}

}  // namespace

Status check_name(std::string_view name) {
    return check(name, false);
}
Status check_name_prefix(std::string_view prefix) {
    return check(prefix, true);
}

}  // namespace covenant::store
