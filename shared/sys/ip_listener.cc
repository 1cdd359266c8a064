#include "shared/sys/ip_listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "shared/sys/sockaddr.h"

namespace wg4 {
namespace {

constexpr int backlog = 4096;  // net.core.somaxconn, if that is less

bool set_up(int fd, Protocol protocol, bool v6, const char* interface) {
  const int on = 1;
  if (interface != nullptr &&
      setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, static_cast<socklen_t>(std::strlen(interface))) != 0)
    return false;
  if (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) return false;
  // Answers leave from addresses that are ours by a route alone.
  if (v6 && interface != nullptr && setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) != 0) return false;
  if (protocol == Protocol::udp)
    return setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on) == 0;
  // SO_REUSEADDR: a TCP port can be taken while the kernel still knows its old connections, but not while another
  // socket listens on it.
  return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
}

}  // namespace

Result<UniqueFd> listen_at(Protocol protocol, const Endpoint& address, const char* interface) {
  const bool tcp = protocol == Protocol::tcp;
  const bool v6 = !address.address.is_v4();
  UniqueFd fd(socket(v6 ? AF_INET6 : AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SocketAddress name(address);
  if (!fd.valid() || !set_up(fd.get(), protocol, v6, interface) || bind(fd.get(), name.get(), name.length) != 0 ||
      (tcp && listen(fd.get(), backlog) != 0))
    return fail("listen at " + address.to_string() + "/" + std::string(name_of(protocol)), errno);
  return fd;
}

}  // namespace wg4
