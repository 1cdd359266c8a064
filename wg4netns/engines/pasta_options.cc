#include "wg4netns/engines/pasta_options.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/net/mtu.h"
#include "shared/net/prefix.h"
#include "shared/net/protocol.h"
#include "shared/sys/log.h"
#include "wg4netns/commands/parser.h"
#include "wg4netns/commands/tunnel_options.h"
#include "wg4netns/daemon/attach_options.h"
#include "wg4netns/daemon/engine_network.h"
#include "wg4netns/forward/forward_loop.h"
#include "wg4netns/forward/pasta_ports.h"

namespace wg4 {
namespace {

/// The words of the command line, as they were written.
struct PastaArguments {
  std::string target;  // PID or path
  std::string netns;
  std::string userns;
  std::string ifname = "wg0";
  std::string pid_file;
  std::vector<std::string> tcp_ports;
  std::vector<std::string> udp_ports;
  std::vector<std::string> addresses;
  std::string netmask;
  std::vector<std::string> gateways;
  std::vector<std::string> dns_forward;
  unsigned mtu = 0;
  bool only_v4 = false;
  bool only_v6 = false;
  bool loopback = false;
  bool foreground = false;
  bool quiet = false;
  bool debug = false;
  bool accepted = false;  // options that need nothing to be done
  std::string accepted_text;
};

bool host_has_v6() { return UniqueFd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)).valid(); }

void add_namespace_options(Parser& parser, PastaArguments& arguments) {
  parser.begin_group("Namespace");
  parser.argument("PID|PATH", arguments.target, "Process, or path of a network namespace").is_file();
  parser.option("--netns", "PATH", arguments.netns, "Path of the network namespace");
  parser.option("--userns", "PATH", arguments.userns, "User namespace to work in; default: the namespace's owner");
  parser.flag("--netns-only", arguments.accepted, "Accepted");
  parser.option("-I,--ns-ifname", "NAME", arguments.ifname, "Name of the interface in the namespace; default wg0");
  parser.flag("--config-net", arguments.accepted, "Accepted: the interface is configured in any case");
  parser.option("-m,--mtu", "BYTES", arguments.mtu, "MTU of the interface in bytes, if that is less than the tunnel's")
      .within(0, UINT16_MAX);
  parser.option("-a,--address", "ADDRESS", arguments.addresses, "One more address of the interface, of each family")
      .repeated();
  parser.option("-n,--netmask", "MASK", arguments.netmask, "Network of that IPv4 address; default: it is one alone");
  parser.option("-g,--gateway", "ADDRESS", arguments.gateways, "Next hop that the default route names, of each family")
      .repeated();
  parser.flag("-4,--ipv4-only", arguments.only_v4, "No IPv6 addresses and routes in the namespace");
  parser.flag("-6,--ipv6-only", arguments.only_v6, "No IPv4 addresses and routes in the namespace")
      .excludes("--ipv4-only");
  for (const char* option : {"--no-dhcp", "--no-dhcpv6", "--no-ra", "--no-ndp"})
    parser.flag(option, arguments.accepted, "Accepted: there is none");
}

void add_traffic_options(Parser& parser, PastaArguments& arguments) {
  parser.begin_group("Traffic");
  parser
      .option("-t,--tcp-ports", "SPEC", arguments.tcp_ports,
              "TCP ports to publish: none, auto or [ADDRESS/]PORT[-PORT][:PORT[-PORT]][,...]")
      .repeated();
  parser.option("-u,--udp-ports", "SPEC", arguments.udp_ports, "The same for UDP").repeated();
  for (const char* option : {"-T,--tcp-ns", "-U,--udp-ns"})
    parser.option(option, "none", arguments.accepted_text, "Only none: the host is out of reach from the namespace")
        .only("none");
  parser.flag("--host-lo-to-ns-lo", arguments.loopback, "Published ports lead to the namespace's loopback address");
  parser
      .option("--dns-forward", "ADDRESS", arguments.dns_forward,
              "Answer name look-ups at this address, by the configuration's DNS servers")
      .repeated();
  for (const char* option : {"--map-guest-addr", "--map-host-loopback"})
    parser.option(option, "ADDRESS", arguments.accepted_text, "Accepted: the host is out of reach from the namespace");
  parser.flag("--no-map-gw", arguments.accepted, "Accepted: the same");
}

Result<IpAddress> parse_address(const std::string& option, const std::string& text) {
  const auto address = IpAddress::parse(text);
  if (!address) return fail(option + " " + text + " is not an IP address");
  return *address;
}

