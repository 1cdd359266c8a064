#include <array>
#include <cstring>
#include <string>

#include "wg4netns/diagnosis/finding.h"
#include "wg4netns/doctor/peer_facts.h"
#include "wg4netns/doctor/report.h"

namespace wg4::doctor {
namespace {

CheckResult check_endpoint(const PeerFacts& peer) {
  if (peer.host.empty())
    return {"endpoint", Verdict::ok, "none: the peer has to send first", "It needs our address and ListenPort",
            peer.key};
  if (!peer.resolve_error.empty())
    return {"endpoint", Verdict::problem, peer.host + ": " + peer.resolve_error,
            "Check the name, and that this host's DNS works", peer.key};
  const std::string address = peer.endpoint->to_string();
  return {"endpoint", Verdict::ok, address == peer.host ? address : peer.host + " is " + address, "", peer.key};
}

CheckResult check_route(const PeerFacts& peer) {
  if (peer.route_error == 0) return {"route", Verdict::ok, "from " + peer.source, "", peer.key};
  return {"route", Verdict::problem,
          "no route to " + peer.endpoint->to_string() + ": " + std::strerror(peer.route_error),
          peer.endpoint->address.is_v4() ? "Check this host's network connection"
                                         : "Check that this host has IPv6, or use the peer's IPv4 address",
          peer.key};
}

CheckResult check_handshake(const PeerFacts& peer) {
  if (peer.handshake)
    return {"handshake", Verdict::ok, "done in " + std::to_string(peer.handshake->count()) + " ms", "", peer.key};
  const bool is_known = peer.finding != Finding::none;
  return {"handshake", Verdict::problem,
          is_known ? std::string(name(peer.finding)) + ": " + peer.diagnosis : "no answer in time",
          is_known ? "" : "Try again", peer.key};
}

CheckResult check_data(const PeerFacts& peer) {
  switch (peer.data) {
    case DataSeen::answered:
      return {"data", Verdict::ok, peer.target + " answers pings through the tunnel", "", peer.key};
    case DataSeen::confirmed:
      return {"data", Verdict::note,
              "packets reach the peer, but " + peer.target + " answers no pings through the tunnel",
              "That may be intended. If nothing else works either: check the peer's AllowedIPs for us, its "
              "forwarding, firewall and routes back",
              peer.key};
    case DataSeen::silent:
      return {"data", Verdict::problem, "after the handshake nothing came back, not even a keepalive",
              "Something on the way drops UDP packets other than handshakes, or another host uses our private key",
              peer.key};
    case DataSeen::untried:
      break;
  }
  return {"data", Verdict::note, "not tried: " + peer.untried_because, "", peer.key};
}

CheckResult check_mtu(const PeerFacts& peer) {
  const std::string whole = std::to_string(peer.mtu);
  if (*peer.largest >= peer.mtu)
    return {"mtu", Verdict::ok, "packets of " + whole + " bytes, the MTU, come through", "", peer.key};
  if (*peer.largest == 0)
    return {"mtu", Verdict::problem, "packets of " + whole + " bytes, the MTU, get lost, small ones do not",
            "Something on the way drops large UDP packets or fragments. Set a smaller MTU, 1280 first", peer.key};
  const std::string largest = std::to_string(*peer.largest);
  return {
      "mtu", Verdict::problem, "packets of " + whole + " bytes, the MTU, get lost, those of " + largest + " do not",
      "Something on the way drops large UDP packets or fragments. Set MTU = " + largest + ", and no more on the peer",
      peer.key};
}

}  // namespace

Report check_peer(const PeerFacts& peer) {
  Report report{check_endpoint(peer)};
  if (!peer.endpoint) return report;
  report.push_back(check_route(peer));
  if (!peer.tried || peer.route_error != 0) return report;
  report.push_back(check_handshake(peer));
  if (!peer.handshake) return report;
  report.push_back(check_data(peer));
  if (peer.largest) report.push_back(check_mtu(peer));
  return report;
}

}  // namespace wg4::doctor
