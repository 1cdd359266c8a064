#pragma once
// The socket by which programs such as wg(8) configure a tunnel: NAME.sock in a folder of such sockets. Stock wg(8)
// looks in /run/wireguard, which is root's; `wireguard4netns wg` shows it the user's own folder in that place.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/sys/unique_file.h"
#include "shared/sys/unix_listener.h"

namespace wg4::uapi {

inline constexpr const char* system_folder = "/run/wireguard";

inline constexpr std::size_t max_socket_name = 15;  // IFNAMSIZ, without the NUL

/// Is it valid as an interface name, and so for wg(8)?
[[nodiscard]] bool is_socket_name(const std::string& name);

/// $XDG_RUNTIME_DIR/wireguard, which need not exist, or why this user can have no socket there.
[[nodiscard]] Result<std::string> user_folder();

/// Where to make a socket: /run/wireguard if this process may write there, else the user's folder, which is made if
/// necessary (mode 0700).
[[nodiscard]] Result<std::string> writable_folder();

/// Folders to search for sockets; they need not exist.
[[nodiscard]] std::vector<std::string> search_folders();

/// Fails if this user's tunnels may run without a control socket because there is no folder for it: then finding no
/// socket does not mean that no tunnel runs.
[[nodiscard]] Result<void> expect_a_folder();

/// Connects to a socket. ECONNREFUSED if its program has gone, EAGAIN if it is busy.
[[nodiscard]] Result<UniqueFd> connect_to(const std::string& path);

/// A listening socket with a name, which the destructor removes. Only this user can connect.
class ControlSocket {
 public:
  /// NAME.sock in `folder`. Replaces the socket of a program that has died, and removes other such sockets whose names
  /// are not used again (they end with a number, or are those of an engine's namespace). EADDRINUSE, with a hint that
  /// names the process, if a program listens there.
  [[nodiscard]] static Result<ControlSocket> create(const std::string& folder, const std::string& name);

  [[nodiscard]] int fd() const { return listener_.fd(); }
  /// Hands over the socket's file, which its new owner removes.
  [[nodiscard]] UniqueFile take_file() { return listener_.take_file(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  ControlSocket(std::string name, std::string path, UnixListener listener)
      : name_(std::move(name)), path_(std::move(path)), listener_(std::move(listener)) {}

  std::string name_;
  std::string path_;
  UnixListener listener_;
};

}  // namespace wg4::uapi
