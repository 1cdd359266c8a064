#include "wg4netns/engines/slirp4netns_options.h"

#include <cctype>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shared/base/result.h"
#include "wg4netns/commands/attach_command.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/daemon/engine_network.h"

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

/// The words of the command line, as they were written.
struct EngineArguments {
  std::optional<std::string> cidr;
  std::optional<std::string> mac_address;
  std::optional<std::string> target_type;
  bool disable_dns = false;
  bool accepted = false;  // an option that only engines use and that needs nothing to be done
  bool wanted = false;    // --engine-addresses
  bool refused = false;   // --no-engine-addresses
};

void add_engine_options(Parser& parser, EngineArguments& arguments) {
  parser.begin_group("Engines, see wireguard4netns-slirp4netns(1)");
  parser.flag("--engine-addresses", arguments.wanted, "Provide what engines expect: address N+100, and DNS at N+3");
  parser.flag("--no-engine-addresses", arguments.refused, "Do not, whatever else looks like an engine")
      .excludes("--engine-addresses");
  parser.option("--cidr", "CIDR", arguments.cidr, "The engine's network; default 10.0.2.0/24");
  parser.flag("--disable-dns", arguments.disable_dns, "Refuse name look-ups at N+3");
  parser.option("--macaddress", "MAC", arguments.mac_address, "Accepted with -c: a tunnel has no such address")
      .needs("--configure");
  parser.flag("--disable-host-loopback", arguments.accepted,
              "Accepted: the host's loopback is out of reach in any case");
  parser.flag("--no-host-loopback", arguments.accepted, "Accepted: an old name of that");
  parser.flag("-6,--enable-ipv6", arguments.accepted, "Accepted: the configuration's addresses decide");
  parser.option("--target-type", "TYPE", arguments.target_type, "netns").only("netns");
}

/// Nothing for a plain tunnel.
Result<std::optional<EngineOptions>> engine_options(const EngineArguments& arguments, std::string_view program,
                                                    const std::string& ifname) {
  if (arguments.mac_address && !is_mac_address(*arguments.mac_address))
    return fail("--macaddress " + *arguments.mac_address + " is not a MAC address", 0,
                "Write it like 02:00:00:00:00:01");
  EngineOptions options =
      slirp_network(arguments.cidr ? TRY(parse_engine_network(*arguments.cidr)) : default_engine_network());
  options.dns = !arguments.disable_dns;
  const bool named = program == "slirp4netns" || ifname == "tap0";
  options.adds_default_route = named;  // but for --configure, with which the engine leaves all to us
  const bool implied = named || arguments.cidr || arguments.disable_dns || arguments.accepted;
  if (arguments.refused || !(implied || arguments.wanted)) return std::nullopt;
  return options;
}

}  // namespace

Parsed<AttachCommand> parse_attach(const Arguments& arguments) {
  TRY(check_first_word(arguments));
  AttachArguments attach;
  EngineArguments engine;
  Parser parser(introduction(arguments.table), arguments);
  add_attach_options(parser, attach);
  add_engine_options(parser, engine);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  AttachCommand command = TRY(attach_command(attach, arguments.table));
  command.engine = TRY(engine_options(engine, arguments.program, command.ifname));
  command.forward.guest = (command.engine ? *command.engine : slirp_network(default_engine_network())).guest->address;
  return command;
}

}  // namespace wg4
