#include "wg4netns/engines/netavark_json.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

namespace wg4::netavark {
namespace {

using Json = nlohmann::json;

constexpr unsigned max_port = 65535;
constexpr const char* no_mac_address = "00:00:00:00:00:00";  // a tunnel has none

/// Is it free of bytes that would end a line of ours, or cut it short?
bool is_plain(const std::string& text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// A member that is text; empty if there is none.
Result<std::string> text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return std::string();
  if (!found->is_string() || !is_plain(found->get_ref<const std::string&>()))
    return fail(std::string("the engine's ") + name + " is not text");
  return found->get<std::string>();
}

Result<std::string> needed_text(const Json& object, const char* name) {
  std::string text = TRY(text_of(object, name));
  if (text.empty()) return fail(std::string("the engine names no ") + name);
  return text;
}

/// A member that is an object; an empty one if there is none.
Result<Json> object_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return Json::object();
  if (!found->is_object()) return fail(std::string("the engine's ") + name + " is not an object");
  return *found;
}

Result<Json> parse_object(std::string_view text) {
  if (text.size() > max_input) return fail("the engine's request is larger than 1 MiB");
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return fail("the engine's request is not a JSON object");
  return json;
}

Result<NetworkOptions> parse_options(const Json& network) {
  NetworkOptions options;
  const Json all = TRY(object_of(network, "options"));
  for (const auto& [name, value] : all.items()) {
    const std::string text = TRY(text_of(all, name.c_str()));
    if (name == "config") {
      options.config = text;
    } else if (name == "profile") {
      options.profile = text;
    } else if (name == "mtu") {
      options.mtu = text;
    } else if (name == "publish" && (text == "true" || text == "false")) {
      options.publish = text == "true";
    } else {
      const std::string option = is_plain(name) ? std::string(name).append("=").append(text) : "";
      return fail("the network option " + option + " is unknown", 0,
                  "There are config=FILE, profile=NAME, mtu=BYTES and publish=true|false");
    }
  }
  if (!options.config.empty() && options.config.front() != '/')
    return fail("the network option config=" + options.config + " is not an absolute path");
  if (!options.config.empty() && !options.profile.empty())
    return fail("the network has the options config and profile", 0, "Give only one of them");
  return options;
}

Result<unsigned> port_of(const Json& mapping, const char* name) {
  const auto found = mapping.find(name);
  const bool fits = found != mapping.end() && found->is_number_unsigned() && found->get<std::uint64_t>() >= 1 &&
                    found->get<std::uint64_t>() <= max_port;
  if (!fits) return fail(std::string("the engine's ") + name + " is not a port");
  return static_cast<unsigned>(found->get<std::uint64_t>());
}

Result<Port> parse_port(const Json& mapping) {
  if (!mapping.is_object()) return fail("the engine's port_mappings are not objects");
  Port port{.host_address = TRY(text_of(mapping, "host_ip")),
            .host_port = TRY(port_of(mapping, "host_port")),
            .container_port = TRY(port_of(mapping, "container_port")),
            .range = mapping.contains("range") ? TRY(port_of(mapping, "range")) : 1U,
            .protocol = TRY(needed_text(mapping, "protocol"))};
  if (std::max(port.host_port, port.container_port) + port.range - 1 > max_port)
    return fail("the engine's port_mappings go beyond port 65535");
  return port;
}

Result<std::vector<Port>> parse_ports(const Json& request) {
  std::vector<Port> ports;
  const auto found = request.find("port_mappings");
  if (found == request.end() || found->is_null()) return ports;
  if (!found->is_array()) return fail("the engine's port_mappings are not a list");
  for (const Json& mapping : *found) ports.push_back(TRY(parse_port(mapping)));
  return ports;
}

std::string write(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

Result<Container> parse_container(std::string_view text) {
  const Json request = TRY(parse_object(text));
  const Json network = TRY(object_of(request, "network"));
  const Json place = TRY(object_of(request, "network_options"));
  return Container{.id = TRY(needed_text(request, "container_id")),
                   .name = TRY(needed_text(request, "container_name")),
                   .ifname = TRY(needed_text(place, "interface_name")),
                   .options = TRY(parse_options(network)),
                   .ports = TRY(parse_ports(request))};
}

Result<Network> parse_network(std::string_view text) {
  Json network = TRY(parse_object(text));
  const auto subnets = network.find("subnets");
  if (subnets != network.end() && !subnets->empty())
    return fail("the network has subnets", 0, "Leave them out: the addresses are those of the configuration");
  NetworkOptions options = TRY(parse_options(network));
  network["ipam_options"] = {{"driver", "none"}};  // no addresses of the engine's own
  network["dns_enabled"] = false;
  return Network{std::move(options), write(network)};
}

std::string info(std::string_view version) {
  return write({{"version", std::string(version)}, {"api_version", "1.0.0"}});
}

std::string status(const Status& status) {
  Json subnets = Json::array();
  for (const Prefix& address : status.addresses)
    subnets.push_back({{"ipnet", address.to_string()}, {"gateway", nullptr}});
  Json servers = Json::array();
  for (const IpAddress& server : status.dns_servers) servers.push_back(server.to_string());
  const Json interface = {{"mac_address", no_mac_address}, {"subnets", subnets}};
  return write({{"dns_search_domains", status.dns_search},
                {"dns_server_ips", servers},
                {"interfaces", {{status.ifname, interface}}}});
}

std::string error(const std::string& message) { return write({{"error", message}}); }

}  // namespace wg4::netavark
