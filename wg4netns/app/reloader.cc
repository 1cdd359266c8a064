#include "wg4netns/app/reloader.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "wg4netns/app/sandbox.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds patience{60};           // with names that take time
constexpr std::array<std::uint8_t, 1> has_ended{'e'};  // what is told when a reload has ended

void run_reload(const std::string& tunnel, const std::string& path) {
  SpawnRequest request;
  request.program = "/proc/self/exe";
  request.arguments = {"wireguard4netns", "reload", "--config", path, tunnel};
  for (char** variable = environ; *variable != nullptr; ++variable) request.environment.emplace_back(*variable);
  auto child = Child::spawn(request);
  const auto ended = child ? child->wait(patience) : std::unexpected(std::move(child).error());
  if (!ended) log::warning("{}", ended.error().message());
}

/// What arrives comes from the process that talks with strangers.
int run(int socket, int log_fd, const std::string& path) {
  prctl(PR_SET_NAME, "wg4netns-reload");
  if (dup2(log_fd, STDERR_FILENO) < 0 || !confine_reloader()) return EXIT_FAILURE;
  std::array<std::uint8_t, 64> buffer;
  for (;;) {
    const auto message = receive_message(socket, buffer);
    if (!message || !*message) return EXIT_SUCCESS;
    const std::string tunnel(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>((*message)->size));
    if (!uapi::is_socket_name(tunnel)) return EXIT_FAILURE;
    run_reload(tunnel, path);
    if (!send_message(socket, has_ended)) return EXIT_SUCCESS;
  }
}

}  // namespace

Result<Reloader> Reloader::create(const std::string& path) {
  SocketPair sockets = TRY(make_message_sockets());
  const UniqueFd log_fd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!log_fd.valid()) return fail("duplicate standard error", errno);
  const std::array<int, 2> fds{sockets.theirs.get(), log_fd.get()};
  auto child = Child::fork(fds, [&] { return run(sockets.theirs.get(), log_fd.get(), path); });
  if (!child) return fail_in("start the process that reloads", std::move(child).error());
  if (fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) < 0) return fail("prepare a socket", errno);
  return Reloader(std::move(*child), std::move(sockets.ours));
}

void Reloader::reload(const std::string& tunnel) const {
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(tunnel.data()), tunnel.size());  // NOLINT: text as bytes
  if (const auto sent = send_message(socket_.get(), bytes); !sent) log::warning("reload: {}", sent.error().message());
}

bool Reloader::take_end() const {
  std::array<std::uint8_t, 8> buffer;
  const auto message = receive_message(socket_.get(), buffer);
  return message ? message->has_value() : message.error().number == EAGAIN;
}

}  // namespace wg4
