#pragma once
// Messages (shared/wire/wire.h) of any size over a stream socket: each is its length (32 bits, little-endian) and its
// bytes. A socket of messages would limit them to what its buffer holds.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/wire/wire.h"

namespace wg4::container {

inline constexpr Deadline no_deadline = Deadline::max();

/// Whole, or an error. Never raises SIGPIPE.
[[nodiscard]] Result<void> send_bytes(int socket, ByteView bytes, Deadline deadline);
/// Nothing if the other end is closed before a message; an error for one longer than `max`.
[[nodiscard]] Result<std::optional<std::vector<std::uint8_t>>> receive_bytes(int socket, std::size_t max,
                                                                             Deadline deadline);

template <class M>
[[nodiscard]] Result<void> send(int socket, const M& message, Deadline deadline) {
  return send_bytes(socket, TRY(wire::encode(message)), deadline);
}

/// M is a message, or a variant of those that may come.
template <class M>
[[nodiscard]] Result<std::optional<M>> receive(int socket, Deadline deadline) {
  const auto bytes = TRY(receive_bytes(socket, wire::max_size_of<M>(), deadline));
  if (!bytes) return std::nullopt;
  return TRY(wire::decode<M>(*bytes));
}

}  // namespace wg4::container
