#include "wg4netns/supervise/broker_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/wire/message_socket.h"

namespace wg4::broker {
namespace {

constexpr std::chrono::seconds patience{60};  // a start waits for DNS, and for its helper
constexpr int backlog = 64;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail("the path " + path + " is too long for a socket", 0, "Set XDG_RUNTIME_DIR to a shorter one");
  std::memcpy(address.sun_path, path.c_str(), path.size());
  return address;
}

Result<UniqueFd> make_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail("create a UNIX socket", errno);
  return fd;
}

/// Both calls want a pointer to the general type.
template <class Call>
bool with_address(Call call, int fd, const sockaddr_un& address) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, sizeof address);
  return call(fd, reinterpret_cast<const sockaddr*>(&storage), sizeof address) == 0;  // NOLINT
}

Result<UniqueFd> connect_to(const std::string& path) {
  const sockaddr_un address = TRY(address_of(path));
  UniqueFd fd = TRY(make_socket());
  if (!with_address(connect, fd.get(), address)) return fail("connect to " + path, errno);
  return fd;
}

/// The folder, made if need be and locked: two brokers must not replace each other's socket at the same time.
Result<UniqueFd> lock_folder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail("make the folder " + folder, errno);
  UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail("open the folder " + folder, errno);
  struct stat info{};
  if (fstat(fd.get(), &info) != 0) return fail("look at the folder " + folder, errno);
  if (info.st_uid != geteuid() || (info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail("the folder " + folder + " is open to other users", 0, "chmod 700 " + folder);
  if (flock(fd.get(), LOCK_EX) != 0) return fail("lock the folder " + folder, errno);
  return fd;
}

}  // namespace

Result<std::string> socket_path() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool has_one = runtime != nullptr && *runtime == '/';
  if (!has_one && geteuid() != 0)
    return fail("XDG_RUNTIME_DIR is not set", 0, "It names the user's folder for sockets, /run/user/UID as a rule");
  return std::string(has_one ? runtime : "/run") + "/wireguard4netns/broker.sock";
}

Result<UniqueFd> listen_at(const std::string& path) {
  const sockaddr_un address = TRY(address_of(path));
  const UniqueFd lock = TRY(lock_folder(path.substr(0, path.rfind('/'))));
  if (const auto other = connect_to(path)) return UniqueFd();
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail("replace " + path, errno);
  UniqueFd fd = TRY(make_socket());
  if (!with_address(bind, fd.get(), address) || listen(fd.get(), backlog) != 0) return fail("listen at " + path, errno);
  return fd;
}

Result<void> ask(const Request& request, UniqueFd netns) {
  const std::string path = TRY(socket_path());
  const UniqueFd socket = TRY(connect_to(path));
  const auto bytes = TRY(encode(request));
  TRY(send_message(socket.get(), bytes, std::span(&netns, netns.valid() ? 1 : 0)));
  if (!TRY(wait_until(socket.get(), POLLIN, deadline_in(patience))))
    return fail("the broker gave no answer within a minute");
  const auto received = TRY(wire::receive<Reply>(socket.get()));
  if (!received) return fail("the broker has ended");
  const std::string& error = received->message.error;
  return error.empty() ? Result<void>{} : fail(error);
}

bool is_same_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

}  // namespace wg4::broker
