#pragma once
// Addresses of UNIX sockets, and which process is at the other end of one.

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace wg4 {

/// A path, or an abstract name (unix(7)).
class UnixAddress {
 public:
  static constexpr std::size_t max_size = sizeof(sockaddr_un::sun_path) - 1;  ///< bytes, of a path or a name

  /// Nothing if the text is empty or longer than max_size.
  [[nodiscard]] static std::optional<UnixAddress> of_path(std::string_view path);
  [[nodiscard]] static std::optional<UnixAddress> of_abstract_name(std::string_view name);

  /// connect(2) and bind(2): false, with errno, if the call fails.
  [[nodiscard]] bool connect(int socket) const;
  [[nodiscard]] bool bind(int socket) const;

 private:
  UnixAddress() = default;

  sockaddr_un address_{};
  socklen_t size_ = 0;
};

/// The process and the user who connected, or who listened when this end connected; nothing, with errno, if the socket
/// cannot tell.
[[nodiscard]] std::optional<ucred> peer_of(int socket);

/// Is this process' user at the other end?
[[nodiscard]] bool is_same_user(int socket);

/// "process 12"; "another process" if it is not known, or cannot be seen from here.
[[nodiscard]] std::string describe_peer(int socket);

}  // namespace wg4
