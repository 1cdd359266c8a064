#include "wg4netns/commands/run_options.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "netns-helper/container/name_files.h"
#include "shared/net/ip_address.h"
#include "shared/sys/log.h"
#include "wg4netns/commands/provider_port.h"
#include "wg4netns/commands/tunnel_options.h"
#include "wg4netns/forward/ways.h"

namespace wg4 {
namespace {

void add_identity_options(Parser& parser, RunOptions& options) {
  parser.begin_group("Identity");
  parser.flag("-r,--root", options.ids.root, "Be root inside, without rights outside");
  parser.flag("--map-auto", options.ids.sub_ids,
              "Have the user's ids of /etc/subuid inside, so that sudo and apt work");
  parser.flag("--pid", options.plan.own_pids, "Have a PID namespace as well: all that runs inside ends together");
}

void add_container_options(Parser& parser, RunOptions& options) {
  parser.begin_group("Container");
  parser.flag("--container", options.container.usual,
              "Show a read-only system and empty homes; wireguard4netns-container(1) has words that change that");
}

void add_servers(RunOptions& options, const std::vector<std::string>& words) {
  for (const std::string& word : words)
    if (const auto address = IpAddress::parse(word)) options.dns.push_back(*address);
}

std::string check_server(const std::string& word) {
  return IpAddress::parse(word) ? "" : "no address of a DNS server: " + word;
}

template <class T>
std::string fault_of(const Result<T>& parsed) {
  return parsed ? "" : parsed.error().message();
}

std::string check_added_host(const std::string& word) { return fault_of(container::parse_added_host(word)); }

void add_name_options(Parser& parser, RunOptions& options) {
  parser.begin_group("Names");
  parser
      .list(
          "--dns", "ADDRESS", [&options](const std::vector<std::string>& words) { add_servers(options, words); },
          "DNS servers in the tunnel, comma separated; default the configuration's DNS")
      .checked(check_server);
  parser.option("--hosts-file", "FILE", options.hosts_file, "Its lines are in /etc/hosts; default none of the host's");
  parser.option("--add-host", "NAME:ADDRESS", options.added_hosts, "A line for /etc/hosts")
      .repeated()
      .checked(check_added_host);
}

void add_access_options(Parser& parser, RunOptions& options) {
  parser.begin_group("Ways out and in");
  parser.flag("--session-bus", options.plan.session_bus, "The user's D-Bus is reachable: desktop programs may need it");
  parser.flag("--system-bus", options.plan.system_bus, "The host's D-Bus is reachable");
  parser
      .option("-p,--publish", "SPEC", options.published,
              "Publish a port of the command on the host: [ADDRESS:]PORT:[ADDRESS:]PORT[/udp]")
      .repeated();
}

/// Services of the host, and of its network.
void add_way_options(Parser& parser, RunOptions& options) {
  parser
      .option("--host-port", "SPEC", options.host_ports,
              "A service of the host is at 127.0.0.1:INSIDE: [tcp:|udp:]INSIDE:[ADDRESS:]PORT")
      .repeated()
      .checked([](const std::string& word) { return fault_of(forward::parse_host_port(word)); });
  parser
      .option("--lan", "SPEC", options.lan,
              "Ports of the local network are reachable: CIDR:PORT[,PORT...], as 192.168.1.0/24:80,8000-8010")
      .repeated()
      .checked([](const std::string& word) { return fault_of(forward::parse_lan(word)); });
}

void add_port_options(Parser& parser, RunOptions& options) {
  parser
      .option("--port-forwarding", "natpmp[:GATEWAY]", options.port_forwarding,
              "Have the provider forward a port, asked for by NAT-PMP; default natpmp, with a gateway that is guessed")
      .or_alone_joined("natpmp")
      .checked([](const std::string& word) { return fault_of(parse_provider_port(word)); });
  parser.option("--port-file", "FILE", options.port_file, "Has the forwarded port").needs("--port-forwarding");
  parser
      .option("--port-forwarding-callback", "COMMAND", options.port_callback,
              "Run inside for each port that is forwarded; {{PORT}} in it is the port")
      .needs("--port-forwarding");
}

bool is_separator(const char* word) { return std::string_view(word) == "--"; }

}  // namespace

void add_run_options(Parser& parser, RunOptions& options) {
  parser.begin_group("Tunnel");
  parser.option("-n,--name", "NAME", options.name,
                "Name of the tunnel; default the profile's. One that runs is joined");
  bool& handshake = options.wait_for_handshake;
  parser
      .option(
          "--wait", "WHAT", [&handshake](const std::string& what) { handshake = what == "handshake"; },
          "interface (the default) or handshake: begin once a peer has answered")
      .one_of({"interface", "handshake"});
  add_identity_options(parser, options);
  add_container_options(parser, options);
  add_name_options(parser, options);
  add_access_options(parser, options);
  add_way_options(parser, options);
  add_port_options(parser, options);
  add_helper_option(parser, options.helper);
  add_common_tunnel_options(parser, options.tunnel, log::Level::warning);
  add_binding_options(parser, options.tunnel);
}

SplitWords split_words(const Arguments& arguments) {
  SplitWords split{.ours = arguments, .command = {}, .has_command = false};
  const auto separator = std::ranges::find_if(arguments.words, is_separator);
  if (separator == arguments.words.end()) return split;
  const auto count = static_cast<std::size_t>(separator - arguments.words.begin());
  split.ours.words = arguments.words.first(count);
  for (const char* word : arguments.words.subspan(count + 1)) split.command.emplace_back(word);
  split.has_command = true;
  return split;
}

Result<void> apply_source(RunOptions& options) {
  if (!options.source) return {};
  const std::string& source = *options.source;
  if (options.tunnel.config || options.tunnel.profile)
    return fail(
        "'" + source + "' and " + (options.tunnel.config ? "--config" : "--profile") + " both name a configuration", 0,
        "Leave out one of them; a command to run goes behind --");
  const bool is_file = source.find('/') != std::string::npos || source.ends_with(".conf");
  (is_file ? options.tunnel.config : options.tunnel.profile) = source;
  return {};
}

std::vector<std::string> to_words(const RunOptions& options) {
  std::vector<std::string> words;
  const auto flag = [&](bool given, const char* word) {
    if (given) words.emplace_back(word);
  };
  flag(options.ids.root, "--root");
  flag(options.ids.sub_ids, "--map-auto");
  flag(options.plan.own_pids, "--pid");
  words.insert(words.end(), options.container_words.begin(), options.container_words.end());
  flag(options.plan.session_bus, "--session-bus");
  flag(options.plan.system_bus, "--system-bus");
  for (const IpAddress& server : options.dns) words.push_back("--dns=" + server.to_string());
  if (options.hosts_file) words.push_back("--hosts-file=" + *options.hosts_file);
  for (const std::string& host : options.added_hosts) words.push_back("--add-host=" + host);
  for (const std::string& spec : options.published) words.push_back("--publish=" + spec);
  for (const std::string& spec : options.host_ports) words.push_back("--host-port=" + spec);
  for (const std::string& spec : options.lan) words.push_back("--lan=" + spec);
  if (options.port_forwarding) words.push_back("--port-forwarding=" + *options.port_forwarding);
  if (options.port_file) words.push_back("--port-file=" + *options.port_file);
  if (options.port_callback) words.push_back("--port-forwarding-callback=" + *options.port_callback);
  if (options.tunnel.mtu) words.push_back("--mtu=" + std::to_string(*options.tunnel.mtu));
  if (!options.tunnel.outbound_v4.empty()) words.push_back("--outbound-addr=" + options.tunnel.outbound_v4);
  if (!options.tunnel.outbound_v6.empty()) words.push_back("--outbound-addr6=" + options.tunnel.outbound_v6);
  return words;
}

}  // namespace wg4
