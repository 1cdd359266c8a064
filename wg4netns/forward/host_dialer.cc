#include "wg4netns/forward/host_dialer.h"

#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/net/endpoint.h"
#include "shared/net/protocol.h"
#include "shared/sys/sockaddr.h"
#include "wg4netns/forward/token.h"

namespace wg4::forward {

/// Never waits: a TCP connection is under way then, and its end shows at the socket.
void HostDialer::dial(Protocol protocol, const Endpoint& target, Token requester) {
  const int type = protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
  UniqueFd fd(socket(target.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  SocketAddress address(target);
  const bool failed = !fd.valid() || (connect(fd.get(), address.get(), address.length) != 0 && errno != EINPROGRESS);
  if (failed)
    answers_.push_back({requester, errno, {}});
  else
    answers_.push_back({requester, 0, std::move(fd)});
}

void HostDialer::forget(Token requester) {
  std::erase_if(answers_, [requester](const Answer& answer) { return answer.requester == requester; });
}

}  // namespace wg4::forward
