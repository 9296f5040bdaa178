#include "common/store/open.hpp"

#include "common/store/file_store.hpp"

#include <algorithm>
#include <string>

namespace covenant::store {
namespace {

// "s3" of "s3://bucket"; nothing where the text is a path. RFC 3986, 3.1.
std::string_view scheme_of(std::string_view address) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const std::size_t colon = address.find(':');
    if (colon == std::string_view::npos || colon == 0 || !letter(address[0])) return {};
    const std::string_view scheme = address.substr(0, colon);
    const bool good = std::all_of(scheme.begin(), scheme.end(), [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    });
    return good ? scheme : std::string_view{};
}

tl::unexpected<Error> refused(std::string_view what) {
    return fail(Errc::kInvalidArgument, "store address: " + std::string(what) +
                                            "; name a folder, as a path or as file:///path");
}

}  // namespace

Result<std::filesystem::path> folder_of(std::string_view address) {
    const std::string_view scheme = scheme_of(address);
    if (!scheme.empty() && scheme != "file") {
        // Without what follows the scheme: it may hold a password.
        return refused("stores by '" + std::string(scheme) + ":' are not there yet");
    }
    std::string_view path = scheme.empty() ? address : address.substr(scheme.size() + 1);
    if (!scheme.empty() && path.starts_with("//")) {
        path.remove_prefix(2);
        if (!path.empty() && !path.starts_with('/')) return refused("file: with a host");
    }
    if (path.empty()) return refused("no path");
    return std::filesystem::path(path);
}

Status check_address(std::string_view address) {
    return folder_of(address).map([](const std::filesystem::path&) {});
}

Result<std::unique_ptr<ArtifactStore>> open(std::string_view address) {
    COVENANT_TRY(const auto path, folder_of(address));
    COVENANT_TRY(auto store, FileStore::open(path));
    return std::unique_ptr<ArtifactStore>(std::move(store));
}

}  // namespace covenant::store
