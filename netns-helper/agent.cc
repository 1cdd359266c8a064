#include "netns-helper/agent.h"

#include <sys/socket.h>

#include <cerrno>
#include <span>
#include <utility>

#include "shared/base/unique_fd.h"
#include "shared/handoff/handoff.h"
#include "shared/net/endpoint.h"
#include "shared/net/protocol.h"
#include "shared/sys/sockaddr.h"
#include "shared/wire/message_socket.h"

namespace wg4 {
namespace {

struct Outcome {
  int error = 0;  // errno
  UniqueFd socket;
};

/// Never waits: a TCP connection is under way when this returns, and its end shows at the socket.
Outcome dial(const handoff::Dial& wanted) {
  const int type = wanted.protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
  UniqueFd fd(socket(wanted.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return {errno, {}};
  SocketAddress target(Endpoint{wanted.address, wanted.port});
  if (connect(fd.get(), target.get(), target.length) != 0 && errno != EINPROGRESS) return {errno, {}};
  return {0, std::move(fd)};
}

Result<void> answer(int host, const Outcome& outcome) {
  return wire::send(host, handoff::Dialed{outcome.error}, std::span(&outcome.socket, outcome.socket.valid() ? 1 : 0));
}

}  // namespace

Result<void> run_agent(int host) {
  for (;;) {
    const auto wanted = TRY(wire::receive<handoff::Dial>(host));
    if (!wanted) return {};
    const auto sent = answer(host, dial(wanted->message));
    if (sent) continue;
    if (sent.error().number == EPIPE || sent.error().number == ECONNRESET) return {};  // nobody is left to work for
    // Such as ETOOMANYREFS: too many descriptors are on their way. One connection fails, not all.
    TRY(answer(host, {sent.error().number, {}}));
  }
}

}  // namespace wg4
