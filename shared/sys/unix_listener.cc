#include "shared/sys/unix_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace wg4 {
namespace {

constexpr mode_t only_this_user = 0600;

UniqueFd make_socket() { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

/// Both calls take a pointer to the general type.
template <class Call>
bool with_address(Call call, int fd, const sockaddr_un& address) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  return call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string holder(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0;
  return known ? "process " + std::to_string(peer.pid) : "another process";
}

Result<void> remove(const sockaddr_un& address, const std::string& what) {
  if (unlink(address.sun_path) != 0 && errno != ENOENT) return fail("replace " + what, errno);
  return {};
}

/// Removes the socket at the address, if no process listens there any more.
Result<void> remove_dead(const sockaddr_un& address, const std::string& what) {
  struct stat status{};
  if (lstat(address.sun_path, &status) != 0) {
    if (errno == ENOENT) return {};
    return fail("look at " + what, errno);
  }
  if (!S_ISSOCK(status.st_mode)) return fail(what + ": there is a file that is no socket", 0, "Choose another path");
  const UniqueFd probe = make_socket();
  if (!probe.valid()) return fail("make a UNIX socket", errno);
  // EAGAIN: its queue of connections is full, so it is alive.
  if (with_address(connect, probe.get(), address) || errno == EAGAIN)
    return fail(what + " is in use by " + holder(probe.get()), 0, "Choose another path, or end that process");
  if (errno != ECONNREFUSED) return fail("find out who listens at " + what, errno);
  return remove(address, what);
}

}  // namespace

Result<UnixListener> UnixListener::create(const std::string& path, const std::string& what, Replaces replaces,
                                          int backlog) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty()) return fail(what + ": the path is empty");
  if (path.size() >= sizeof address.sun_path)
    return fail(what + ": the path has " + std::to_string(path.size()) + " bytes", 0,
                "At most " + std::to_string(sizeof address.sun_path - 1) + " are possible: choose a shorter one");
  std::memcpy(address.sun_path, path.data(), path.size());
  TRY(replaces == Replaces::all ? remove(address, what) : remove_dead(address, what));
  UniqueFd fd = make_socket();
  // bind() gives the file the mode of the socket, so the file has the right mode from the start.
  if (!fd.valid() || fchmod(fd.get(), only_this_user) != 0 || !with_address(bind, fd.get(), address)) {
    const int number = errno;
    return fail("make " + what, number, number == ENOENT ? "Make its folder first" : "");
  }
  UniqueFile file = TRY(UniqueFile::own(path));
  if (listen(fd.get(), backlog) != 0) return fail("listen at " + what, errno);
  return UnixListener(std::move(fd), std::move(file));
}

}  // namespace wg4
