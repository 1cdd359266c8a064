#include "wg4netns/forward/ways.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "shared/net/loopback.h"

namespace wg4::forward {
namespace {

IpAddress any_address(Family family) {
  return family == Family::v4 ? IpAddress() : IpAddress::v6(std::array<std::uint8_t, 16>{});
}

bool has_port(const LanPorts& lan, std::uint16_t port) {
  return std::ranges::any_of(lan.ports, [port](const PortRange& range) { return range.contains(port); });
}

std::string to_string(const LanPorts& lan) {
  std::string text = lan.network.to_string();
  for (const PortRange& range : lan.ports) {
    text += (&range == &lan.ports.front() ? ", port " : ", ") + std::to_string(range.first);
    if (range.last != range.first) text += "-" + std::to_string(range.last);
  }
  return text;
}

}  // namespace

std::vector<InsideListener> Ways::listeners() const {
  using Key = std::tuple<Protocol, Family, std::uint16_t>;
  std::map<Key, IpAddress> wanted;
  for (const HostPort& way : host_ports)
    for (const Family family : {Family::v4, Family::v6}) wanted[{way.protocol, family, way.inside}] = loopback(family);
  for (const LanPorts& way : lan)
    for (const PortRange& range : way.ports)
      for (int port = range.first; port <= range.last; ++port)
        for (const Protocol protocol : {Protocol::tcp, Protocol::udp})
          wanted[{protocol, way.network.address.family(), static_cast<std::uint16_t>(port)}] =
              any_address(way.network.address.family());
  std::vector<InsideListener> listeners;
  listeners.reserve(wanted.size());
  for (const auto& [key, address] : wanted)
    listeners.push_back({std::get<Protocol>(key), {address, std::get<std::uint16_t>(key)}});
  return listeners;
}

std::optional<Endpoint> Ways::target(Protocol protocol, const Endpoint& asked) const {
  for (const HostPort& way : host_ports)
    if (way.protocol == protocol && way.inside == asked.port && asked.address == loopback(asked.address.family()))
      return way.host;
  for (const LanPorts& way : lan)
    if (way.network.contains(asked.address) && has_port(way, asked.port)) return Endpoint{asked.address, asked.port};
  return std::nullopt;
}

std::vector<std::uint16_t> Ways::tcp_ports() const {
  std::set<std::uint16_t> ports;
  for (const HostPort& way : host_ports)
    if (way.protocol == Protocol::tcp) ports.insert(way.host.port);
  for (const LanPorts& way : lan)
    for (const PortRange& range : way.ports)
      for (int port = range.first; port <= range.last; ++port) ports.insert(static_cast<std::uint16_t>(port));
  return {ports.begin(), ports.end()};
}

std::vector<Prefix> Ways::networks() const {
  std::vector<Prefix> networks;
  for (const LanPorts& way : lan)
    if (std::ranges::find(networks, way.network) == networks.end()) networks.push_back(way.network);
  return networks;
}

std::vector<std::string> Ways::sentences() const {
  std::vector<std::string> texts;
  texts.reserve(host_ports.size() + lan.size());
  for (const HostPort& way : host_ports)
    texts.push_back("host port " + way.host.to_string() + " (" + std::string(name_of(way.protocol)) + ") at " +
                    Endpoint{loopback(Family::v4), way.inside}.to_string());
  for (const LanPorts& way : lan) texts.push_back("local network " + to_string(way));
  return texts;
}

}  // namespace wg4::forward
