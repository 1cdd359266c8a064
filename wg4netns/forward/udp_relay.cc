#include "wg4netns/forward/udp_relay.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "shared/base/bytes.h"
#include "shared/base/unique_fd.h"
#include "shared/net/protocol.h"

namespace wg4::forward {
namespace {

constexpr std::size_t max_staged = 8;  // datagrams of a flow that is not dialed yet
constexpr int batches_per_turn = 4;

}  // namespace

Result<void> UdpRelay::open(RuleId id, UniqueFd listener, Dialer& dialer, Target target) {
  auto lease = budget_.take(1);
  if (!lease) return fail("forward one more port", EMFILE, "Raise the limit on open files (ulimit -n)");
  TRY(loop_.watch(listener.get(), make_token(Kind::udp_listener, id)));
  listeners_.emplace(id, Listener{std::move(*lease), std::move(listener), &dialer, std::move(target)});
  if (!batch_) batch_ = std::make_unique<DatagramBatch>();
  return {};
}

void UdpRelay::close(RuleId id) {
  if (listeners_.erase(id) == 0) return;
  std::vector<std::uint32_t> orphans;
  for (const std::uint32_t number : flows_.order())
    if (flows_[number].key.rule == id) orphans.push_back(number);
  for (const std::uint32_t number : orphans) remove(number);
}

void UdpRelay::listener_ready(RuleId id, Time now) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return;
  const Listener& listener = found->second;
  for (int round = 0; round < batches_per_turn; ++round) {
    const std::size_t count = batch_->receive(listener.fd.get());
    for (std::size_t i = 0; i < count;) {
      const FlowKey key{id, batch_->sender(i), batch_->local(i)};
      std::size_t end = i + 1;
      while (end < count && FlowKey{id, batch_->sender(end), batch_->local(end)} == key) ++end;
      if (const auto number = find_or_dial(key, listener, now)) {
        Flow& flow = flows_[*number].value;
        if (flow.guest.valid()) batch_->send(flow.guest.get(), i, end);
        for (std::size_t each = i; each < end && !flow.guest.valid(); ++each) stage(flow, batch_->bytes(each));
      }
      i = end;
    }
    if (count < DatagramBatch::max_datagrams) return;
  }
}

std::optional<std::uint32_t> UdpRelay::find_or_dial(const FlowKey& key, const Listener& listener, Time now) {
  if (const auto known = flows_.find(key)) {
    flows_.touch(flows_[*known], now);
    return known;
  }
  const auto target = listener.target(key.local);
  auto lease = target ? make_room() : std::nullopt;
  if (!lease) return std::nullopt;
  const std::uint32_t number = flows_.add(key, {std::move(*lease), listener.dialer, {}, {}}, now);
  listener.dialer->dial(Protocol::udp, *target, make_token(Kind::udp_flow, number));
  return number;
}

/// A descriptor for another flow, if necessary that of the flow that has been idle longest.
std::optional<FdBudget::Lease> UdpRelay::make_room() {
  auto lease = flows_.size() < limits_.flows ? budget_.take(1) : std::nullopt;
  const auto oldest = flows_.oldest();
  // A flow without a socket yet still expects the dialer's answer.
  if (lease || !oldest || !flows_[*oldest].value.guest.valid()) return lease;
  flows_.remove(*oldest);
  return budget_.take(1);
}

/// Drops the datagram if there is no room, as UDP allows: the sender's address may be forged.
void UdpRelay::stage(Flow& flow, ByteView datagram) {
  if (flow.staged.size() >= max_staged) return;
  if (auto lease = staging_.take(datagram.size()))
    flow.staged.push_back({std::move(*lease), {datagram.begin(), datagram.end()}});
}

/// Forgets the request to the dialer: another flow may get this number soon, and must not get the socket.
void UdpRelay::remove(std::uint32_t number) {
  const Flow& flow = flows_[number].value;
  if (!flow.guest.valid()) flow.dialer->forget(make_token(Kind::udp_flow, number));
  flows_.remove(number);
}

void UdpRelay::dialed(std::uint32_t number, Dialer::Answer answer) {
  auto* flow = flows_.at(number);
  if (flow == nullptr) return;
  if (answer.error != 0 || !loop_.watch(answer.socket.get(), make_token(Kind::udp_flow, number))) {
    flows_.remove(number);
    return;
  }
  flow->value.guest = std::move(answer.socket);
  for (const Staged& datagram : std::exchange(flow->value.staged, {}))
    ::send(flow->value.guest.get(), datagram.bytes.data(), datagram.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void UdpRelay::flow_ready(std::uint32_t number, Time now) {
  auto* flow = flows_.at(number);
  if (flow == nullptr || !flow->value.guest.valid()) return;
  const auto listener = listeners_.find(flow->key.rule);
  if (listener == listeners_.end()) return;
  for (int round = 0; round < batches_per_turn; ++round) {
    const std::size_t count = batch_->receive(flow->value.guest.get());
    if (count > 0) batch_->send_from(listener->second.fd.get(), count, flow->key.client, flow->key.local);
    if (count > 0) flows_.touch(*flow, now);
    if (count < DatagramBatch::max_datagrams) return;
  }
}

std::optional<UdpRelay::Time> UdpRelay::end_turn(Time now) {
  for (auto oldest = flows_.oldest(); oldest; oldest = flows_.oldest()) {
    const auto end = flows_[*oldest].last_used + limits_.idle;
    if (end > now) break;
    remove(*oldest);
  }
  flows_.recycle();
  const auto oldest = flows_.oldest();
  return oldest ? std::optional(flows_[*oldest].last_used + limits_.idle) : std::nullopt;
}

}  // namespace wg4::forward
