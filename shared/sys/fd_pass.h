#pragma once
// One message, whole, with file descriptors attached: UNIX SOCK_SEQPACKET and SCM_RIGHTS (unix(7)).
//
// SOCK_SEQPACKET keeps message boundaries and, other than SOCK_DGRAM, tells the end of the other side. A message
// without bytes would look like that end, so there is none.

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

/// Two connected ends, both blocking and close-on-exec.
[[nodiscard]] Result<SocketPair> make_message_sockets();

/// Sends `bytes` (at least one) as one message; the receiver gets duplicates of `fds`, the caller keeps its own.
/// On a non-blocking socket that has no room: EAGAIN, and nothing was sent. Never raises SIGPIPE.
[[nodiscard]] Result<void> send_message(int socket, ByteView bytes, std::span<const UniqueFd> fds = {});

struct ReceivedMessage {
  std::size_t size = 0;  ///< bytes written to the buffer
  std::vector<UniqueFd> fds;
};

/// One message into `buffer`, with at most `max_fds` descriptors, close-on-exec from the start. Nothing when the other
/// end is closed. A message that is longer than the buffer, or that brings more descriptors than allowed or than this
/// process may open, is an error; its descriptors are closed. On a non-blocking socket without a message: EAGAIN.
[[nodiscard]] Result<std::optional<ReceivedMessage>> receive_message(int socket, ByteSpan buffer,
                                                                     std::size_t max_fds = 0);

}  // namespace wg4
