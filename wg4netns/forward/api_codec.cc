#include "wg4netns/forward/api_codec.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"

namespace wg4::forward::api {
namespace {

using Json = nlohmann::json;

/// A member of `arguments`; null if there is none.
const Json& argument(const Json& request, const char* name) {
  static const Json null;
  const auto arguments = request.find("arguments");
  if (arguments == request.end() || !arguments->is_object()) return null;
  const auto found = arguments->find(name);
  return found == arguments->end() ? null : *found;
}

/// An integer from 1 to `last`.
std::optional<std::uint32_t> positive(const Json& value, std::uint32_t last) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  const bool in_range = number >= 1 && number <= last;  // JSON has no NaN
  if (!in_range) return std::nullopt;
  const auto whole = static_cast<std::uint32_t>(number);
  if (static_cast<double>(whole) != number) return std::nullopt;
  return whole;
}

std::optional<std::uint16_t> port(const Json& value) {
  const auto number = positive(value, UINT16_MAX);
  return number ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

std::optional<IpAddress> address(const Json& value, const IpAddress& otherwise) {
  if (value.is_null()) return otherwise;
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  return text.empty() ? otherwise : IpAddress::parse(text);
}

Result<Request> parse_add(const Json& request, const IpAddress& guest) {
  const auto bad = [](const char* name) { return fail(std::string("add_hostfwd: bad arguments.") + name); };
  Rule rule;
  const Json& protocol = argument(request, "proto");
  if (protocol == "udp")
    rule.protocol = Protocol::udp;
  else if (protocol != "tcp")
    return bad("proto");
  const auto host_address = address(argument(request, "host_addr"), IpAddress{});
  if (!host_address) return bad("host_addr");
  const auto host_port = port(argument(request, "host_port"));
  if (!host_port) return bad("host_port");
  const auto guest_address = address(argument(request, "guest_addr"), guest);
  if (!guest_address) return bad("guest_addr");
  const auto guest_port = port(argument(request, "guest_port"));
  if (!guest_port) return bad("guest_port");
  rule.host = {*host_address, *host_port};
  rule.guest = {*guest_address, *guest_port};
  return Add{rule};
}

}  // namespace

Result<Request> parse_request(std::string_view text, const IpAddress& guest) {
  // Programs in C may also send the NUL at the end of their string.
  while (text.ends_with('\0')) text.remove_suffix(1);
  const Json request = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (request.is_discarded()) return fail("cannot parse JSON");
  if (!request.is_object()) return fail("json_object() failed");
  const auto execute = request.find("execute");
  if (execute == request.end() || !execute->is_string()) return fail("no execute found");
  if (*execute == "add_hostfwd") return parse_add(request, guest);
  if (*execute == "list_hostfwd") return List{};
  if (*execute == "remove_hostfwd") return Remove{positive(argument(request, "id"), UINT32_MAX).value_or(0)};
  return fail("unknown execute");
}

std::string added(RuleId id) { return R"({"return":{"id":)" + std::to_string(id) + "}}"; }

std::string removed() { return R"({"return":{}})"; }

std::string refused(std::string_view what) {
  return R"({"error":{"desc":"bad request: )" + std::string(what) + R"("}})";
}

// Protocols, addresses and numbers need no escaping; members are in slirp4netns's order.
std::string listed(const std::map<RuleId, Rule>& rules) {
  std::string text = R"({"entries":[)";
  for (const auto& [id, rule] : rules) {
    if (text.back() == '}') text.push_back(',');
    text.append(R"({"id":)").append(std::to_string(id));
    text.append(R"(,"proto":")").append(name_of(rule.protocol));
    text.append(R"(","host_addr":")").append(rule.host.address.to_string());
    text.append(R"(","host_port":)").append(std::to_string(rule.host.port));
    text.append(R"(,"guest_addr":")").append(rule.guest.address.to_string());
    text.append(R"(","guest_port":)").append(std::to_string(rule.guest.port)).append("}");
  }
  return text.append("]}");
}

}  // namespace wg4::forward::api
