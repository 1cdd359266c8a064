#include "shared/sys/unix_listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "shared/sys/unix_socket.h"

namespace wg4 {
namespace {

constexpr mode_t only_this_user = 0600;

UniqueFd make_socket() { return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

Result<void> remove(const std::string& path, const std::string& what) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail("replace " + what, errno);
  return {};
}

/// Removes the socket at the path, if no process listens there any more.
Result<void> remove_dead(const std::string& path, const UnixAddress& address, const std::string& what) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fail("look at " + what, errno);
  }
  if (!S_ISSOCK(status.st_mode)) return fail(what + ": there is a file that is no socket", 0, "Choose another path");
  const UniqueFd probe = make_socket();
  if (!probe.valid()) return fail("make a UNIX socket", errno);
  // EAGAIN: its queue of connections is full, so it is alive.
  if (address.connect(probe.get()) || errno == EAGAIN)
    return fail(what + " is in use by " + describe_peer(probe.get()), 0, "Choose another path, or end that process");
  if (errno != ECONNREFUSED) return fail("find out who listens at " + what, errno);
  return remove(path, what);
}

}  // namespace

Result<UnixListener> UnixListener::create(const std::string& path, const std::string& what, Replaces replaces,
                                          int backlog) {
  if (path.empty()) return fail(what + ": the path is empty");
  const auto address = UnixAddress::of_path(path);
  if (!address)
    return fail(what + ": the path has " + std::to_string(path.size()) + " bytes", 0,
                "At most " + std::to_string(UnixAddress::max_size) + " are possible: choose a shorter one");
  TRY(replaces == Replaces::all ? remove(path, what) : remove_dead(path, *address, what));
  UniqueFd fd = make_socket();
  // bind() gives the file the mode of the socket, so the file has the right mode from the start.
  if (!fd.valid() || fchmod(fd.get(), only_this_user) != 0 || !address->bind(fd.get())) {
    const int number = errno;
    return fail("make " + what, number, number == ENOENT ? "Make its folder first" : "");
  }
  UniqueFile file = TRY(UniqueFile::own(path));
  if (listen(fd.get(), backlog) != 0) return fail("listen at " + what, errno);
  return UnixListener(std::move(fd), std::move(file));
}

}  // namespace wg4
