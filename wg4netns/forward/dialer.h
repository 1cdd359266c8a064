#pragma once
// Who connects for the relays: the agent in the namespace (netns-helper/agent.h), of which this is the host's end; or
// this process itself (host_dialer.h).

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

  Dialer() = default;
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;
  virtual ~Dialer() = default;

  /// Requests a socket that is connected, or connecting, to `target`. Never blocks, and answers later.
  virtual void dial(Protocol protocol, const Endpoint& target, Token requester) = 0;
  /// `requester` has gone: its answers are thrown away, since the token may be another requester's when they come.
  virtual void forget(Token requester) = 0;
};

class AgentDialer final : public Dialer {
 public:
  /// `agent` is a non-blocking message socket; or invalid, if there is none.
  explicit AgentDialer(UniqueFd agent) : agent_(std::move(agent)) {}

  /// Readable when receive() has something.
  [[nodiscard]] int fd() const { return agent_.get(); }
  /// False without an agent, or once it has gone: every request has then been answered with an error.
  [[nodiscard]] bool alive() const { return agent_.valid(); }

  /// receive() returns the answer.
  void dial(Protocol protocol, const Endpoint& target, Token requester) override;
  void forget(Token requester) override;
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
