#include "shared/sys/unix_socket.h"

#include <unistd.h>

namespace wg4 {
namespace {

/// sockaddr is the type for addresses of all families.
const sockaddr* general(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

}  // namespace

std::optional<UnixAddress> UnixAddress::of_path(std::string_view path) {
  if (path.empty() || path.size() > max_size) return std::nullopt;
  UnixAddress address;
  address.address_.sun_family = AF_UNIX;
  path.copy(address.address_.sun_path, path.size());
  address.size_ = sizeof address.address_;
  return address;
}

std::optional<UnixAddress> UnixAddress::of_abstract_name(std::string_view name) {
  if (name.empty() || name.size() > max_size) return std::nullopt;
  UnixAddress address;
  address.address_.sun_family = AF_UNIX;
  name.copy(&address.address_.sun_path[1], name.size());
  // The length is a part of the name.
  address.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

bool UnixAddress::connect(int socket) const { return ::connect(socket, general(address_), size_) == 0; }

bool UnixAddress::bind(int socket) const { return ::bind(socket, general(address_), size_) == 0; }

std::optional<ucred> peer_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer;
}

bool is_same_user(int socket) {
  const auto peer = peer_of(socket);
  return peer && peer->uid == geteuid();
}

std::string describe_peer(int socket) {
  const auto peer = peer_of(socket);
  return peer && peer->pid > 0 ? "process " + std::to_string(peer->pid) : "another process";
}

}  // namespace wg4
