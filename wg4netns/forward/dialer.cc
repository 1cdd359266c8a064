#include "wg4netns/forward/dialer.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>
#include <utility>

#include "shared/net/protocol.h"
#include "shared/wire/message_socket.h"

namespace wg4::forward {
namespace {

/// Few enough for the socket's buffer, and for the kernel's limit on descriptors in flight.
constexpr std::size_t max_asked = 64;
constexpr std::size_t answers_per_turn = 64;
constexpr Token nobody = make_token(Kind::agent);

/// The message was received, but its descriptor was lost because this process has no free one.
bool lost_descriptors(int error) { return error == EMFILE || error == ENFILE; }

}  // namespace

void AgentDialer::dial(Protocol protocol, const Endpoint& target, Token requester) {
  waiting_.push_back({{protocol, target.address, target.port}, requester});
  send_waiting();
}

void AgentDialer::forget(Token requester) {
  std::erase_if(waiting_, [requester](const Request& request) { return request.requester == requester; });
  std::ranges::replace(asked_, requester, nobody);
}

void AgentDialer::send_waiting() {
  while (alive() && !waiting_.empty() && asked_.size() < max_asked) {
    // On failure the socket is either full, and then answers will come, or closed, which receive() will find.
    if (!wire::send(agent_.get(), waiting_.front().message)) return;
    asked_.push_back(waiting_.front().requester);
    waiting_.pop_front();
  }
}

std::vector<Dialer::Answer> AgentDialer::receive() {
  std::vector<Answer> answers;
  while (alive() && answers.size() < answers_per_turn) {
    auto message = wire::receive<handoff::Dialed>(agent_.get(), 1);
    if (!message && message.error().number == EAGAIN) break;
    if (asked_.empty() || (message && !*message)) return give_up(std::move(answers));
    if (!message && !lost_descriptors(message.error().number)) return give_up(std::move(answers));
    Answer answer{asked_.front(), EMFILE, {}};
    if (message) {
      answer.error = (*message)->message.error;
      if ((answer.error == 0) != ((*message)->fds.size() == 1)) return give_up(std::move(answers));
      if (answer.error == 0) answer.socket = std::move((*message)->fds.front());
    }
    asked_.pop_front();
    if (answer.requester != nobody) answers.push_back(std::move(answer));
  }
  send_waiting();
  return answers;
}

std::vector<Dialer::Answer> AgentDialer::give_up(std::vector<Answer> answers) {
  agent_.reset();
  for (const Token requester : std::exchange(asked_, {}))
    if (requester != nobody) answers.push_back({requester, ECONNRESET, {}});
  for (const Request& request : std::exchange(waiting_, {})) answers.push_back({request.requester, ECONNRESET, {}});
  return answers;
}

}  // namespace wg4::forward
