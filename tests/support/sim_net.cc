#include "tests/support/sim_net.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace wg4::test {

Duration SimNet::up_to(Duration span) {
  return span > Duration{} ? std::chrono::microseconds(
                                 chance_.below(static_cast<std::uint32_t>(span / std::chrono::microseconds(1)) + 1))
                           : Duration{};
}

void SimNet::send(Duration now, Datagram datagram) {
  if (tap) tap(datagram);
  if (passes && !passes(datagram)) return;
  if (hit(faults.loss_percent)) return;
  if ((datagram.tos & 3) != 0 && hit(faults.congestion_percent)) datagram.tos |= 3;

  Duration& last = last_arrival_[{datagram.from.address, datagram.to.address}];
  const Duration in_order = std::max(last, now + faults.delay + up_to(faults.jitter));
  const bool overtaken = hit(faults.reorder_percent);
  if (!overtaken) last = in_order;
  const Duration arrival = overtaken ? in_order + up_to(20 * faults.delay) : in_order;
  if (hit(faults.duplicate_percent)) in_flight_.emplace(arrival + up_to(50 * faults.delay), datagram);
  in_flight_.emplace(arrival, std::move(datagram));
}

std::optional<Duration> SimNet::next() const {
  return in_flight_.empty() ? std::nullopt : std::optional(in_flight_.begin()->first);
}

std::optional<Datagram> SimNet::take_due(Duration now) {
  const auto first = in_flight_.begin();
  if (first == in_flight_.end() || first->first > now) return std::nullopt;
  std::optional<Datagram> datagram(std::move(first->second));
  in_flight_.erase(first);
  return datagram;
}

}  // namespace wg4::test
