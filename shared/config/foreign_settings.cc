// Sources: amneziawg-tools' config.c and its releases, WireSock's SDK (TunnlTo and WireSockUI write the same keys), the
// Android application and WG Tunnel, wireproxy, systemd.netdev(5), clients of Cloudflare WARP.

#include "shared/config/foreign_settings.h"

#include <algorithm>
#include <array>
#include <string>

#include "shared/config/conf_text.h"

namespace wg4 {
namespace {

constexpr const char* not_plain = "Ask the provider for a plain WireGuard configuration";
constexpr const char* only_junk =
    "Remove the line if the other end is plain WireGuard, which ignores the packets that it adds; else ask the "
    "provider for a plain WireGuard configuration";
constexpr const char* all_of_the_namespace =
    "Remove the line: all that is in the namespace uses the tunnel, and nothing else does";
constexpr const char* no_meaning = "Remove the line: there is no such thing here";

struct Dialect {
  std::string_view names;  ///< with spaces in between
  const char* program;
  const char* next;
};

constexpr auto settings = std::to_array<Dialect>({
    // These change the format of packets, so that no WireGuard peer understands them.
    {"S1 S2 S3 S4 H1 H2 H3 H4 AdvancedSecurity HeaderProtectionKey ContentPaddingAddition RandomTrailers "
     "DisableCookies",
     "AmneziaWG's obfuscation, which is not supported", not_plain},
    // These send packets before a handshake.
    {"Jc Jmin Jmax Jd I1 I2 I3 I4 I5 J1 J2 J3 ITime", "AmneziaWG's obfuscation, which is not supported", only_junk},
    {"RekeyAfterTime RekeyTimeout RejectAfterTime KeepaliveTimeout MaxHandshakeAttempts",
     "AmneziaWG; plain WireGuard's times are fixed", "Remove the line"},
    {"Id Ip Ib", "WireSock's protocol masking, which is not supported", only_junk},
    {"AllowedApps DisallowedApps", "WireSock", all_of_the_namespace},
    {"DisallowedIPs", "WireSock", "Remove the line, and take these networks out of AllowedIPs"},
    {"Socks5Proxy Socks5ProxyUsername Socks5ProxyPassword Socks5ProxyAllTraffic Socks5Username Socks5Password",
     "WireSock: the way to the peer leads through a proxy", "Remove the line if the peer can be reached without it"},
    {"BypassLanTraffic VirtualAdapterMode EnableDefaultGateway ScriptExecTimeout", "WireSock", no_meaning},
    {"IncludedApplications ExcludedApplications", "WireGuard for Android", all_of_the_namespace},
    {"Reserved ClientId", "Cloudflare WARP's clients: bytes that plain WireGuard leaves zero", not_plain},
    {"PrivateKeyFile PresharedKeyFile", "systemd.netdev(5)", "Write the key itself, as PrivateKey or PresharedKey"},
    {"RouteTable RouteMetric FirewallMark", "systemd.netdev(5)",
     "Remove the line; Table and FwMark are the names in this format"},
    {"WGConfig CheckAlive CheckAliveInterval BindAddress", "wireproxy", no_meaning},
});

constexpr auto sections = std::to_array<Dialect>({
    {"[NetDev] [WireGuard] [WireGuardPeer] [Match] [Network] [Route]", "systemd-networkd",
     "Write a wg-quick file: [Interface] with PrivateKey and Address, and a [Peer] for each peer"},
    {"[Socks5] [http] [TCPClientTunnel] [TCPServerTunnel] [STDIOTunnel] [UDPProxyTunnel] [Resolve]", "wireproxy",
     "Remove the section: the namespace's own connections go through the tunnel; -p publishes ports of it"},
});

bool names(const Dialect& dialect, std::string_view word) {
  std::string_view rest = dialect.names;
  for (auto name = conf_text::next_word(rest); !name.empty(); name = conf_text::next_word(rest))
    if (conf_text::equal_ignoring_case(name, word)) return true;
  return false;
}

/// S1 to S4 are numbers of additional bytes, 0 by default; H1 to H4 are message types, 1 to 4 in WireGuard.
bool is_as_in_wireguard(std::string_view name, std::string_view value) {
  const bool is_size = conf_text::equal_ignoring_case(name.substr(0, 1), "S");
  const bool is_type = conf_text::equal_ignoring_case(name.substr(0, 1), "H");
  return name.size() == 2 && ((is_size && value == "0") || (is_type && value == name.substr(1)));
}

}  // namespace

std::optional<Error> foreign_setting(std::string_view name, std::string_view value) {
  const auto* const dialect = std::ranges::find_if(settings, [&](const Dialect& each) { return names(each, name); });
  if (dialect == settings.end()) return std::nullopt;
  const bool plain = is_as_in_wireguard(name, value);
  return Error{std::string(name) + " is a setting of " + dialect->program, 0,
               plain ? "With this value it changes nothing: remove the line" : dialect->next};
}

std::optional<Error> foreign_section(std::string_view header) {
  const auto* const dialect = std::ranges::find_if(sections, [&](const Dialect& each) { return names(each, header); });
  if (dialect == sections.end()) return std::nullopt;
  return Error{"the section " + std::string(header) + " is one of " + dialect->program, 0, dialect->next};
}

}  // namespace wg4
