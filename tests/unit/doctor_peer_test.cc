// The doctor's findings from the results of its probes.

#include <doctest/doctest.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "shared/net/endpoint.h"
#include "wg4netns/diagnosis/finding.h"
#include "wg4netns/doctor/peer_facts.h"
#include "wg4netns/doctor/report.h"

using namespace wg4;
using namespace wg4::doctor;
using namespace std::chrono_literals;

namespace {

PeerFacts reached() {
  PeerFacts peer{.key = "KEY=", .host = "vpn.example:51820"};
  peer.endpoint = Endpoint::parse("192.0.2.1:51820");
  peer.source = "192.0.2.9";
  peer.tried = true;
  peer.handshake = 12ms;
  peer.data = DataSeen::answered;
  peer.target = "10.0.0.1";
  peer.mtu = 1420;
  peer.largest = 1420;
  return peer;
}

std::vector<std::string> lines(const PeerFacts& peer) {
  std::vector<std::string> all;
  for (const CheckResult& result : check_peer(peer)) all.push_back(line_of(result));
  return all;
}

}  // namespace

TEST_CASE("all is well") {
  CHECK(lines(reached()) ==
        std::vector<std::string>{"ok       endpoint: peer KEY=: vpn.example:51820 is 192.0.2.1:51820",
                                 "ok       route: peer KEY=: from 192.0.2.9",
                                 "ok       handshake: peer KEY=: done in 12 ms",
                                 "ok       data: peer KEY=: 10.0.0.1 answers pings through the tunnel",
                                 "ok       mtu: peer KEY=: packets of 1420 bytes, the MTU, come through"});
}

TEST_CASE("what comes first ends the list") {
  PeerFacts peer = reached();
  peer.handshake.reset();
  peer.finding = Finding::unreachable;
  peer.diagnosis = "nothing listens there";
  CHECK_EQ(lines(peer).size(), 3);
  CHECK(lines(peer).back() == "problem  handshake: peer KEY=: unreachable: nothing listens there");
  peer.tried = false;
  CHECK_EQ(lines(peer).size(), 2);
  peer.tried = true;
  peer.route_error = ENETUNREACH;
  CHECK_EQ(lines(peer).size(), 2);
  CHECK(
      lines(peer).back().starts_with("problem  route: peer KEY=: no route to 192.0.2.1:51820: Network is unreachable"));
  peer.endpoint.reset();
  peer.resolve_error = "Name or service not known";
  CHECK(lines(peer) == std::vector<std::string>{"problem  endpoint: peer KEY=: vpn.example:51820: Name or service not "
                                                "known. Check the name, and that this host's DNS works"});
  peer.host.clear();
  CHECK(lines(peer).front().starts_with("ok       endpoint: peer KEY=: none: the peer has to send first"));
}

TEST_CASE("data and MTU: what is known, and no more") {
  const auto last = [](DataSeen data, std::optional<std::size_t> largest) {
    PeerFacts peer = reached();
    peer.data = data;
    peer.largest = largest;
    peer.untried_because = "nobody to ask";
    return lines(peer).back();
  };
  CHECK(last(DataSeen::confirmed, {}).starts_with("note     data: peer KEY=: packets reach the peer, but 10.0.0.1"));
  CHECK(last(DataSeen::silent, {}).starts_with("problem  data: peer KEY=: after the handshake nothing came back"));
  CHECK(last(DataSeen::untried, {}) == "note     data: peer KEY=: not tried: nobody to ask");
  CHECK(last(DataSeen::confirmed, 1420).starts_with("ok       mtu: "));
  CHECK(last(DataSeen::confirmed, 0).find("get lost, small ones do not. ") != std::string::npos);
  CHECK(last(DataSeen::answered, 1264).find("Set MTU = 1264") != std::string::npos);
}
