#include "wg4netns/engines/slirp4netns_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cstddef>

namespace wg4 {
namespace {

/// Six pairs of hex digits with colons between them.
bool is_mac_address(const std::string& text) {
  constexpr std::size_t size = 17;
  if (text.size() != size) return false;
  for (std::size_t i = 0; i < size; ++i)
    if (i % 3 == 2 ? text[i] != ':' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  return true;
}

}  // namespace

void add_engine_options(CLI::App& app, EngineArguments& arguments) {
  app.option_defaults()->group("Engines, see wireguard4netns-slirp4netns(1)");
  app.add_flag("--engine-addresses", arguments.wanted, "Provide what engines expect: address N+100, and DNS at N+3");
  app.add_flag("--no-engine-addresses", arguments.refused, "Do not, whatever else looks like an engine")
      ->excludes("--engine-addresses");
  app.add_option("--cidr", arguments.cidr, "The engine's network; default 10.0.2.0/24")->type_name("CIDR");
  app.add_flag("--disable-dns", arguments.disable_dns, "Refuse name look-ups at N+3");
  app.add_option("--macaddress", arguments.mac_address, "Accepted with -c: a tunnel has no such address")
      ->type_name("MAC")
      ->needs("--configure");
  app.add_flag("--disable-host-loopback", arguments.accepted,
               "Accepted: the host's loopback is out of reach in any case");
  app.add_flag("--no-host-loopback", arguments.accepted, "Accepted: an old name of that");
  app.add_flag("-6,--enable-ipv6", arguments.accepted, "Accepted: the configuration's addresses decide");
  app.add_option("--target-type", arguments.target_type, "netns")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"netns"}).description(""));
}

Result<std::optional<EngineOptions>> engine_options(const EngineArguments& arguments, const std::string& program,
                                                    const std::string& ifname) {
  if (arguments.mac_address && !is_mac_address(*arguments.mac_address))
    return fail("--macaddress " + *arguments.mac_address + " is not a MAC address", 0,
                "Write it like 02:00:00:00:00:01");
  EngineOptions options =
      slirp_network(arguments.cidr ? TRY(parse_engine_network(*arguments.cidr)) : default_engine_network());
  options.dns = !arguments.disable_dns;
  const bool named = is_called_as_slirp4netns(program) || ifname == "tap0";
  options.adds_default_route = named;  // but for --configure, with which the engine leaves all to us
  const bool implied = named || arguments.cidr || arguments.disable_dns || arguments.accepted;
  if (arguments.refused || !(implied || arguments.wanted)) return std::nullopt;
  return options;
}

}  // namespace wg4
