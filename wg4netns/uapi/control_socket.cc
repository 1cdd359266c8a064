#include "wg4netns/uapi/control_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <expected>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "shared/sys/own_folder.h"
#include "shared/sys/unix_socket.h"

namespace wg4::uapi {
namespace {

constexpr std::string_view suffix = ".sock";
constexpr int waiting_connections = 4096;
constexpr mode_t only_this_users_folder = 0700;
constexpr const char* parent_of_system_folder = "/run";
constexpr const char* what_it_names = "It names the user's folder for sockets, /run/user/UID as a rule";

Result<UnixAddress> address_of(const std::string& path) {
  if (auto address = UnixAddress::of_path(path)) return *address;
  return fail("the path " + path + " is too long for a socket", ENAMETOOLONG, "Set XDG_RUNTIME_DIR to a shorter one");
}

bool may_write(const char* folder) { return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0; }

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
    return fail("the control socket " + path, EADDRINUSE,
                "It is that of " + (other ? describe_peer(other->get()) : "another process") +
                    ": choose another name with --control");
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
  const UnixAddress address = TRY(address_of(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail("open a UNIX socket", errno);
  if (!address.connect(fd.get())) return fail("connect to " + path, errno);
  return fd;
}

Result<ControlSocket> ControlSocket::create(const std::string& folder, const std::string& name) {
  std::string path = folder + "/" + name + std::string(suffix);
  TRY(address_of(path));
  const UniqueFd lock = TRY(lock_own_folder(folder, OthersMay::read));
  TRY(expect_free(path));
  clear_away_left(folder);
  UnixListener listener =
      TRY(UnixListener::create(path, "the control socket " + path, UnixListener::Replaces::all, waiting_connections));
  return ControlSocket(name, std::move(path), std::move(listener));
}

}  // namespace wg4::uapi
