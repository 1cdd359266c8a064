#include "wg4netns/daemon/reloader.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <expected>
#include <optional>
#include <utility>

#include "shared/sys/fd_pass.h"
#include "shared/sys/log.h"
#include "shared/sys/process.h"
#include "shared/sys/sandbox_mode.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/daemon/sandbox.h"
#include "wg4netns/uapi/control_socket.h"

namespace wg4 {
namespace {

constexpr std::chrono::seconds patience{60};  // with names that take time

void run_reload(const std::string& tunnel, const std::string& path) {
  SpawnRequest request;
  request.program = "/proc/self/exe";
  request.arguments = {"wireguard4netns", "reload", "--config", path, tunnel};
  request.environment = own_environment();
  auto child = Child::spawn(request);
  const auto ended = child ? child->wait(patience) : std::unexpected(std::move(child).error());
  if (!ended) log::warning("{}", ended.error().message());
}

/// What the process is given.
struct Settings {
  int socket;
  int names;  // the resolver's end
  int log_fd;
  std::string path;
  SandboxMode sandbox;
};

std::optional<Child> start_resolver(const Settings& settings) {
  auto child = Resolver::spawn(settings.names, settings.sandbox);
  if (child) return *std::move(child);
  log::warning("{}", child.error().message());
  return std::nullopt;
}

/// The next message; nothing if the tunnel has ended, or sends something else.
template <class M>
std::optional<M> next(int socket) {
  auto received = wire::receive<M>(socket);
  if (!received || !*received) return std::nullopt;
  return std::move((*received)->message);
}

/// Orders come from the process that reads strangers' packets: nothing of them is used but which of the two each is.
int run(const Settings& settings) {
  prctl(PR_SET_NAME, "wg4netns-reload");
  if (dup2(settings.log_fd, STDERR_FILENO) < 0 || !confine_reloader(settings.sandbox)) return EXIT_FAILURE;
  const auto tunnel = next<TunnelToReload>(settings.socket);
  if (!tunnel) return EXIT_SUCCESS;
  const bool reloads = uapi::is_socket_name(tunnel->control);
  std::optional<Child> resolver;
  while (const auto order = next<ReloadOrder>(settings.socket)) {
    if (order->what == ReloadOrder::What::start_resolver) {
      if (!resolver) resolver = start_resolver(settings);
    } else if (reloads) {
      run_reload(tunnel->control, settings.path);
      if (!wire::send(settings.socket, ReloadEnded{})) return EXIT_SUCCESS;
    } else {
      return EXIT_FAILURE;
    }
  }
  return EXIT_SUCCESS;
}

}  // namespace

Result<Reloader> Reloader::create(const std::string& path, SandboxMode sandbox) {
  SocketPair sockets = TRY(make_message_sockets());
  SocketPair names = TRY(make_message_sockets());
  const UniqueFd log_fd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!log_fd.valid()) return fail("duplicate standard error", errno);
  const std::array<int, 3> fds{sockets.theirs.get(), names.theirs.get(), log_fd.get()};
  const Settings settings{sockets.theirs.get(), names.theirs.get(), log_fd.get(), path, sandbox};
  auto child = Child::fork(fds, [&] { return run(settings); });
  if (!child) return fail_in("start the process that reloads", std::move(child).error());
  if (fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) < 0 || fcntl(names.ours.get(), F_SETFL, O_NONBLOCK) < 0)
    return fail("prepare a socket", errno);
  return Reloader(std::move(*child), std::move(sockets.ours), std::move(names.ours));
}

Result<void> Reloader::settle(const std::optional<std::string>& tunnel) const {
  auto sent = wire::send(socket_.get(), TunnelToReload{tunnel.value_or("")});
  return sent ? std::move(sent) : fail_in("talk to the process that reloads", std::move(sent).error());
}

void Reloader::order(ReloadOrder::What what) const {
  if (const auto sent = wire::send(socket_.get(), ReloadOrder{what}); !sent)
    log::warning("reload: {}", sent.error().message());
}

bool Reloader::take_end() const {
  const auto message = wire::receive<ReloadEnded>(socket_.get());
  return message ? message->has_value() : message.error().number == EAGAIN;
}

}  // namespace wg4
