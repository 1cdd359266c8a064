#pragma once
// Messages with file descriptors attached: UNIX SOCK_SEQPACKET and SCM_RIGHTS (unix(7)).
//
// SOCK_SEQPACKET keeps message boundaries and, other than SOCK_DGRAM, reports when the other end is closed. A message
// without bytes would look like that, so there are none.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace wg4 {

inline constexpr std::size_t max_passed_fds = 253;  // SCM_MAX_FD of the kernel

struct SocketPair {
  UniqueFd ours;
  UniqueFd theirs;
};

/// Two connected ends, both blocking and close-on-exec, of SOCK_STREAM or another type.
[[nodiscard]] Result<SocketPair> make_socket_pair(int type);
/// The same for messages.
[[nodiscard]] Result<SocketPair> make_message_sockets();

/// Sends `bytes` (at least one) as one message; the receiver gets duplicates of `fds`, the caller keeps its own.
/// EAGAIN, with nothing sent, if a non-blocking socket is full. Never raises SIGPIPE.
[[nodiscard]] Result<void> send_message(int socket, ByteView bytes, std::span<const UniqueFd> fds = {});

struct ReceivedMessage {
  std::size_t size = 0;  ///< bytes written to the buffer
  std::vector<UniqueFd> fds;
};

/// Receives one message into `buffer`, with at most `max_fds` descriptors, which are close-on-exec from the start.
/// Nothing when the other end is closed. An error, with all descriptors closed, for a message that is longer than the
/// buffer, or has more descriptors than allowed or than this process may open. EAGAIN if a non-blocking socket has no
/// message.
[[nodiscard]] Result<std::optional<ReceivedMessage>> receive_message(int socket, ByteSpan buffer,
                                                                     std::size_t max_fds = 0);

}  // namespace wg4
