#pragma once
// What the two programs say to each other over a SOCK_SEQPACKET pair, as bytes. Pure: who sends them, and the
// descriptors that ride along, is in shared/sys/fd_pass.h.
//
//   helper -> host   TunReady   with the TUN descriptor(s) attached
//   host -> helper   PlanPart   in as many messages as it takes; the last one says so
//   helper -> host   Done
//   helper -> host   Failure    instead of any of its own messages; it then exits
//
// For an interface that serves already (a reload) TunReady has no descriptors.
//
// A helper that was asked to stay is then the agent for published ports:
//
//   host -> helper   Dial
//   helper -> host   Dialed     one for each Dial, in their order, with the socket attached
//
// No message has room for a key. Text may quote names that the target namespace chose, so control characters never
// pass: the host prints it on somebody's terminal.

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/link/link_plan.h"
#include "shared/net/ip_address.h"
#include "shared/net/protocol.h"

namespace wg4::handoff {

inline constexpr std::size_t max_message_size = std::size_t{32} * 1024;  // well under the default socket buffer
inline constexpr std::size_t max_tun_fds = 64;
inline constexpr std::size_t max_text_size = 2048;  // bytes of one sentence or name; what is longer is cut
inline constexpr std::size_t max_warnings = 10;     // so that Done fits; what is more is left out
inline constexpr std::size_t max_changes = 5;       // likewise

/// The TUN exists in the target namespace; its descriptors are attached to this message.
struct TunReady {
  std::string ifname;           ///< the real name, as the kernel gave it; 1..15 bytes
  std::uint16_t tun_flags = 0;  ///< IFF_* that the device was made with (IFF_VNET_HDR, IFF_MULTI_QUEUE)
  bool existed = false;         ///< the interface was there before us: its owner configures it
};

/// Part of a LinkPlan: scalars are repeated in each part, lists are appended.
struct PlanPart {
  LinkPlan plan;
  bool last = false;
};

/// The plan is in force. The namespace's tables of open ports are attached if they were asked for: tcp, udp and, where
/// there is IPv6, tcp6, udp6.
struct Done {
  std::vector<std::string> warnings;   ///< one sentence each
  std::vector<std::string> changes{};  ///< of an interface that serves: "MTU 1300", "routes set: ..."
};

/// The helper gave up; it leaves nothing behind.
struct Failure {
  Error error;
};

/// A connection to something in the namespace is wanted.
struct Dial {
  Protocol protocol = Protocol::tcp;
  IpAddress address;
  std::uint16_t port = 0;
};

/// With 0 a non-blocking socket is attached, whose connection is under way (TCP) or made (UDP).
struct Dialed {
  int error = 0;  ///< errno
};

using Message = std::variant<TunReady, PlanPart, Done, Failure, Dial, Dialed>;

/// At most max_message_size bytes; a PlanPart must come from split(). Control characters in text become '?'.
[[nodiscard]] std::vector<std::uint8_t> encode(const Message& message);

/// Anything malformed (unknown kind, truncated, trailing bytes, lengths that lie, control characters) is an error.
/// What decodes encodes to the same bytes again.
[[nodiscard]] Result<Message> decode(ByteView bytes);

/// Cuts a plan into parts that each fit max_message_size; at least one, and only the final one is `last`.
[[nodiscard]] std::vector<PlanPart> split(const LinkPlan& plan);

/// Adds what `part` brings to the plan so far: the inverse of split().
void append(LinkPlan& plan, PlanPart part);

}  // namespace wg4::handoff
