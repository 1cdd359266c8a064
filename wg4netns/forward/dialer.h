#pragma once
// The host's end of the talk with the agent in the namespace (netns-helper/agent.h): sockets on request.

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
    Token who{};
    int error = 0;  ///< errno; 0 = here is the socket
    UniqueFd socket;
  };

  /// `agent` is a non-blocking message socket.
  explicit Dialer(UniqueFd agent) : agent_(std::move(agent)) {}

  /// Readable when receive() has something.
  [[nodiscard]] int fd() const { return agent_.get(); }
  /// False once the agent has gone: all that was asked for has then been answered with an error.
  [[nodiscard]] bool alive() const { return agent_.valid(); }

  /// Asks for a socket that is connected, or connecting, to `target`. Never blocks. The answer comes from receive().
  void dial(Protocol protocol, const Endpoint& target, Token who);
  /// `who` has gone, and may be another's name by the time of the answer: that is thrown away.
  void forget(Token who);
  /// A bounded number of answers.
  [[nodiscard]] std::vector<Answer> receive();

 private:
  struct Wish {
    handoff::Dial message;
    Token who;
  };

  void send_waiting();
  [[nodiscard]] std::vector<Answer> give_up(std::vector<Answer> answers);

  UniqueFd agent_;
  std::deque<Token> asked_;   // in order: answers carry no name
  std::deque<Wish> waiting_;  // until fewer are asked for
};

}  // namespace wg4::forward
