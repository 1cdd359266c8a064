#pragma once
// Bytes in, bytes out: what the core wants done goes through this one face. The edge puts it on sockets and TUNs; the
// simulation puts it on a made-up network.

#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/base/bytes.h"
#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "wg4netns/core/peer_id.h"

namespace wg4 {

/// How a peer is reached: where to, and from which of our own addresses ("sticky source", kept per peer from the
/// last authenticated datagram so that replies come from the address that the peer talks to).
struct Path {
  Endpoint remote;
  IpAddress local;  ///< unspecified = let the routing table choose

  [[nodiscard]] bool has_source() const { return !local.is_unspecified(); }
  void clear_source() { local = IpAddress{}; }
  friend bool operator==(const Path&, const Path&) = default;
};

/// One read from the UDP socket: datagrams of one sender and one TOS, behind each other, all `segment_size` long but
/// the last, which may be shorter (UDP_GRO). Opened in place.
struct DatagramRun {
  Path path;  ///< remote = the sender; local = the address it was sent to
  std::uint8_t tos = 0;
  ByteSpan bytes;
  std::size_t segment_size = 0;
};

/// What one peer sends at once: datagrams of `segment_size` bytes behind each other, the last may be shorter. It may be
/// more than one system call takes.
struct SendRun {
  Path path;
  PeerId peer = no_peer;  ///< to tell the core when the source address went bad
  std::uint8_t tos = 0;
  std::size_t size = 0;
  std::size_t segment_size = 0;
};

/// Things that people and the control plane want to know. None carries key material.
enum class EventKind : std::uint8_t {
  handshake_completed,
  handshake_unanswered,  ///< a retransmission is due; the edge may resolve the endpoint's name again
  handshake_gave_up,     ///< after 90 s; staged packets are gone
  roamed,                ///< authenticated traffic came from a new address
  keys_expired,          ///< zeroed after 540 s without a new session
  evidence,              ///< something was counted that may tell why there is no traffic, or is none any more
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

  /// Room for at least `bytes` of datagrams (at most max_batch_size). Valid until the next call.
  virtual ByteSpan send_room(std::size_t bytes) = 0;
  /// The next `run.size` bytes of the last send_room() are to be sent.
  virtual void send(const SendRun& run) = 0;
  virtual void event(const Event& event) = 0;
};

}  // namespace wg4
