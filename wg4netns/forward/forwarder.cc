#include "wg4netns/forward/forwarder.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "shared/handoff/handoff.h"
#include "shared/sys/fd_pass.h"
#include "shared/sys/log_reader.h"
#include "shared/wire/message_socket.h"
#include "wg4netns/forward/start_message.h"
#include "wg4netns/forward/ways.h"

// The process gets one message (start_message.h) and sends one answer. After that the socket only shows when the other
// end closes it.

namespace wg4::forward {
namespace {

constexpr std::size_t max_start_fds = 2 + handoff::max_port_tables + Ways::max_listeners;
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
  const PublishPorts& wanted = message->message;
  const std::size_t sockets = std::size_t{wanted.has_agent} + std::size_t{wanted.has_api} + wanted.inside;
  if (message->fds.size() < sockets) return fail("the tunnel did not say how to forward ports");
  Start start{wanted.guest, {}};
  auto next = message->fds.begin();
  if (wanted.has_agent) start.descriptors.agent = std::move(*next++);
  if (wanted.has_api) start.descriptors.api = std::move(*next++);
  for (std::uint32_t i = 0; i < wanted.inside; ++i) start.descriptors.inside.push_back(std::move(*next++));
  for (; next != message->fds.end(); ++next) start.descriptors.tables.push_back(std::move(*next));
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
  const char* name =
      settings.ways.empty() ? "the process that publishes ports" : "the process for --host-port and --lan";
  auto child = Child::fork(kept, [&] {
    prctl(PR_SET_NAME, settings.ways.empty() ? "wg4netns-ports" : "wg4netns-ways");
    if (dup2(log_fd.get(), STDERR_FILENO) < 0) return failure;
    log::look_for_reader();
    return serve(sockets.theirs.get(), settings, confine);
  });
  if (!child) return fail_in(std::string("start ") + name, std::move(child).error());
  return Forwarder(name, *std::move(child), std::move(sockets.ours));
}

Result<void> Forwarder::start(const IpAddress& guest, ForwardLoop::Descriptors descriptors) {
  const PublishPorts start{.guest = guest,
                           .has_agent = descriptors.agent.valid(),
                           .has_api = descriptors.api.valid(),
                           .inside = static_cast<std::uint32_t>(descriptors.inside.size())};
  std::vector<UniqueFd> fds;
  if (start.has_agent) fds.push_back(std::move(descriptors.agent));
  if (start.has_api) fds.push_back(std::move(descriptors.api));
  for (UniqueFd& listener : descriptors.inside) fds.push_back(std::move(listener));
  for (UniqueFd& table : descriptors.tables) fds.push_back(std::move(table));
  TRY(wire::send(socket_.get(), start, fds));

  auto answer = TRY(wire::receive<Answer>(socket_.get()));
  if (!answer) return end();
  if (auto* failed = std::get_if<handoff::Failure>(&answer->message)) return std::unexpected(std::move(failed->error));
  return {};
}

Result<void> Forwarder::end() {
  const auto status = TRY(child_.wait(time_to_end));
  return fail(std::string(name_) + " " + (status ? status->to_string() : std::string("does not answer")));
}

Forwarder::~Forwarder() {
  if (!socket_.valid()) return;
  socket_.reset();
  if (child_.pidfd() < 0) return;
  if (const auto ended = child_.wait(time_to_end); !ended || !*ended) child_.kill();
}

}  // namespace wg4::forward
