#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "shared/net/prefix.h"
#include "wg4netns/doctor/report.h"
#include "wg4netns/verify/facts.h"
#include "wg4netns/verify/inside_facts.h"
#include "wg4netns/verify/isolation_checks.h"

namespace wg4::verify {
namespace {

using doctor::CheckResult;
using doctor::Report;
using doctor::Verdict;

constexpr const char* own_interface = "wg0";
constexpr std::uint64_t session_lifetime = 180;  // seconds; WireGuard renews sessions before

CheckResult check_namespaces(const Facts& facts) {
  constexpr const char* name = "namespaces";
  const NamespaceIds& host = facts.host;
  const NamespaceIds& tunnel = facts.tunnel;
  std::string same;
  const auto compare = [&same](std::uint64_t one, std::uint64_t other, const char* kind) {
    if (one == other) same.append(same.empty() ? "" : " and ").append(kind);
  };
  compare(host.user, tunnel.user, "user");
  compare(host.mounts, tunnel.mounts, "mount");
  compare(host.net, tunnel.net, "network");
  if (facts.state.own_pids) compare(host.pids, tunnel.pids, "PID");
  if (!same.empty())
    return {name, Verdict::problem, "the tunnel's " + same + " namespace is the host's", "End it, and start it again"};
  return {name, Verdict::ok,
          std::string("user, mount") + (facts.state.own_pids ? ", PID" : "") + " and network namespace are its own"};
}

CheckResult check_interfaces(const Facts& facts) {
  constexpr const char* name = "interfaces";
  bool has_tunnel = false;
  std::string strange;
  std::string idle;
  for (const Interface& each : facts.inside.interfaces) {
    has_tunnel = has_tunnel || (each.name == own_interface && each.kind == "tun");
    if (each.name == "lo" || (each.name == own_interface && each.kind == "tun")) continue;
    std::string& list = each.up ? strange : idle;
    list.append(list.empty() ? "" : ", ").append(each.name);
    if (!each.kind.empty()) list.append(" (").append(each.kind).append(")");
  }
  if (!strange.empty())
    return {name, Verdict::problem, "beside lo and the tunnel's " + std::string(own_interface) + " there is " + strange,
            "Packets may leave there. Remove it, or end the tunnel"};
  if (!has_tunnel)
    return {name, Verdict::note,
            "there is no " + std::string(own_interface) + ": the tunnel has ended, and nothing can leave"};
  if (!idle.empty())
    return {name, Verdict::note,
            "beside lo and " + std::string(own_interface) + " there is " + idle + ", which is down"};
  return {name, Verdict::ok, "there are only lo and " + std::string(own_interface)};
}

bool is_loopback(const Prefix& destination) {
  static const Prefix v4 = *Prefix::parse("127.0.0.0/8");
  static const Prefix v6 = *Prefix::parse("::1/128");
  return v4.covers(destination) || v6.covers(destination);
}

/// One of --lan, which listeners inside answer for: nothing leaves by such a route.
bool is_local_network(const Facts& facts, const Route& route) {
  const std::string begins = "local network " + route.destination.to_string() + ",";
  return std::ranges::any_of(facts.state.ways, [&](const std::string& way) { return way.starts_with(begins); });
}

CheckResult check_routes(const Facts& facts, bool v4) {
  const std::string name = v4 ? "routes-ipv4" : "routes-ipv6";
  std::string strange;
  bool any = false;
  bool is_default = false;
  for (const Route& route : facts.inside.routes) {
    if (route.destination.address.is_v4() != v4) continue;
    if (route.interface == own_interface) {
      any = true;
      is_default = is_default || route.destination.length == 0;
    } else if (route.interface != "lo" || !(is_loopback(route.destination) || is_local_network(facts, route))) {
      strange.append(strange.empty() ? "" : ", ").append(route.destination.to_string());
      strange.append(route.interface.empty() ? " through no single interface" : " through " + route.interface);
    }
  }
  if (!strange.empty())
    return {name, Verdict::problem, "these do not lead into the tunnel: " + strange, "Remove them, or end the tunnel"};
  if (!any) return {name, Verdict::ok, "there are none: such packets go nowhere"};
  return {name, Verdict::ok,
          is_default ? "the default route leads into the tunnel, and no route elsewhere"
                     : "all lead into the tunnel, and there is no default route"};
}

CheckResult check_loopback(const Facts& facts) {
  constexpr const char* name = "host-loopback";
  if (facts.loopback_reached)
    return {name, Verdict::problem, "a port on the host's loopback address was reached from inside",
            "The network namespace is not isolated: end the tunnel"};
  return {name, Verdict::ok, "a port that was opened on it for a trial cannot be reached"};
}

/// Only with a recent handshake: the counter of what was sent also has handshakes that no peer has answered.
bool has_sent(const TrafficFacts& traffic) {
  return traffic.sent_more && traffic.handshake_age && *traffic.handshake_age <= session_lifetime;
}

CheckResult check_server(const Facts& facts, const Server& server) {
  constexpr const char* name = "dns";
  const std::string text = server.address.to_string();
  const TrafficFacts& traffic = facts.traffic;
  if (!traffic.answers)
    return {name, Verdict::unknown, text + " was asked, but the tunnel does not say what it has sent"};
  if (server.answered && has_sent(traffic)) return {name, Verdict::ok, text + " answers, through the tunnel"};
  if (server.answered)
    return {name, Verdict::problem, text + " answers, although nothing was sent through the tunnel",
            "Something else answers: see the interfaces and routes"};
  if (has_sent(traffic))
    return {name, Verdict::note, "the query to " + text + " went into the tunnel, and was not answered"};
  return {name, Verdict::unknown, "the query to " + text + " was not answered, and nothing was sent through the tunnel",
          "Perhaps no peer answers: wireguard4netns doctor"};
}

Report check_dns(const Facts& facts) {
  if (facts.inside.servers.empty()) return {{"dns", Verdict::note, "there is no DNS server: names do not resolve"}};
  Report report;
  for (const Server& server : facts.inside.servers) report.push_back(check_server(facts, server));
  return report;
}

CheckResult check_handshake(const Facts& facts) {
  constexpr const char* name = "handshake";
  if (!facts.traffic.answers)
    return {name, Verdict::unknown, "the tunnel does not answer at its control socket", "See wireguard4netns show"};
  const auto& age = facts.traffic.handshake_age;
  if (!age) return {name, Verdict::note, "no peer has answered yet: nothing can leave"};
  if (*age > session_lifetime)
    return {name, Verdict::note, "the last one is more than three minutes ago: the tunnel is not in use"};
  return {name, Verdict::ok, "a peer has answered within the last three minutes"};
}

}  // namespace

Report check_network(const Facts& facts) {
  Report report{check_namespaces(facts), check_interfaces(facts), check_routes(facts, true), check_routes(facts, false),
                check_loopback(facts)};
  for (CheckResult& each : check_dns(facts)) report.push_back(std::move(each));
  report.push_back(check_handshake(facts));
  return report;
}

}  // namespace wg4::verify
