#include "wg4netns/supervise/tunnel_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string_view>

namespace wg4 {
namespace {

constexpr const char* all_folders = "ns";
constexpr const char* socket_name = "keeper.sock";
constexpr int backlog = 256;  // clients that start at the same time
constexpr std::chrono::milliseconds lock_interval{5};

Result<UniqueFd> make_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail("create a UNIX socket", errno);
  return fd;
}

/// The folder of all of them, and its path.
Result<std::pair<UniqueFd, std::string>> open_parent(const std::vector<std::string>& runtime, IfMissing if_missing) {
  if (runtime.empty())
    return fail("there is no folder for tunnels: XDG_RUNTIME_DIR is not set to an absolute path", 0,
                "Set it to a folder that is yours alone, as a login does: export XDG_RUNTIME_DIR=/run/user/$(id -u)");
  const auto open_in = [&](const std::string& folder) -> Result<std::pair<UniqueFd, std::string>> {
    const std::string project = folder + "/" + project_folder;
    const UniqueFd fd = TRY(open_own_folder(folder, project_folder, if_missing));
    return std::pair(TRY(open_own_folder(fd.get(), project, all_folders, if_missing)), project + "/" + all_folders);
  };
  auto opened = open_in(runtime.front());
  // ENOENT is no failure for a caller that only looks: it means that there is no tunnel.
  const bool is_answer = if_missing == IfMissing::fail && !opened && opened.error().number == ENOENT;
  if (!opened && opened.error().hint.empty() && !is_answer)
    opened.error().hint = "Set XDG_RUNTIME_DIR to a folder that this user can write to";
  return opened;
}

}  // namespace

Result<void> TunnelFolder::check_name(const std::string& name) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=+.-";
  const bool usable = !name.empty() && name.size() <= max_name && name.front() != '.' && name.front() != '-' &&
                      name.find_first_not_of(allowed) == std::string::npos;
  if (usable) return {};
  return fail("'" + name + "' cannot be the name of a tunnel", 0,
              "Up to 15 letters, digits and _=+.- are one; the first is neither . nor -");
}

std::vector<std::string> TunnelFolder::names(const std::vector<std::string>& runtime) {
  std::vector<std::string> found;
  auto parent = open_parent(runtime, IfMissing::fail);
  if (!parent) return found;
  const std::unique_ptr<DIR, decltype([](DIR* each) { closedir(each); })> listing(fdopendir(parent->first.get()));
  if (!listing) return found;
  static_cast<void>(parent->first.release());  // the listing closes it
  while (const dirent* each = readdir(listing.get()))
    if (const std::string name(static_cast<const char*>(each->d_name)); check_name(name)) found.push_back(name);
  std::ranges::sort(found);
  return found;
}

Result<TunnelFolder> TunnelFolder::open(const std::string& name, IfMissing if_missing,
                                        const std::vector<std::string>& runtime) {
  TRY(check_name(name));
  auto [parent, path] = TRY(open_parent(runtime, if_missing));
  UniqueFd folder = TRY(open_own_folder(parent.get(), path, name, if_missing));
  return TunnelFolder(std::move(parent), std::move(folder), name);
}

bool TunnelFolder::is_removed() const {
  struct stat own{};
  struct stat named{};
  return fstat(folder_.get(), &own) != 0 || fstatat(parent_.get(), name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0 ||
         own.st_ino != named.st_ino || own.st_dev != named.st_dev;
}

Result<bool> TunnelFolder::try_lock() {
  if (flock(folder_.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK || errno == EINTR) return false;
  return fail("lock the folder of " + name_, errno);
}

Result<void> TunnelFolder::lock(Deadline deadline) {
  for (;;) {
    if (TRY(try_lock())) {
      if (!is_removed()) return {};
      folder_ = TRY(open_own_folder(parent_.get(), "the folder of all tunnels", name_, IfMissing::make));
      continue;
    }
    if (std::chrono::steady_clock::now() > deadline)
      return fail("the tunnel " + name_ + " is being started or ended by another process, which has not finished", 0,
                  "Try again; perhaps a command was stopped (Ctrl-Z) while it was starting: continue it with fg");
    poll(nullptr, 0, static_cast<int>(lock_interval.count()));
  }
}

void TunnelFolder::unlock() { flock(folder_.get(), LOCK_UN); }

/// Short, whatever the folder's own path is: it fits an address.
UnixAddress TunnelFolder::address() const {
  return *UnixAddress::of_path("/proc/self/fd/" + std::to_string(folder_.get()) + "/" + socket_name);
}

Result<UniqueFd> TunnelFolder::connect() const {
  UniqueFd fd = TRY(make_socket());
  if (address().connect(fd.get())) return fd;
  if (errno == ENOENT || errno == ECONNREFUSED) return UniqueFd();
  return fail("reach the keeper of the tunnel " + name_, errno);
}

bool TunnelFolder::has_socket() const { return faccessat(folder_.get(), socket_name, F_OK, 0) == 0; }

Result<UniqueFd> TunnelFolder::listen() const {
  if (unlinkat(folder_.get(), socket_name, 0) != 0 && errno != ENOENT)
    return fail("replace the socket of the tunnel " + name_, errno);
  UniqueFd fd = TRY(make_socket());
  // bind() gives the file the mode of the socket.
  if (fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0 || !address().bind(fd.get()) || ::listen(fd.get(), backlog) != 0)
    return fail("listen as the keeper of the tunnel " + name_, errno);
  return fd;
}

Result<void> TunnelFolder::listen_as_own(int listener) {
  if (::listen(listener, backlog) != 0) return fail("listen as the keeper of a tunnel", errno);
  return {};
}

void TunnelFolder::remove() {
  if (is_removed()) return;  // what has the name now is somebody else's
  unlinkat(folder_.get(), socket_name, 0);
  unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR);
}

}  // namespace wg4
