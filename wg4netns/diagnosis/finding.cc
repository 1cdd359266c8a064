#include "wg4netns/diagnosis/finding.h"

#include <cerrno>
#include <chrono>
#include <cstring>

#include "shared/base/hex_base64.h"
#include "shared/net/endpoint.h"
#include "wg4netns/core/evidence.h"
#include "wg4netns/core/peer.h"
#include "wg4netns/core/time.h"

namespace wg4 {
namespace {

using namespace std::chrono_literals;

// A correct clock never shows less: this program is younger.
constexpr WallTime oldest_now = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
// Clocks of hosts differ a little, and a file may come from another host.
constexpr Duration telling_difference = 10min;
// Fewer may be due to one message that was sent again.
constexpr std::uint32_t repeated = 2;
constexpr std::uint32_t telling_turns = 3;
constexpr Duration turn_memory = 60s;

bool is_recent(const Occurrences& sightings, Instant now) {
  return sightings.count >= repeated && now - sightings.last < answer_memory;
}

/// A date that this host's clock should have passed and has not; empty if there is none.
std::string clock_is_before(const Evidence& evidence) {
  const WallTime wall = evidence.wall;
  const PeerEvidence& peer = evidence.peer;
  if (peer.initiation_answered && wall < *peer.initiation_answered) return "the last handshake that the peer answered";
  if (wall < oldest_now) return "this program was made";
  if (evidence.configured && wall + telling_difference < *evidence.configured) return "the configuration was written";
  if (peer.clock_ahead && *peer.clock_ahead > telling_difference) return "what the peer's own handshake says";
  return "";
}

Finding find_unanswered(const Evidence& evidence) {
  const PeerEvidence& peer = evidence.peer;
  if (peer.initiations < telling_initiations) return Finding::none;
  if (is_recent(peer.bad_responses, evidence.now)) return Finding::wrong_preshared_key;
  if (is_recent(peer.cookie_replies, evidence.now)) return Finding::under_load;
  if (evidence.failure) return Finding::unreachable;
  if (peer.unconfirmed_responses > 0) return Finding::none;  // it sends initiations that we accept
  if (evidence.unknown_key) return Finding::wrong_peer_key;
  if (evidence.other_recipient) return Finding::wrong_own_key;
  if (!clock_is_before(evidence).empty()) return Finding::clock_behind;
  return Finding::no_answer;
}

std::string times(std::uint32_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::string describe_failure(const SendFailure& failure) {
  const bool icmp = !failure.reported_by.is_unspecified();
  const std::string who = icmp ? failure.reported_by.to_string() + " says" : "this host says";
  switch (failure.error) {
    case ECONNREFUSED:
      return "nothing listens on that UDP port, " + who +
             ". Check the port of the Endpoint, and that WireGuard runs there";
    case EHOSTUNREACH:
    case EHOSTDOWN:
      return "the host cannot be reached, " + who +
             ". Check the address of the Endpoint, that the host is up, and firewalls that reject UDP";
    case ENETUNREACH:
      return icmp ? "the network of the endpoint cannot be reached, " + who + ". Check the address of the Endpoint"
                  : "this host has no route to the endpoint. Check its network connection, and for an IPv6 endpoint "
                    "that it has IPv6";
    case EACCES:
    case EPERM:
      return icmp ? "a firewall forbids it, " + who + ". Let UDP to the endpoint pass there"
                  : "a firewall or a route of this host forbids it. Let UDP to the endpoint out";
    default:
      return std::string(std::strerror(failure.error)) + ", " + who + ". Check the Endpoint";
  }
}

std::string describe_silence(const Evidence& evidence) {
  return "no answer to " + times(evidence.peer.initiations, "handshake initiation") +
         ", and no error either. Wrong keys look just like a firewall: check the endpoint, that nothing drops UDP on "
         "the "
         "way, the peer's PublicKey here, and that the peer has ours, " +
         encode_base64(evidence.own_key);
}

std::string describe_flapping(const EndpointFlapping& flapping) {
  return "handshakes with its key come from " + flapping.before().to_string() + " and " + flapping.last().to_string() +
         " in turn: two devices seem to share it. Give each a key of its own";
}

}  // namespace

Evidence gather(const Device& device, const Peer& peer, Now now) {
  Evidence evidence{.peer = peer.evidence, .now = now.boot, .wall = now.wall, .own_key = device.public_key()};
  if (!peer.path) return evidence;
  using enum RejectedDatagram::Kind;
  const Instant since = now.boot - rejection_memory;
  const Endpoint& endpoint = peer.path->remote;
  evidence.other_recipient = device.recent_rejections().find(other_recipient, endpoint, since) != nullptr;
  if (const RejectedDatagram* rejected = device.recent_rejections().find(unknown_key, endpoint, since))
    evidence.unknown_key = rejected->key;
  return evidence;
}

Finding find(const Evidence& evidence) {
  const PeerEvidence& peer = evidence.peer;
  if (const Finding unanswered = find_unanswered(evidence); unanswered != Finding::none) return unanswered;
  if (peer.initiators.count() >= telling_turns && evidence.now - peer.initiators.last_at() < turn_memory)
    return Finding::peer_key_shared;
  if (peer.unconfirmed_responses >= telling_initiations) return Finding::answer_not_taken;
  if (peer.stale_initiations.count >= telling_initiations) return Finding::peer_clock_behind;
  if (peer.foreign_sessions.count >= repeated && evidence.now - peer.foreign_sessions.last < turn_memory)
    return Finding::key_in_use_elsewhere;
  if (peer.silences >= repeated) return Finding::no_packets;
  if (peer.bare_keepalives >= PeerEvidence::telling_keepalives) return Finding::no_data;
  return Finding::none;
}

std::string sentence(Finding finding, const Evidence& evidence) {
  switch (finding) {
    case Finding::none:
      return "";
    case Finding::no_answer:
      return describe_silence(evidence);
    case Finding::unreachable:
      return describe_failure(*evidence.failure);
    case Finding::wrong_preshared_key:
      return "it answers, but its answers do not authenticate: the two sides have different preshared keys. Check "
             "PresharedKey on both, or that neither has one";
    case Finding::under_load:
      return "it is under load and asks for a cookie each time. It takes part in handshakes again when the load is "
             "over; "
             "if it never does, a NAT on the way may change our address with each of them";
    case Finding::wrong_own_key:
      return "no answer, and handshakes that come from its endpoint are made for another public key than ours. Set its "
             "PublicKey of us to " +
             encode_base64(evidence.own_key);
    case Finding::wrong_peer_key:
      return "no answer, and handshakes that come from its endpoint have the public key " +
             encode_base64(*evidence.unknown_key) + ", which no peer here has. Check the peer's PublicKey";
    case Finding::clock_behind:
      return "no answer, and the clock of this host shows a time before " + clock_is_before(evidence) +
             ": peers ignore handshakes that are older than the last one. Set the clock";
    case Finding::answer_not_taken:
      return "it initiates handshakes, and does not take up our answers: they do not reach it, or the two sides have "
             "different preshared keys. Check firewalls for UDP from port " +
             std::to_string(evidence.own_port) + ", and PresharedKey on both";
    case Finding::peer_clock_behind:
      return "its handshakes have time stamps older than the last one that it made: its clock has gone back, or "
             "somebody "
             "replays old messages. Set its clock";
    case Finding::key_in_use_elsewhere:
      return "handshakes work, and then the peer sends packets of a session that is not ours: somebody else seems to "
             "use "
             "our private key. Give each device a key of its own";
    case Finding::peer_key_shared:
      return describe_flapping(evidence.peer.initiators);
    case Finding::no_packets:
      return "handshakes work, but for what was sent since nothing came back, not even a keepalive. Something on the "
             "way "
             "drops larger or unknown UDP packets: try a smaller MTU";
    case Finding::no_data:
      return "handshakes work and keepalives come, but no data does. If answers are expected: check that the peer's "
             "AllowedIPs for us hold our addresses, and its firewall, forwarding and routes back";
  }
  return "";
}

std::string_view name(Finding finding) {
  switch (finding) {
    case Finding::none:
      return "none";
    case Finding::no_answer:
      return "no-answer";
    case Finding::unreachable:
      return "unreachable";
    case Finding::wrong_preshared_key:
      return "wrong-preshared-key";
    case Finding::under_load:
      return "under-load";
    case Finding::wrong_own_key:
      return "wrong-own-key";
    case Finding::wrong_peer_key:
      return "wrong-peer-key";
    case Finding::clock_behind:
      return "clock-behind";
    case Finding::answer_not_taken:
      return "answer-not-taken";
    case Finding::peer_clock_behind:
      return "peer-clock-behind";
    case Finding::key_in_use_elsewhere:
      return "key-in-use-elsewhere";
    case Finding::peer_key_shared:
      return "peer-key-shared";
    case Finding::no_packets:
      return "no-packets";
    case Finding::no_data:
      return "no-data";
  }
  return "none";
}

}  // namespace wg4
