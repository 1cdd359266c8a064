#pragma once
// Requests sockets from the agent in the namespace (netns-helper/agent.h); this is the host's end.

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/handoff/handoff.h"
#include "shared/net/endpoint.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/token.h"

namespace wg4::forward {

class Dialer {
 public:
  struct Answer {
    Token requester{};
    int error = 0;  ///< errno; 0 = `socket` is valid
    UniqueFd socket;
  };

  /// `agent` is a non-blocking message socket.
  explicit Dialer(UniqueFd agent) : agent_(std::move(agent)) {}

  /// Readable when receive() has something.
  [[nodiscard]] int fd() const { return agent_.get(); }
  /// False once the agent has gone: every request has then been answered with an error.
  [[nodiscard]] bool alive() const { return agent_.valid(); }

  /// Requests a socket that is connected, or connecting, to `target`. Never blocks. receive() returns the answer.
  void dial(Protocol protocol, const Endpoint& target, Token requester);
  /// `requester` has gone: its answers are thrown away, since the token may be another requester's when they come.
  void forget(Token requester);
  /// Returns a bounded number of answers.
  [[nodiscard]] std::vector<Answer> receive();

 private:
  struct Request {
    handoff::Dial message;
    Token requester;
  };

  void send_waiting();
  [[nodiscard]] std::vector<Answer> give_up(std::vector<Answer> answers);

  UniqueFd agent_;
  std::deque<Token> asked_;      // in the order of the answers, which name no requester
  std::deque<Request> waiting_;  // not sent yet, since max_asked are in flight
};

}  // namespace wg4::forward
