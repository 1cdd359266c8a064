#pragma once
// The requests of netavark and Podman to a network plugin, and its answers: JSON on standard input and output
// (netavark's plugin-API.md). The JSON library stays in netavark_json.cc. Pure.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/net/ip_address.h"
#include "shared/net/prefix.h"

namespace wg4::netavark {

inline constexpr std::size_t max_input = std::size_t{1} << 20;  ///< bytes of standard input

/// podman network create -o NAME=VALUE
struct NetworkOptions {
  std::string config;   ///< absolute path, or
  std::string profile;  ///< name; in either "%n" is the container's name
  std::string mtu;      ///< bytes
  std::optional<bool> publish;
};

struct Port {
  std::string host_address;  ///< empty = any
  unsigned host_port = 0;    ///< 1..65535, the first of `range` ports
  unsigned container_port = 0;
  unsigned range = 1;
  std::string protocol;
};

/// The container of a request to set up or tear down.
struct Container {
  std::string id;
  std::string name;
  std::string ifname;
  NetworkOptions options;
  std::vector<Port> ports;
};

/// A network as Podman has it, and as it is to keep it.
struct Network {
  NetworkOptions options;
  std::string text;
};

/// The interface, as Podman is told of it.
struct Status {
  std::string ifname;
  std::vector<Prefix> addresses;
  std::vector<IpAddress> dns_servers;
  std::vector<std::string> dns_search;
};

[[nodiscard]] Result<Container> parse_container(std::string_view text);
[[nodiscard]] Result<Network> parse_network(std::string_view text);

[[nodiscard]] std::string info(std::string_view version);
[[nodiscard]] std::string status(const Status& status);
[[nodiscard]] std::string error(const std::string& message);

}  // namespace wg4::netavark
