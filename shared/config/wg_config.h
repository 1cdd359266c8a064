#pragma once
// A wg-quick configuration file as a value. The text is parsed once; no later code looks at strings. Source of the
// rules: wg(8), wg-quick(8) and wireguard-tools' config.c; where versions disagree, the newest counts.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shared/base/keys.h"
#include "shared/base/result.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

namespace wg4 {

/// A host that has to be looked up: its name, or an IPv6 address with the name of its zone (without brackets).
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  [[nodiscard]] std::string to_string() const;
};

/// `Endpoint =`: an address, or a name to look up.
using PeerEndpoint = std::variant<Endpoint, HostPort>;
/// "1.2.3.4:51820", "[fd00::1]:51820", "vpn.example.com:51820".
[[nodiscard]] std::string to_string(const PeerEndpoint& endpoint);

/// One peer, merged from all [Peer] sections of its key. A later section replaces the peer's AllowedIPs (or changes
/// them, with "+" and "-" entries) and every other setting that it names.
struct PeerConfig {
  PublicKey public_key{};
  PresharedKey preshared_key;
  std::optional<PeerEndpoint> endpoint;
  std::uint16_t persistent_keepalive_s = 0;  ///< 0 = off
  std::vector<Prefix> allowed_ips;           ///< masked; each belongs to one peer, the last that names it
  std::string friendly_name;                 ///< from a "# friendly_name=" comment in the peer's section; may be empty
  unsigned line = 0;                         ///< of its first [Peer] header, for messages

  /// Null if the endpoint is a name, or there is none.
  [[nodiscard]] const Endpoint* address() const { return endpoint ? std::get_if<Endpoint>(&*endpoint) : nullptr; }
  /// Null if the endpoint is an address, or there is none.
  [[nodiscard]] const HostPort* host_name() const { return endpoint ? std::get_if<HostPort>(&*endpoint) : nullptr; }
};

/// Looks up a UDP service name ("ntp" is 123), for ports that are written as names. The look-up is a parameter; that of
/// the system is in shared/sys/service_port.h.
using ServicePort = std::optional<std::uint16_t> (*)(std::string_view name);

/// A ServicePort that knows no names.
[[nodiscard]] inline std::optional<std::uint16_t> no_services(std::string_view /*name*/) { return std::nullopt; }

/// `Table =`: the routing table.
enum class RouteTable : std::uint8_t { automatic, off, number };

struct WgConfig {
  PrivateKey private_key;  ///< zero = none given
  std::uint16_t listen_port = 0;
  std::uint32_t fwmark = 0;
  std::vector<PeerConfig> peers;

  std::vector<Prefix> addresses;  ///< host bits kept; as written, in order
  std::vector<IpAddress> dns_servers;
  std::vector<std::string> dns_search;
  std::optional<std::uint16_t> mtu;
  RouteTable table = RouteTable::automatic;
  std::uint32_t table_number = 0;

  struct Hooks {
    std::vector<std::string> pre_up, post_up, pre_down, post_down;  ///< as written: "%i" is still "%i"
    [[nodiscard]] bool empty() const {
      return pre_up.empty() && post_up.empty() && pre_down.empty() && post_down.empty();
    }
  } hooks;
  bool save_config = false;

  /// The last line that has the setting, for messages; 0 = none.
  struct Lines {
    unsigned listen_port = 0, fwmark = 0, mtu = 0, table = 0, hooks = 0, save_config = 0;
  } lines;

  /// Remarks about settings that work, but perhaps not as meant: "line 7: AllowedIPs 10.0.0.1/8 has host ...".
  std::vector<std::string> warnings;

  /// Do some peer's AllowedIPs contain the address?
  [[nodiscard]] bool leads_to(const IpAddress& address) const;

  /// Parses a whole file. Errors name the line: "line 12: unknown key 'Foo' ...". No message ever quotes a key. A byte
  /// order mark in front of UTF-8 is ignored. The caller wipes `text`; the parser keeps copies of keys in Secrets only.
  [[nodiscard]] static Result<WgConfig> parse(std::string_view text, ServicePort services = no_services);
};

}  // namespace wg4
