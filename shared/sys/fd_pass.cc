#include "shared/sys/fd_pass.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "shared/base/check.h"

namespace wg4 {
namespace {

/// Space for the control message of max_passed_fds descriptors, aligned as cmsghdr wants it.
struct alignas(cmsghdr) ControlBuffer {
  std::array<std::uint8_t, CMSG_SPACE(max_passed_fds * sizeof(int))> bytes{};
};

iovec to_iovec(ByteView bytes) {
  // sendmsg only reads it, although its type is not const.
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

void attach_fds(msghdr& message, ControlBuffer& control, std::span<const UniqueFd> fds) {
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const int fd = fds[i].get();
    std::memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof fd);
  }
}

/// Takes ownership of all descriptors of the message, also of unexpected ones.
std::vector<UniqueFd> detach_fds(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

Result<SocketPair> make_socket_pair(int type) {
  std::array<int, 2> fds{};
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds.data()) != 0) return fail("create a socket pair", errno);
  return SocketPair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Result<SocketPair> make_message_sockets() { return make_socket_pair(SOCK_SEQPACKET); }

Result<void> send_message(int socket, ByteView bytes, std::span<const UniqueFd> fds) {
  CHECK(!bytes.empty() && fds.size() <= max_passed_fds);
  iovec body = to_iovec(bytes);
  msghdr message{};
  message.msg_iov = &body;
  message.msg_iovlen = 1;
  ControlBuffer control;
  if (!fds.empty()) attach_fds(message, control, fds);

  ssize_t sent = 0;
  do sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail("send a message to the other process", errno);
  return {};
}

Result<std::optional<ReceivedMessage>> receive_message(int socket, ByteSpan buffer, std::size_t max_fds) {
  iovec body{buffer.data(), buffer.size()};
  msghdr message{};
  ControlBuffer control;
  message.msg_iov = &body;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();

  ssize_t received = 0;
  // If the other process has ended with unread messages, one receive fails with ECONNRESET; its last messages come
  // after that.
  do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (received < 0 && (errno == EINTR || errno == ECONNRESET));
  if (received == 0) return std::nullopt;
  if (received < 0) return fail("receive a message from the other process", errno);

  ReceivedMessage result{static_cast<std::size_t>(received), detach_fds(message)};
  if ((message.msg_flags & MSG_TRUNC) != 0) return fail("receive a message from the other process", EMSGSIZE);
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return fail("receive file descriptors from the other process", EMFILE, "Raise the limit on open files (ulimit -n)");
  if (result.fds.size() > max_fds) return fail("the other process sent more file descriptors than asked for");
  return result;
}

}  // namespace wg4
