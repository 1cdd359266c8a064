#pragma once
// Forwarded UDP ports. Each client of a port is a flow with a socket of its own on the other side, so that replies can
// be assigned to it; idle flows end (flow_table.h).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "wg4netns/forward/datagram_batch.h"
#include "wg4netns/forward/dialer.h"
#include "wg4netns/forward/fd_budget.h"
#include "wg4netns/forward/flow_table.h"
#include "wg4netns/forward/rule.h"
#include "wg4netns/forward/target.h"
#include "wg4netns/forward/token.h"

namespace wg4::forward {

class UdpRelay {
 public:
  using Time = std::chrono::nanoseconds;

  struct Limits {
    Time idle = std::chrono::seconds(90);  ///< idle timeout of a flow
    std::size_t flows = 4096;              ///< of all ports together
    std::size_t staged_bytes = 1UL << 20;  ///< of all ports together: datagrams that wait for a dialer's answer
  };

  UdpRelay(Loop& loop, FdBudget& budget, const Limits& limits)
      : loop_(loop), budget_(budget), limits_(limits), staging_(limits.staged_bytes) {}

  /// Begins to receive from `listener`, which tells local addresses (ip_listener.h).
  [[nodiscard]] Result<void> open(RuleId id, UniqueFd listener, Dialer& dialer, Target target);
  /// Closes the rule's port and ends its flows.
  void close(RuleId id);

  /// To be called for events of the loop.
  void listener_ready(RuleId id, Time now);
  void flow_ready(std::uint32_t number, Time now);
  void dialed(std::uint32_t number, Dialer::Answer answer);

  /// To be called at the end of each turn. Returns when it has to be called next even without an event; nothing if only
  /// events matter.
  [[nodiscard]] std::optional<Time> end_turn(Time now);

  [[nodiscard]] std::size_t flows() const { return flows_.size(); }

 private:
  struct Listener {
    FdBudget::Lease lease;
    UniqueFd fd;
    Dialer* dialer;
    Target target;
  };
  struct Staged {
    ByteBudget::Lease lease;
    std::vector<std::uint8_t> bytes;
  };
  struct Flow {
    FdBudget::Lease lease;
    Dialer* dialer;
    UniqueFd guest;  // invalid until the dialer has answered
    std::vector<Staged> staged;
  };

  [[nodiscard]] std::optional<std::uint32_t> find_or_dial(const FlowKey& key, const Listener& listener, Time now);
  [[nodiscard]] std::optional<FdBudget::Lease> make_room();
  void stage(Flow& flow, ByteView datagram);
  void remove(std::uint32_t number);

  Loop& loop_;
  FdBudget& budget_;
  Limits limits_;
  ByteBudget staging_;
  std::map<RuleId, Listener> listeners_;
  FlowTable<Flow> flows_;
  std::unique_ptr<DatagramBatch> batch_;  // made with the first port
};

}  // namespace wg4::forward
