#pragma once
// A simulated network: datagrams arrive later, twice, in another order, or never, as a seed decides.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "shared/net/endpoint.h"
#include "shared/net/ip_address.h"
#include "tests/support/packets.h"
#include "tests/support/seeded_entropy.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/core/time.h"

namespace wg4::test {

struct Datagram {
  Endpoint from;
  Endpoint to;
  std::uint8_t tos = 0;
  Bytes bytes;
};

struct Faults {
  Duration delay = 10ms;  ///< one way
  Duration jitter{};      ///< at most this much more, without overtaking
  unsigned loss_percent = 0;
  unsigned duplicate_percent = 0;   ///< arrive once more, some time later
  unsigned reorder_percent = 0;     ///< are overtaken by others
  unsigned congestion_percent = 0;  ///< datagrams with ECN support are marked CE
};

class SimNet {
 public:
  explicit SimNet(std::uint64_t seed) : chance_(seed) {}

  /// Applied to datagrams from now on, not to those in flight.
  Faults faults;
  /// Decides for each datagram that is sent whether it passes; null = all do. For partitions and targeted loss.
  std::function<bool(const Datagram&)> passes;
  /// Called with every datagram that a host sends, before any fault.
  std::function<void(const Datagram&)> tap;

  /// `now` is time since the simulation began, here as everywhere in the simulation.
  void send(Duration now, Datagram datagram);
  /// When the next datagram arrives.
  [[nodiscard]] std::optional<Duration> next() const;
  [[nodiscard]] std::optional<Datagram> take_due(Duration now);

 private:
  [[nodiscard]] bool hit(unsigned percent) { return percent > 0 && chance_.below(100) < percent; }
  [[nodiscard]] Duration up_to(Duration span);

  SeededEntropy chance_;
  std::multimap<Duration, Datagram> in_flight_;  // by time of arrival; equal times keep their order
  std::map<std::pair<IpAddress, IpAddress>, Duration> last_arrival_;
};

}  // namespace wg4::test
