#include "wg4netns/forward/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "shared/net/protocol.h"
#include "shared/sys/sockaddr.h"

namespace wg4::forward {
namespace {

constexpr int backlog = 4096;  // net.core.somaxconn, if that is less

std::string hint_for(int number, const Rule& rule) {
  switch (number) {
    case EADDRINUSE:
      return "Another program has that port on the host";
    case EADDRNOTAVAIL:
      return "The host has no such address";
    case EACCES:
      return "Ordinary users get ports from the sysctl net.ipv4.ip_unprivileged_port_start on; " +
             std::to_string(rule.host.port) + " is below it";
    case EMFILE:
      return "Raise the limit on open files (ulimit -n)";
    default:
      return {};
  }
}

bool set_up(int fd, const Rule& rule) {
  const bool v6 = !rule.host.address.is_v4();
  const int on = 1;
  if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) return false;
  if (rule.protocol == Protocol::udp)
    return setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on) == 0;
  // SO_REUSEADDR: a TCP port can be taken while the kernel still knows its old connections, but not while another
  // socket listens on it.
  return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
}

}  // namespace

Result<UniqueFd> open_listener(const Rule& rule) {
  const bool tcp = rule.protocol == Protocol::tcp;
  const int family = rule.host.address.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(socket(family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SocketAddress address(rule.host);
  if (!fd.valid() || !set_up(fd.get(), rule) || bind(fd.get(), address.get(), address.length) != 0 ||
      (tcp && listen(fd.get(), backlog) != 0)) {
    const int number = errno;
    return fail("publish port " + rule.to_string(), number, hint_for(number, rule));
  }
  return fd;
}

}  // namespace wg4::forward
