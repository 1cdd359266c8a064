#pragma once
// Ways out beside the tunnel, which the user has asked for: services of the host, and ports of its local network. Pure.
//
// Inside, something has to listen for each of them: on the loopback addresses for a service of the host, on all
// addresses for the local network, whose addresses are the namespace's own (a local route). What a connection was
// meant for is told by the address that it was made to.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/port_range.h"

namespace wg4::forward {

/// One service of the host, at 127.0.0.1 and ::1 of the namespace.
struct HostPort {
  Protocol protocol = Protocol::tcp;
  std::uint16_t inside = 0;
  Endpoint host;  ///< loopback

  friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// Ports of a part of the local network, TCP and UDP.
struct LanPorts {
  Prefix network;  ///< masked
  std::vector<PortRange> ports;

  friend bool operator==(const LanPorts&, const LanPorts&) = default;
};

/// What has to listen inside.
struct InsideListener {
  Protocol protocol = Protocol::tcp;
  Endpoint address;  ///< loopback or unspecified
};

struct Ways {
  std::vector<HostPort> host_ports;
  std::vector<LanPorts> lan;

  static constexpr std::size_t max_listeners = 200;

  [[nodiscard]] bool empty() const { return host_ports.empty() && lan.empty(); }
  /// Each once. A listener on all addresses of a port also takes what is for its loopback address.
  [[nodiscard]] std::vector<InsideListener> listeners() const;
  /// The endpoint outside for a connection or datagram that was sent to `asked` inside; nothing if no way leads there.
  [[nodiscard]] std::optional<Endpoint> target(Protocol protocol, const Endpoint& asked) const;
  /// TCP ports of all targets.
  [[nodiscard]] std::vector<std::uint16_t> tcp_ports() const;
  /// The parts of the local network.
  [[nodiscard]] std::vector<Prefix> networks() const;
  /// For people: "host port 127.0.0.1:5432 (tcp) at 127.0.0.1:15432".
  [[nodiscard]] std::vector<std::string> sentences() const;
};

/// --host-port: [PROTO:]INSIDE:[ADDRESS:]PORT, IPv6 addresses in brackets.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);

/// --lan: CIDR:PORT[,PORT...], a PORT may be a range, and an IPv6 CIDR is in brackets.
[[nodiscard]] Result<LanPorts> parse_lan(std::string_view text);

/// All of them. What contradicts another one, and more than max_listeners, is an error.
[[nodiscard]] Result<Ways> parse_ways(std::span<const std::string> host_ports, std::span<const std::string> lan);

}  // namespace wg4::forward
