#include "netns-helper/container/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <expected>

#include "shared/base/unique_fd.h"

namespace wg4::container {
namespace {

constexpr const char* what = "talk to the container's other process";

std::unexpected<Error> late() { return fail(what, ETIMEDOUT); }

Result<void> send_all(int socket, ByteView bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (!TRY(wait_until(socket, POLLOUT, deadline))) return late();
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0) return fail(what, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return {};
}

/// False if the other end is closed before the first byte.
Result<bool> receive_all(int socket, ByteSpan buffer, Deadline deadline) {
  std::size_t size = 0;
  while (size < buffer.size()) {
    if (!TRY(wait_until(socket, POLLIN, deadline))) return late();
    const ssize_t received = recv(socket, buffer.data() + size, buffer.size() - size, MSG_DONTWAIT);
    if (received < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (received == 0 || (received < 0 && errno == ECONNRESET)) {
      if (size == 0) return false;
      return fail(what, ECONNRESET);
    }
    if (received < 0) return fail(what, errno);
    size += static_cast<std::size_t>(received);
  }
  return true;
}

}  // namespace

Result<void> send_bytes(int socket, ByteView bytes, Deadline deadline) {
  std::array<std::uint8_t, sizeof(std::uint32_t)> length{};
  store_le(length.data(), static_cast<std::uint32_t>(bytes.size()));
  TRY(send_all(socket, length, deadline));
  return send_all(socket, bytes, deadline);
}

Result<std::optional<std::vector<std::uint8_t>>> receive_bytes(int socket, std::size_t max, Deadline deadline) {
  std::array<std::uint8_t, sizeof(std::uint32_t)> length{};
  if (!TRY(receive_all(socket, length, deadline))) return std::nullopt;
  const auto size = load_le<std::uint32_t>(length.data());
  if (size > max) return fail(what, EMSGSIZE);
  std::vector<std::uint8_t> bytes(size);
  if (!TRY(receive_all(socket, bytes, deadline)) && size > 0) return fail(what, ECONNRESET);
  return bytes;
}

}  // namespace wg4::container
