#include "wg4netns/uapi/control_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

namespace wg4::uapi {
namespace {

constexpr std::string_view suffix = ".sock";
constexpr int waiting_connections = 4096;
constexpr mode_t only_this_users_folder = 0700;
constexpr const char* parent_of_system_folder = "/run";
constexpr const char* what_it_names = "It names the user's folder for sockets, /run/user/UID as a rule";

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail("the path " + path + " is too long for a socket", ENAMETOOLONG, "Set XDG_RUNTIME_DIR to a shorter one");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

bool may_write(const char* folder) { return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0; }

/// Makes, opens and locks the folder: two programs must not replace one socket at the same time.
Result<UniqueFd> lock_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), only_this_users_folder) != 0 && errno != EEXIST)
    return fail("make the folder " + folder, errno);
  UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail("open the folder " + folder, errno);
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return fail("look at the folder " + folder, errno);
  if (info.st_uid != geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail("other users can write to the folder " + folder, 0, "chmod 700 " + folder);
  if (flock(fd.get(), LOCK_EX) != 0) return fail("lock the folder " + folder, errno);
  return fd;
}

/// The program at the other end: "process 12".
std::string holder(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return "another process";
  return "process " + std::to_string(peer.pid);
}

/// Fails if a program listens at `path`.
Result<void> expect_free(const std::string& path) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail("look at " + path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) return fail(path + " is in the way, and no socket", EADDRINUSE, "Move it away");
  const auto other = connect_to(path);
  if (other || other.error().number != ECONNREFUSED)
    return fail(
        "the control socket " + path, EADDRINUSE,
        "It is that of " + (other ? holder(other->get()) : "another process") + ": choose another name with --control");
  return {};
}

/// A name that no later tunnel uses: one with a number in it, or of a namespace that an engine made.
bool is_for_once(const std::string& name) {
  const std::size_t dash = name.rfind('-');
  return name.starts_with("netns-") ||
         (dash != std::string::npos && name.find_first_not_of("0123456789", dash + 1) == std::string::npos);
}

/// Removes sockets that killed programs have left.
void clear_away_left(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().stem();
    if (!is_for_once(name) || entry.path().extension() != suffix) continue;
    const auto other = connect_to(entry.path());
    if (!other && other.error().number == ECONNREFUSED) std::filesystem::remove(entry.path(), error);
  }
}

}  // namespace

bool is_socket_name(const std::string& name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=+.-";
  return !name.empty() && name.size() <= max_socket_name && name != "." && name != ".." &&
         name.find_first_not_of(allowed) == std::string::npos;
}

Result<std::string> user_folder() {
  const char* variable = std::getenv("XDG_RUNTIME_DIR");
  const std::string runtime = variable == nullptr ? "" : variable;
  if (runtime.empty()) return fail("XDG_RUNTIME_DIR is not set", 0, what_it_names);
  const std::string what = "XDG_RUNTIME_DIR=" + runtime;
  if (!runtime.starts_with('/')) return fail(what + " is not an absolute path", 0, what_it_names);
  struct stat info{};
  if (stat(runtime.c_str(), &info) != 0) return fail(what, errno, what_it_names);
  if (!S_ISDIR(info.st_mode)) return fail(what + " is not a folder", 0, what_it_names);
  if (info.st_uid != geteuid())
    return fail(what + " belongs to another user", 0,
                std::string(what_it_names) + "; su(1) and sudo(8) may leave that of another user there");
  std::string own = runtime + "/wireguard";
  TRY(address_of(own + "/x" + std::string(suffix)));
  if (stat(own.c_str(), &info) != 0 && faccessat(AT_FDCWD, runtime.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    return fail(what + ", which has no folder 'wireguard' and cannot be written to", errno, what_it_names);
  return own;
}

Result<std::string> writable_folder() {
  if (mkdir(system_folder, only_this_users_folder) == 0 || may_write(system_folder)) return system_folder;
  return user_folder();
}

std::vector<std::string> search_folders() {
  std::vector<std::string> folders{system_folder};
  if (auto own = user_folder()) folders.push_back(*std::move(own));
  return folders;
}

Result<void> expect_a_folder() {
  const bool exists = access(system_folder, F_OK) == 0;
  if (may_write(exists ? system_folder : parent_of_system_folder)) return {};
  auto own = user_folder();
  return own ? Result<void>{} : std::unexpected(std::move(own).error());
}

Result<UniqueFd> connect_to(const std::string& path) {
  const sockaddr_un address = TRY(address_of(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail("open a UNIX socket", errno);
  // sockaddr is the type for addresses of all families.
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)  // NOLINT
    return fail("connect to " + path, errno);
  return fd;
}

Result<ControlSocket> ControlSocket::create(const std::string& folder, const std::string& name) {
  std::string path = folder + "/" + name + std::string(suffix);
  TRY(address_of(path));
  const UniqueFd lock = TRY(lock_folder(folder));
  TRY(expect_free(path));
  clear_away_left(folder);
  UnixListener listener =
      TRY(UnixListener::create(path, "the control socket " + path, UnixListener::Replaces::all, waiting_connections));
  return ControlSocket(name, std::move(path), std::move(listener));
}

}  // namespace wg4::uapi
