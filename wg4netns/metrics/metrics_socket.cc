#include "wg4netns/metrics/metrics_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "shared/net/loopback.h"
#include "shared/sys/log.h"
#include "shared/sys/sockaddr.h"

namespace wg4::metrics {
namespace {

constexpr int backlog = 64;

std::string hint_for(int number) {
  switch (number) {
    case EADDRINUSE:
      return "Another program listens there; each tunnel wants a port of its own, and 0 is one that is free";
    case EADDRNOTAVAIL:
      return "The host has no such address";
    case EACCES:
      return "Ordinary users get ports from the sysctl net.ipv4.ip_unprivileged_port_start on";
    default:
      return {};
  }
}

/// A socket that listens at `endpoint`; on failure an invalid one, with errno set.
UniqueFd listen_at(const Endpoint& endpoint) {
  const bool v6 = !endpoint.address.is_v4();
  const int on = 1;
  UniqueFd fd(socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SocketAddress address(endpoint);
  const bool listens = fd.valid() && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                       (!v6 || setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
                       bind(fd.get(), address.get(), address.length) == 0 && listen(fd.get(), backlog) == 0;
  return listens ? std::move(fd) : UniqueFd();
}

Endpoint bound_to(int fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  getsockname(fd, address.get(), &address.length);
  return to_endpoint(address.storage);
}

}  // namespace

Result<MetricsSocket> MetricsSocket::open(const std::string& where) {
  constexpr std::string_view unix_scheme = "unix:";
  MetricsSocket socket;
  if (where.starts_with(unix_scheme)) {
    socket.unix_ = TRY(UnixListener::create(where.substr(unix_scheme.size()), "--metrics " + where));
    socket.name_ = where;
    return socket;
  }
  const auto endpoint = Endpoint::parse(where);
  if (!endpoint)
    return fail("--metrics " + where + " is neither ADDRESS:PORT nor unix:PATH", 0, "Say 127.0.0.1:9586, for example");
  socket.tcp_ = listen_at(*endpoint);
  if (!socket.tcp_.valid()) {
    const int number = errno;
    return fail("listen at --metrics " + where, number, hint_for(number));
  }
  socket.name_ = "http://" + bound_to(socket.fd()).to_string() + "/metrics";
  if (is_loopback(endpoint->address))
    socket.hosts_ = Hosts::numbers;
  else
    log::warning("--metrics {}: anybody who reaches this address sees the peers and how much they send", where);
  return socket;
}

}  // namespace wg4::metrics
