#include "wg4netns/commands/tunnel_options.h"

#include <climits>
#include <vector>

#include "shared/net/mtu.h"
#include "wg4netns/daemon/observe.h"
#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

void switch_off(Offloads& offloads, const std::string& name) {
  const bool all = name == "all";
  if (all || name == "vnet-hdr") offloads.vnet_header = false;
  if (all || name == "checksum") offloads.checksum = false;
  if (all || name == "tso") offloads.tso = false;
  if (all || name == "uso") offloads.uso = false;
  if (all || name == "udp-segment") offloads.udp_segment = false;
  if (all || name == "udp-gro") offloads.udp_gro = false;
}

void add_configuration_options(Parser& parser, TunnelOptions& options) {
  parser.begin_group("Configuration");
  parser.option("--config", "FILE", options.config, "wg-quick file (or WIREGUARD4NETNS_CONFIG)");
  parser.option("--profile", "NAME", options.profile, "The file profiles/NAME.conf (or WIREGUARD4NETNS_PROFILE)")
      .excludes("--config");
  parser.flag("--allow-shared-key", options.allow_shared_key, "Start even if a tunnel that runs has the same key")
      .or_environment("WIREGUARD4NETNS_ALLOW_SHARED_KEY");
  parser
      .option("--control", "NAME", options.control, "Name that 'wg' and 'show' know it by; default IFNAME; off = none")
      .or_environment("WIREGUARD4NETNS_CONTROL")
      .checked([](const std::string& name) {
        return uapi::is_socket_name(name) ? "" : "no name for an interface: " + name;
      });
}

void add_transport_options(Parser& parser, TunnelOptions& options) {
  parser.begin_group("Transport");
  parser
      .list(
          "--no-offload", "LIST",
          [&options](const std::vector<std::string>& names) {
            for (const std::string& name : names) switch_off(options.offloads, name);
          },
          "Do without, comma separated: vnet-hdr checksum tso uso udp-segment udp-gro; or all")
      .one_of({"vnet-hdr", "checksum", "tso", "uso", "udp-segment", "udp-gro", "all"});
  parser
      .option(
          "--threads", "N",
          [&options](const std::string& text) {
            if (text != "auto") options.threads = static_cast<unsigned>(std::stoul(text, nullptr, 0));
          },
          "Threads that move packets, 1 to 8, or auto (the default): as many as pay on this machine")
      .within_or(1, 8, "auto");
  parser.option("--cipher", "NAME", options.cipher, "Implementation of the cipher; default the fastest that runs here");
}

void add_confining_options(Parser& parser, SandboxOptions& options) {
  parser.begin_group("Sandbox");
  add_sandbox_option(parser, options.mode).or_environment("WIREGUARD4NETNS_SANDBOX");
  parser.flag("--enable-sandbox", options.root_required,
              "Do not start without an empty root directory; --sandbox=off wins");
  parser.flag("--create-sandbox", options.root_required, "The same, by its old name");
  parser.flag("--enable-seccomp", options.seccomp_required,
              "Do not start without a system call filter; --sandbox=off wins");
}

void add_observing_options(Parser& parser, ObserveOptions& options) {
  parser.begin_group("Observing, see wireguard4netns-observe(1)");
  parser.option("--metrics", "ADDR:PORT", options.metrics,
                "Serve metrics for Prometheus at this address, or unix:PATH");
  parser.option("--pcap", "FILE", options.pcap, "Capture the packets inside and outside, as pcapng; - is stdout");
  parser.flag("--pcap-keys", options.pcap_keys, "With the keys that decrypt them: the file is a secret then")
      .needs("--pcap");
}

}  // namespace

void add_tunnel_options(Parser& parser, TunnelOptions& options) {
  add_common_tunnel_options(parser, options);
  add_binding_options(parser, options);
  parser.option("-e,--exit-fd", "FD", options.exit_fd, "End when this descriptor hangs up").within(0, INT_MAX);
  parser.option("-r,--ready-fd", "FD", options.ready_fd, "Write 1 to this descriptor once the interface works")
      .within(0, INT_MAX);
}

void add_binding_options(Parser& parser, TunnelOptions& options) {
  parser.begin_group("Transport");
  parser.option("--outbound-addr", "WHERE", options.outbound_v4, "IPv4 address or interface that UDP is bound to");
  parser.option("--outbound-addr6", "WHERE", options.outbound_v6, "IPv6 address or interface that UDP is bound to");
  parser.begin_group("Namespace");
  parser
      .option("-m,--mtu", "BYTES", options.mtu,
              "MTU of the interface in bytes; default from the configuration or route")
      .within(min_ipv4_mtu, 65521);
}

void add_common_tunnel_options(Parser& parser, TunnelOptions& options, log::Level usual) {
  parser.add_help_all();
  parser.add_log_level(usual);
  add_configuration_options(parser, options);
  add_transport_options(parser, options);
  add_confining_options(parser, options.sandbox);
  add_observing_options(parser, options.observe);
}

Option add_sandbox_option(Parser& parser, SandboxMode& mode) {
  return parser.choice("--sandbox", "MODE", mode,
                       {{"auto", SandboxMode::automatic}, {"on", SandboxMode::on}, {"off", SandboxMode::off}},
                       "auto (the default: what this host permits), on (all or an error) or off");
}

void add_helper_option(Parser& parser, std::optional<std::string>& helper) {
  parser.option("--helper", "FILE", helper, "The wg4netns-helper to use (or WIREGUARD4NETNS_HELPER)");
}

}  // namespace wg4
