// The explorer's page, embedded: web/page.html, .css and .js.
#pragma once

#include <string_view>

namespace covenant::explorer {

std::string_view page_html();
std::string_view page_css();
std::string_view page_js();

// Nothing but our own files may run or load.
inline constexpr std::string_view kPagePolicy =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

}  // namespace covenant::explorer
