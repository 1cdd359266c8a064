#pragma once
// Conversions between our addresses and the kernel's.

#include <netinet/in.h>
#include <sys/socket.h>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"

namespace wg4 {

/// Trivial, so that an array of them costs nothing until one is used.
struct SocketAddress {
  sockaddr_storage storage;
  socklen_t length;

  SocketAddress() = default;
  explicit SocketAddress(const Endpoint& endpoint);
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

/// An AF_INET or AF_INET6 address as the kernel filled it in.
[[nodiscard]] Endpoint to_endpoint(const sockaddr_storage& storage);
[[nodiscard]] IpAddress to_address(const in_addr& address);
[[nodiscard]] IpAddress to_address(const in6_addr& address);
[[nodiscard]] in_addr to_in_addr(const IpAddress& address);
[[nodiscard]] in6_addr to_in6_addr(const IpAddress& address);

}  // namespace wg4
