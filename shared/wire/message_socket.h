#pragma once
// Messages, and descriptors with them, over a pair of SOCK_SEQPACKET sockets (shared/sys/fd_pass.h).

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/fd_pass.h"
#include "shared/wire/wire.h"

namespace wg4::wire {

/// As send_message().
template <class M>
[[nodiscard]] Result<void> send(int socket, const M& message, std::span<const UniqueFd> fds = {}) {
  return send_message(socket, TRY(encode(message)), fds);
}

template <class M>
struct Received {
  M message;
  std::vector<UniqueFd> fds;
};

/// As receive_message(): nothing when the other end is closed. M is a message, or a variant of those that may come.
template <class M>
[[nodiscard]] Result<std::optional<Received<M>>> receive(int socket, std::size_t max_fds = 0) {
  std::array<std::uint8_t, max_size_of<M>()> buffer;
  auto received = TRY(receive_message(socket, buffer, max_fds));
  if (!received) return std::nullopt;
  M message = TRY(decode<M>(ByteView(buffer).first(received->size)));
  return Received<M>{std::move(message), std::move(received->fds)};
}

}  // namespace wg4::wire
