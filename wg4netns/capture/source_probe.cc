#include "wg4netns/capture/source_probe.h"

#include <sys/socket.h>

#include "shared/net/ip_address.h"
#include "shared/sys/sockaddr.h"

namespace wg4::capture {

SourceProbe::SourceProbe()
    : sockets_{UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
               UniqueFd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0))} {}

IpAddress SourceProbe::towards(const Endpoint& remote) {
  if (remote == remote_) return source_;
  remote_ = remote;
  source_ = {};
  const int fd = sockets_[remote.address.is_v4() ? 0 : 1].get();
  if (fd < 0) return source_;
  SocketAddress there(remote);
  SocketAddress here;
  here.length = sizeof here.storage;
  if (connect(fd, there.get(), there.length) == 0 && getsockname(fd, here.get(), &here.length) == 0)
    source_ = to_endpoint(here.storage).address;
  return source_;
}

}  // namespace wg4::capture
