#include "wg4netns/supervise/broker_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "shared/sys/deadline.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/own_folder.h"
#include "shared/sys/unix_socket.h"
#include "shared/wire/message_socket.h"

namespace wg4::broker {
namespace {

constexpr std::chrono::seconds patience{60};  // a start waits for DNS, and for its helper
constexpr int backlog = 64;

Result<UnixAddress> address_of(const std::string& path) {
  if (auto address = UnixAddress::of_path(path)) return *address;
  return fail("the path " + path + " is too long for a socket", 0, "Set XDG_RUNTIME_DIR to a shorter one");
}

Result<UniqueFd> make_socket() {
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return fail("create a UNIX socket", errno);
  return fd;
}

Result<UniqueFd> connect_to(const std::string& path) {
  const UnixAddress address = TRY(address_of(path));
  UniqueFd fd = TRY(make_socket());
  if (!address.connect(fd.get())) return fail("connect to " + path, errno);
  return fd;
}

}  // namespace

Result<std::string> socket_path() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  const bool has_one = runtime != nullptr && *runtime == '/';
  if (!has_one && geteuid() != 0)
    return fail("XDG_RUNTIME_DIR is not set to an absolute path", 0,
                "Set it to this user's folder for sockets, /run/user/UID as a rule");
  return std::string(has_one ? runtime : "/run") + "/wireguard4netns/broker.sock";
}

Result<UniqueFd> listen_at(const std::string& path) {
  const UnixAddress address = TRY(address_of(path));
  const UniqueFd lock = TRY(lock_own_folder(path.substr(0, path.rfind('/')), OthersMay::do_nothing));
  if (const auto other = connect_to(path)) return UniqueFd();
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail("replace " + path, errno);
  UniqueFd fd = TRY(make_socket());
  if (!address.bind(fd.get()) || listen(fd.get(), backlog) != 0) return fail("listen at " + path, errno);
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

}  // namespace wg4::broker
