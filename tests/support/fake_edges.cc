#include "tests/support/fake_edges.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/base/check.h"
#include "tests/support/offload_runs.h"
#include "wg4netns/core/limits.h"
#include "wg4netns/dataplane/edge.h"

namespace wg4::test {

static_assert(InnerEdge<FakeTun>);
static_assert(OuterEdge<FakeUdp>);

// ---------------------------------------------------------------- FakeTun

TunDevice::Read FakeTun::read(std::size_t queue, ByteSpan frame) const {
  if (is_gone) return {TunDevice::ReadStatus::gone};
  if (waiting_[queue].empty()) return {TunDevice::ReadStatus::empty};
  CHECK(frame.size() >= TunDevice::max_frame);
  const Bytes next = std::move(waiting_[queue].front());
  waiting_[queue].pop_front();
  std::ranges::copy(next, frame.begin());
  return {TunDevice::ReadStatus::packet, next.size()};
}

bool FakeTun::write(offload::Gather gather) const {
  if (!is_full) written_.push_back(flatten(gather));
  return !is_full;
}

// ---------------------------------------------------------------- FakeUdp

std::span<const DatagramRun> FakeUdp::receive(Family family) {
  received_.clear();
  runs_.clear();
  while (!wire_->arrived.empty() && wire_->arrived.front().run.path.remote.address.family() == family) {
    received_.push_back(std::move(wire_->arrived.front()));
    wire_->arrived.pop_front();
  }
  for (FakeWire::Run& each : received_)
    runs_.push_back({each.run.path, each.run.tos, each.bytes, each.run.segment_size});
  return runs_;
}

ByteSpan FakeUdp::room(std::size_t bytes) {
  CHECK(bytes <= max_batch_size);
  unsent_ = ByteSpan(room_).first(bytes);
  return unsent_;
}

void FakeUdp::push(const SendRun& run) {
  CHECK(run.size > 0 && run.segment_size > 0 && run.size <= unsent_.size());
  pushed_.push_back({run, {unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(run.size)}});
  unsent_ = unsent_.subspan(run.size);
}

void FakeUdp::flush() {
  backlogged_ = wire_->is_full && !pushed_.empty();
  if (backlogged_) return;
  for (FakeWire::Run& run : std::exchange(pushed_, {})) wire_->sent.push_back(std::move(run));
}

std::optional<PeerId> FakeUdp::take_bad_source() {
  if (wire_->bad_sources.empty()) return std::nullopt;
  const PeerId peer = wire_->bad_sources.back();
  wire_->bad_sources.pop_back();
  return peer;
}

void carry(FakeWire& from, FakeWire& to) {
  for (FakeWire::Run& each : std::exchange(from.sent, {})) {
    each.run.path = {.remote = from.address, .local = to.address.address};
    to.arrived.push_back(std::move(each));
  }
}

}  // namespace wg4::test
