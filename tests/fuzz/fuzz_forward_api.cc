// Requests at the API socket come from any process of the user: none may crash, and an accepted rule is complete, and
// listed as it was requested.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "shared/base/check.h"
#include "shared/net/ip_address.h"
#include "wg4netns/forward/api_codec.h"

namespace {

namespace api = wg4::forward::api;

/// The list's entry as a request: its members have the names of the arguments.
std::string as_request(const std::string& list) {
  const std::string_view entries = std::string_view(list).substr(list.find('[') + 1);
  return R"({"execute":"add_hostfwd","arguments":)" + std::string(entries.substr(0, entries.find('}') + 1)) + "}";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  const wg4::IpAddress guest = *wg4::IpAddress::parse("10.0.2.100");
  const auto request = api::parse_request(text, guest);
  if (!request) {
    const std::string& what = request.error().what;
    CHECK(what.find_first_of("\"\\\n") == std::string::npos);  // it goes into a reply as it is
    return 0;
  }
  if (const auto* add = std::get_if<api::Add>(&*request)) {
    const auto& rule = add->rule;
    CHECK(rule.host.port != 0 && rule.guest.port != 0);
    const auto again = api::parse_request(as_request(api::listed({{1, rule}})), guest);
    CHECK(again.has_value() && std::get<api::Add>(*again).rule == rule);
  }
  return 0;
}
