#pragma once
// Where the program is found by who configures it: NAME.sock in a folder of such sockets. Stock wg(8) looks in
// /run/wireguard, which is root's; `wireguard4netns wg` shows it the user's own.

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

/// As an interface may be called, and so as wg(8) takes it.
[[nodiscard]] bool is_socket_name(const std::string& name);

/// $XDG_RUNTIME_DIR/wireguard, or why this user can have no socket there. Need not exist.
[[nodiscard]] Result<std::string> user_folder();

/// Where to make a socket: /run/wireguard if this process may write there, else the user's own. The folder is made,
/// with mode 0700, if need be.
[[nodiscard]] Result<std::string> writable_folder();

/// Folders to look for sockets in, whether they exist or not.
[[nodiscard]] std::vector<std::string> search_folders();

/// Fails where tunnels of this user can run that have no control socket, for want of a folder: then nothing that is
/// found does not mean that nothing runs.
[[nodiscard]] Result<void> expect_a_folder();

/// A connection to a socket, or why there is none: ECONNREFUSED if its program is gone, EAGAIN if it is busy.
[[nodiscard]] Result<UniqueFd> connect_to(const std::string& path);

/// A listening socket with a name, which is removed at the end. Only this user can connect.
class ControlSocket {
 public:
  /// NAME.sock in `folder`. What a program that died left there is replaced, and what others left under a name that
  /// nobody takes again (it ends with a number, or is that of an engine's namespace) is removed; EADDRINUSE, with a
  /// hint that says whose it is, if one still listens there.
  [[nodiscard]] static Result<ControlSocket> create(const std::string& folder, const std::string& name);

  [[nodiscard]] int fd() const { return listener_.fd(); }
  /// The socket's file, for somebody else to remove.
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
