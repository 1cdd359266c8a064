#include "wg4netns/forward/forwarder.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "shared/handoff/handoff.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log_reader.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/forward/start_message.h"

// The process gets one message (start_message.h) and sends one answer. After that the socket only shows when the other
// end closes it.

namespace wg4::forward {
namespace {

constexpr std::size_t max_start_fds = 2 + handoff::max_port_tables;
constexpr std::chrono::seconds time_to_end{1};
constexpr int success = 0;  // exit statuses
constexpr int failure = 1;

using Answer = std::variant<handoff::Done, handoff::Failure>;

/// The start message. Nothing is received if the process is not needed any more.
struct Start {
  IpAddress guest;
  ForwardLoop::Descriptors descriptors;
};

Result<std::optional<Start>> receive_start(int socket) {
  auto message = TRY(wire::receive<PublishPorts>(socket, max_start_fds));
  if (!message) return std::nullopt;
  const bool api = message->message.has_api;
  const std::size_t sockets = api ? 2 : 1;
  if (message->fds.size() < sockets) return fail("the tunnel did not say how to publish ports");
  Start start{message->message.guest, {}};
  start.descriptors.agent = std::move(message->fds[0]);
  if (api) start.descriptors.api = std::move(message->fds[1]);
  for (UniqueFd& table : std::span(message->fds).subspan(sockets)) start.descriptors.tables.push_back(std::move(table));
  return start;
}

/// The whole process; returns its exit status.
int serve(int socket, Settings settings, const std::function<Result<void>()>& confine) {
  auto start = receive_start(socket);
  if (!start || !*start) return start ? success : failure;
  settings.guest = (*start)->guest;
  auto loop = ForwardLoop::create(settings, std::move((*start)->descriptors), socket);
  const auto confined = loop ? confine() : std::unexpected(loop.error());
  const auto answered =
      confined ? wire::send(socket, handoff::Done{}) : wire::send(socket, handoff::Failure{confined.error()});
  if (!answered || !confined) return failure;
  (*loop)->run();
  return success;
}

}  // namespace

Result<Forwarder> Forwarder::create(const Settings& settings, const std::function<Result<void>()>& confine) {
  SocketPair sockets = TRY(make_message_sockets());
  const UniqueFd log_fd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!log_fd.valid()) return fail("duplicate standard error", errno);
  const std::array kept{sockets.theirs.get(), log_fd.get()};
  auto child = Child::fork(kept, [&] {
    prctl(PR_SET_NAME, "wg4netns-ports");
    if (dup2(log_fd.get(), STDERR_FILENO) < 0) return failure;
    log::look_for_reader();
    return serve(sockets.theirs.get(), settings, confine);
  });
  if (!child) return fail_in("start the process that publishes ports", std::move(child).error());
  return Forwarder(*std::move(child), std::move(sockets.ours));
}

Result<void> Forwarder::start(const IpAddress& guest, ForwardLoop::Descriptors descriptors) {
  const bool api = descriptors.api.valid();
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(descriptors.agent));
  if (api) fds.push_back(std::move(descriptors.api));
  for (UniqueFd& table : descriptors.tables) fds.push_back(std::move(table));
  TRY(wire::send(socket_.get(), PublishPorts{.guest = guest, .has_api = api}, fds));

  auto answer = TRY(wire::receive<Answer>(socket_.get()));
  if (!answer) return end();
  if (auto* failed = std::get_if<handoff::Failure>(&answer->message)) return std::unexpected(std::move(failed->error));
  return {};
}

Result<void> Forwarder::end() {
  const auto status = TRY(child_.wait(time_to_end));
  return fail("the process that publishes ports " + (status ? status->to_string() : std::string("does not answer")));
}

Forwarder::~Forwarder() {
  if (!socket_.valid()) return;
  socket_.reset();
  if (child_.pidfd() < 0) return;
  if (const auto ended = child_.wait(time_to_end); !ended || !*ended) child_.kill();
}

}  // namespace wg4::forward
