#include "wg4netns/daemon/helper_process.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <expected>
#include <utility>
#include <variant>

#include "shared/sys/fd_pass.h"
#include "shared/sys/program_file.h"
#include "shared/wire/wire.h"

namespace wg4 {
namespace {

constexpr const char* helper_name = "wg4netns-helper";
constexpr const char* helper_variable = "WIREGUARD4NETNS_HELPER";
// After its last message the helper has nothing to do but to end.
constexpr std::chrono::milliseconds time_to_end = std::chrono::seconds(2);

Result<Child> start_helper(const AttachRequest& request, int socket) {
  const std::string program = request.helper.empty() ? TRY(find_helper()) : request.helper;
  const UniqueFd no_input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!no_input.valid()) return fail("open /dev/null", errno);
  // The environment is empty: what ours holds (paths of key files, say) is none of the helper's business.
  return Child::spawn({.program = program,
                       .arguments = {helper_name},
                       .environment = {},
                       .fds = {{no_input.get(), STDIN_FILENO}, {socket, handoff::helper_socket}}});
}

Result<std::vector<std::uint8_t>> order(const AttachRequest& request) {
  handoff::Begin begin = request.begin;
  begin.follows = request.tun_fd >= 0;
  begin.target = request.target.name;
  auto bytes = wire::encode(begin);
  if (!bytes) return fail_in("the name of the interface or of the namespace", std::move(bytes).error());
  return bytes;
}

/// Descriptors of the TUN or the namespaces to work on; duplicates, since a message owns its descriptors.
Result<std::vector<UniqueFd>> attached(const AttachRequest& request) {
  std::vector<int> wanted{request.target.net.get(), request.target.user.get()};
  if (request.tun_fd >= 0) wanted = {request.tun_fd};
  std::vector<UniqueFd> fds;
  for (const int fd : wanted) {
    fds.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!fds.back().valid()) return fail("duplicate a descriptor for wg4netns-helper", errno);
  }
  return fds;
}

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

Result<std::string> find_helper() {
  if (const char* chosen = std::getenv(helper_variable); chosen != nullptr && *chosen != '\0') return chosen;
  auto found = find_own_program(helper_name);
  if (!found) found.error().hint = std::string("Install it, or set ") + helper_variable + " to its path";
  return found;
}

Result<Attachment> Attachment::begin(const AttachRequest& request) {
  const std::vector<std::uint8_t> bytes = TRY(order(request));
  const std::vector<UniqueFd> fds = TRY(attached(request));
  SocketPair sockets = TRY(make_message_sockets());
  // Ours must not block: a helper that hangs is noticed by poll and a deadline.
  if (fcntl(sockets.ours.get(), F_SETFL, O_NONBLOCK) != 0) return fail("set up a socket", errno);
  Child helper = TRY(start_helper(request, sockets.theirs.get()));
  sockets.theirs.reset();  // the helper's is the only one: its death closes it

  Attachment attachment(std::move(helper), std::move(sockets.ours), request);
  const Deadline deadline = deadline_in(request.timeout);
  TRY(attachment.send(bytes, fds, deadline));
  auto answer = TRY(attachment.receive<handoff::TunReady>(deadline, handoff::max_tun_fds));
  if (answer.fds.empty() && request.tun_fd < 0) return fail("wg4netns-helper sent no TUN");
  attachment.tun_ = std::move(answer.message);
  attachment.queues_ = std::move(answer.fds);
  if (!request.begin.tcp_listeners.empty() || !request.begin.udp_listeners.empty())
    attachment.listeners_ = TRY(attachment.receive<handoff::Listening>(deadline, handoff::max_listeners)).fds;
  return attachment;
}

Result<std::vector<std::string>> Attachment::finish(const LinkPlan& plan) {
  const Deadline deadline = deadline_in(timeout_);
  const std::vector<handoff::PlanPart> parts = TRY(handoff::split(plan));
  for (const handoff::PlanPart& part : parts) {
    const std::vector<std::uint8_t> bytes = TRY(wire::encode(part));
    TRY(send(bytes, {}, deadline));
  }
  auto done = TRY(receive<handoff::Done>(deadline, handoff::max_port_tables));
  if (!agent_ && !TRY(helper_.wait(time_to_end))) helper_.kill();  // our destructor reaps it
  port_tables_ = std::move(done.fds);
  changes_ = std::move(done.message.changes);
  return std::move(done.message.warnings);
}

/// Receives an M, or fails with the error that the helper sent instead.
template <class M>
Result<wire::Received<M>> Attachment::receive(Deadline deadline, std::size_t max_fds) {
  if (!TRY(wait_until(socket_.get(), POLLIN, deadline)))
    return fail("wg4netns-helper gave no answer within " + seconds(timeout_) + " and was stopped");
  std::vector<std::uint8_t> buffer(wire::max_message_size);
  auto received = TRY(receive_message(socket_.get(), buffer, max_fds));
  if (!received) return explain_end();
  auto answer = wire::decode<std::variant<M, handoff::Failure>>(ByteView(buffer).first(received->size));
  if (!answer) return fail_in("wireguard4netns and wg4netns-helper do not understand each other", answer.error());
  if (auto* failure = std::get_if<handoff::Failure>(&*answer)) return std::unexpected(std::move(failure->error));
  return wire::Received<M>{std::move(std::get<M>(*answer)), std::move(received->fds)};
}

/// A helper that is gone is no error here: its last message, or its end, tells more when we receive.
Result<void> Attachment::send(ByteView message, std::span<const UniqueFd> fds, Deadline deadline) {
  for (;;) {
    if (!TRY(wait_until(socket_.get(), POLLOUT, deadline)))
      return fail("wg4netns-helper read no message within " + seconds(timeout_) + " and was stopped");
    auto sent = send_message(socket_.get(), message, fds);
    if (sent || sent.error().number == EPIPE || sent.error().number == ECONNRESET) return {};
    if (sent.error().number != EAGAIN) return sent;
  }
}

std::unexpected<Error> Attachment::explain_end() {
  const auto status = helper_.wait(time_to_end);
  if (!status) return std::unexpected(status.error());
  if (!*status) return fail("wg4netns-helper closed its end and was stopped");
  return fail("wg4netns-helper " + (*status)->to_string() + " before it was done");
}

}  // namespace wg4
