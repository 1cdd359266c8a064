#pragma once
// The interface through which the core sends datagrams and reports events. At the edge, sockets implement it; in the
// simulation, a made-up network does.

#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/peer_id.h"

namespace wg4 {

/// How a peer is reached: its endpoint, and which of our own addresses to send from ("sticky source", kept per peer
/// from the last authenticated datagram so that replies come from the address that the peer sends to).
struct Path {
  Endpoint remote;
  IpAddress local;  ///< unspecified = let the routing table choose

  [[nodiscard]] bool has_source() const { return !local.is_unspecified(); }
  void clear_source() { local = IpAddress{}; }
  friend bool operator==(const Path&, const Path&) = default;
};

/// One read from the UDP socket: consecutive datagrams of one sender and one TOS, each `segment_size` long except the
/// last, which may be shorter (UDP_GRO). They are opened in place.
struct DatagramRun {
  Path path;  ///< remote = the sender; local = the address it was sent to
  std::uint8_t tos = 0;
  ByteSpan bytes;
  std::size_t segment_size = 0;
};

/// Datagrams to send to one peer: consecutive, each `segment_size` bytes long except the last, which may be shorter.
/// They may be more than one system call takes.
struct SendRun {
  Path path;
  PeerId peer = no_peer;  ///< to tell the core when the cached source address is gone
  std::uint8_t tos = 0;
  std::size_t size = 0;
  std::size_t segment_size = 0;
};

/// Events for logs and the control plane. None carries key material.
enum class EventKind : std::uint8_t {
  handshake_completed,
  handshake_unanswered,  ///< a retransmission is due; the edge may look up the endpoint's name again
  handshake_gave_up,     ///< after 90 s; staged packets were dropped
  roamed,                ///< authenticated traffic came from a new endpoint
  keys_expired,          ///< zeroed after 540 s without a new session
  evidence,              ///< something was counted that may explain why there is no traffic, or no longer applies
  count_,
};

inline constexpr std::size_t event_kind_count = static_cast<std::size_t>(EventKind::count_);

struct Event {
  EventKind kind;
  PeerId peer = no_peer;
};

class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  virtual ~Output() = default;

  /// A buffer for at least `bytes` of datagrams (at most max_batch_size). Valid until the next call.
  virtual ByteSpan send_room(std::size_t bytes) = 0;
  /// Sends the next `run.size` bytes of the last send_room().
  virtual void send(const SendRun& run) = 0;
  virtual void event(const Event& event) = 0;
};

}  // namespace wg4
