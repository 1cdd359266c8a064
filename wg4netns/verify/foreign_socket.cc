#include "wg4netns/verify/foreign_socket.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "shared/base/unique_fd.h"

namespace wg4::verify {
namespace {

#ifndef SO_NETNS_COOKIE
constexpr int SO_NETNS_COOKIE = 71;  // Linux 5.14
#endif

int option_of(const UniqueFd& socket, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

std::string name_of(int family) {
  switch (family) {
    case AF_UNIX:
      return "UNIX";
    case AF_INET:
      return "IPv4";
    case AF_INET6:
      return "IPv6";
    case AF_NETLINK:
      return "netlink";
    case AF_PACKET:
      return "packets";
    default:
      return "family " + std::to_string(family);
  }
}

bool is_connected(const UniqueFd& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  void* start = &address;
  return getpeername(socket.get(), static_cast<sockaddr*>(start), &size) == 0;
}

}  // namespace

std::optional<Descriptor> look_at_socket(int pidfd, int number, std::uint64_t net_cookie) {
  using Kind = Descriptor::Kind;
  const UniqueFd socket(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd, number, 0)));
  if (!socket.valid() && (errno == EBADF || errno == ESRCH)) return std::nullopt;
  if (!socket.valid()) return Descriptor{Kind::unknown, number, std::string("pidfd_getfd")};
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  const bool told = getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0;
  if (told && net_cookie != 0 && cookie == net_cookie) return std::nullopt;
  const int family = option_of(socket, SO_DOMAIN);
  if (!told || net_cookie == 0) return Descriptor{Kind::unknown, number, name_of(family)};
  // One that takes datagrams could be connected anew, and others have no names to lead to.
  const bool stays = family == AF_UNIX && option_of(socket, SO_TYPE) != SOCK_DGRAM && is_connected(socket);
  return Descriptor{stays ? Kind::channel : Kind::socket, number, name_of(family)};
}

}  // namespace wg4::verify
