#pragma once
// Connects in this process's own network, for ways out of a namespace (ways.h).

#include <utility>
#include <vector>

#include "shared/net/endpoint.h"
#include "shared/net/protocol.h"
#include "wg4netns/forward/dialer.h"
#include "wg4netns/forward/token.h"

namespace wg4::forward {

class HostDialer final : public Dialer {
 public:
  void dial(Protocol protocol, const Endpoint& target, Token requester) override;
  void forget(Token requester) override;
  /// All answers since the last call.
  [[nodiscard]] std::vector<Answer> receive() { return std::exchange(answers_, {}); }

 private:
  std::vector<Answer> answers_;
};

}  // namespace wg4::forward
