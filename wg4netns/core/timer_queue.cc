#include "wg4netns/core/timer_queue.h"

#include <algorithm>
#include <cstddef>

#include "shared/base/check.h"

namespace wg4 {
namespace {

constexpr std::size_t arity = 4;

}  // namespace

void TimerQueue::reserve(std::size_t peers) {
  if (peers <= places_.size()) return;
  places_.resize(peers, absent);
  heap_.reserve(places_.size());
}

void TimerQueue::set(PeerId peer, Instant deadline) {
  CHECK(peer != no_peer);
  if (peer >= places_.size()) reserve(std::max(peer + std::size_t{1}, 2 * places_.size()));
  std::size_t at = places_[peer];
  if (at == absent) {
    at = heap_.size();
    heap_.push_back({deadline, peer});
  }
  sift(at, {deadline, peer});
}

void TimerQueue::cancel(PeerId peer) {
  if (peer < places_.size() && places_[peer] != absent) remove_at(places_[peer]);
}

std::optional<Instant> TimerQueue::next() const {
  return heap_.empty() ? std::nullopt : std::optional(heap_.front().deadline);
}

std::optional<PeerId> TimerQueue::pop_due(Instant now) {
  if (heap_.empty() || heap_.front().deadline > now) return std::nullopt;
  const PeerId peer = heap_.front().peer;
  remove_at(0);
  return peer;
}

void TimerQueue::remove_at(std::size_t at) {
  places_[heap_[at].peer] = absent;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at < heap_.size()) sift(at, last);
}

/// Puts `entry` where it belongs, given that only position `at` is out of order.
void TimerQueue::sift(std::size_t at, Entry entry) {
  while (at > 0 && entry.deadline < heap_[(at - 1) / arity].deadline) {
    put(at, heap_[(at - 1) / arity]);
    at = (at - 1) / arity;
  }
  for (;;) {
    const std::size_t first = arity * at + 1;
    if (first >= heap_.size()) break;
    const auto children = heap_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = static_cast<std::ptrdiff_t>(std::min(arity, heap_.size() - first));
    const auto earliest = std::min_element(children, children + count,
                                           [](const Entry& a, const Entry& b) { return a.deadline < b.deadline; });
    if (entry.deadline <= earliest->deadline) break;
    put(at, *earliest);
    at = static_cast<std::size_t>(earliest - heap_.begin());
  }
  put(at, entry);
}

void TimerQueue::put(std::size_t at, Entry entry) {
  heap_[at] = entry;
  places_[entry.peer] = static_cast<std::uint32_t>(at);
}

}  // namespace wg4