/// "24" or "255.255.255.0"
Result<std::uint8_t> parse_netmask(const std::string& text) {
  constexpr unsigned bits = 32;
  unsigned length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error == std::errc{} && end == text.data() + text.size() && length >= 1 && length <= bits)
    return static_cast<std::uint8_t>(length);
  if (const auto mask = IpAddress::parse(text); mask && mask->is_v4()) {
    const auto value = load_be<std::uint32_t>(mask->bytes().data());
    const int ones = std::countl_one(value);
    if (value != 0 && ones == std::popcount(value)) return static_cast<std::uint8_t>(ones);
  }
  return fail("--netmask " + text + " is no mask of an IPv4 network", 0, "Write it like 24 or 255.255.255.0");
}

Result<EngineOptions> engine_of(const PastaArguments& arguments) {
  EngineOptions engine;
  const auto length = arguments.netmask.empty() ? std::nullopt : std::optional(TRY(parse_netmask(arguments.netmask)));
  for (const std::string& text : arguments.addresses) {
    const IpAddress address = TRY(parse_address("--address", text));
    const Prefix alone{address, static_cast<std::uint8_t>(address.bits())};
    (address.is_v4() ? engine.guest : engine.guest_v6) = alone;
    if (address.is_v4() && length) engine.guest->length = *length;
  }
  for (const std::string& text : arguments.gateways) {
    const IpAddress gateway = TRY(parse_address("--gateway", text));
    std::erase_if(engine.gateways, [&](const IpAddress& other) { return other.family() == gateway.family(); });
    engine.gateways.push_back(gateway);
  }
  for (const std::string& text : arguments.dns_forward) {
    const IpAddress address = TRY(parse_address("--dns-forward", text));
    (address.is_v4() ? engine.dns_v4 : engine.dns_v6) = address;
  }
  if (arguments.only_v4) engine.only = Family::v4;
  if (arguments.only_v6) engine.only = Family::v6;
  engine.configures_at_once = true;
  return engine;
}

Result<void> publish(forward::Settings& settings, const std::vector<std::string>& texts, Protocol protocol) {
  forward::PastaPorts ports = TRY(forward::parse_pasta_ports(texts, protocol, host_has_v6()));
  if (ports.automatic) settings.automatic.excluded.emplace(protocol, std::move(ports.excluded));
  settings.published.insert(settings.published.end(), ports.rules.begin(), ports.rules.end());
  return {};
}

void add_pasta_options(Parser& parser, PastaArguments& arguments) {
  parser.last_wins();  // as getopt(3) has it: engines put their user's options beside their own
  add_namespace_options(parser, arguments);
  add_traffic_options(parser, arguments);
  parser.begin_group("Options");
  parser.flag("-f,--foreground", arguments.foreground, "Stay in the foreground");
  parser.option("-P,--pid", "FILE", arguments.pid_file, "Write the process id of the one that serves to this file");
  parser.flag("-q,--quiet", arguments.quiet, "No informational messages");
  parser.flag("-d,--debug", arguments.debug, "All messages");
  parser.flag("-e,--stderr", arguments.accepted, "Accepted: messages go to standard error");
}

/// The command that the arguments ask for; `tunnel` has the options that other commands take as well.
Result<PastaCommand> pasta_command(const PastaArguments& arguments, TunnelOptions tunnel) {
  PastaCommand command;
  AttachCommand& attach = command.attach;
  if (arguments.netns.empty() == arguments.target.empty())
    return fail("one network namespace is needed", 0, "Name it by --netns PATH, or by a PID or a path at the end");
  attach.target = arguments.netns.empty() ? arguments.target : arguments.netns;
  if (!arguments.netns.empty()) attach.target_type = TargetType::path;
  if (!arguments.userns.empty()) attach.userns_path = arguments.userns;
  attach.ifname = arguments.ifname;
  attach.until_given_up = true;
  attach.engine = TRY(engine_of(arguments));
  TRY(publish(attach.forward, arguments.tcp_ports, Protocol::tcp));
  TRY(publish(attach.forward, arguments.udp_ports, Protocol::udp));
  if (arguments.loopback) attach.forward.guest = loopback(Family::v4);
  attach.tunnel = std::move(tunnel);
  if (arguments.mtu >= min_ipv4_mtu) attach.tunnel.mtu = static_cast<std::uint16_t>(arguments.mtu);
  command.foreground = arguments.foreground;
  command.pid_file = arguments.pid_file;
  return command;
}

}  // namespace

Parsed<PastaCommand> parse_pasta(const Arguments& arguments) {
  PastaArguments pasta;
  TunnelOptions tunnel;
  Parser parser("Takes the place of pasta(1) in Podman and RootlessKit.", arguments);
  add_common_tunnel_options(parser, tunnel);
  add_pasta_options(parser, pasta);
  if (auto text = TRY(parser.parse())) return *std::move(text);
  if (pasta.quiet) log::set_level(std::min(log::level(), log::Level::warning));
  if (pasta.debug) log::set_level(log::Level::debug);
  return TRY(pasta_command(pasta, std::move(tunnel)));
}

}  // namespace wg4
