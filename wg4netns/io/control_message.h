#pragma once
// The ancillary data of UDP messages: our own address (PKTINFO), TOS with its ECN bits, and the segment size of a run.

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "shared/base/bytes.h"
#include "shared/net/ip_address.h"
#include "shared/sys/sockaddr.h"
#include "wg4netns/core/output.h"

namespace wg4 {

inline constexpr std::size_t control_size = 192;  // room for the three below and an error, IPv6 included

struct ControlMessage {
  IpAddress local;
  std::uint8_t tos = 0;
  std::size_t segment_size = 0;  ///< 0 = one datagram
};

/// An entry of the socket's error queue (ip(7), IP_RECVERR).
struct QueuedError {
  int number = 0;
  IpAddress reported_by;  ///< unspecified = this host
};

/// Ancillary data of one received message.
class ReceivedControl {
 public:
  void attach(msghdr& header);
  [[nodiscard]] ControlMessage parse(msghdr& header) const;
  [[nodiscard]] std::optional<QueuedError> parse_error(msghdr& header) const;

 private:
  alignas(cmsghdr) std::array<std::uint8_t, control_size> bytes_;
};

/// One message to send, with its address and ancillary data. Must not be moved between prepare() and the send.
class OutgoingMessage {
 public:
  void prepare(const SendRun& run, ByteSpan bytes, bool with_source, bool as_run);
  [[nodiscard]] const msghdr& header() const { return header_; }

 private:
  template <class T>
  void add(int level, int type, const T& value);

  msghdr header_;
  iovec place_;
  SocketAddress address_;
  alignas(cmsghdr) std::array<std::uint8_t, control_size> control_;
};

}  // namespace wg4
