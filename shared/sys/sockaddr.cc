#include "shared/sys/sockaddr.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "shared/net/ip_address.h"

namespace wg4 {

SocketAddress::SocketAddress(const Endpoint& endpoint) {
  if (endpoint.address.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr = to_in_addr(endpoint.address);
    length = sizeof(address);
    std::memcpy(&storage, &address, sizeof(address));
  } else {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    address.sin6_addr = to_in6_addr(endpoint.address);
    address.sin6_scope_id = endpoint.scope;
    length = sizeof(address);
    std::memcpy(&storage, &address, sizeof(address));
  }
}

Endpoint to_endpoint(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in address;
    std::memcpy(&address, &storage, sizeof(address));
    return {to_address(address.sin_addr), ntohs(address.sin_port), 0};
  }
  sockaddr_in6 address;
  std::memcpy(&address, &storage, sizeof(address));
  return {to_address(address.sin6_addr), ntohs(address.sin6_port), address.sin6_scope_id};
}

IpAddress to_address(const in_addr& address) {
  std::array<std::uint8_t, 4> bytes;
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress::v4(bytes);
}

IpAddress to_address(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress::v6(bytes);
}

in_addr to_in_addr(const IpAddress& address) {
  in_addr result{};
  std::memcpy(&result, address.bytes().data(), sizeof(result));
  return result;
}

in6_addr to_in6_addr(const IpAddress& address) {
  in6_addr result{};
  std::memcpy(&result, address.bytes().data(), sizeof(result));
  return result;
}

}  // namespace wg4
